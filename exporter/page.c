#include "exporter/page.h"

#include <string.h>
#include <time.h>

#include "core/clock.h"

const char page_fields[] = "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
			   "form-action 'none'; frame-ancestors 'none'\r\n"
			   "X-Content-Type-Options: nosniff\r\n"
			   "Referrer-Policy: no-referrer\r\n";

#define REFRESH_SECONDS 10

static const char style[] =
	"<style>\n"
	":root { color-scheme: light dark; --ink: #1c2430; --quiet: #5b6675; --paper: #fbfbfa; --line: #dfe3e8;"
	" --link: #0b5cad; --good: #176f43; --good-paper: #e2f4ea; --bad: #a3271b; --bad-paper: #fbe3e0;"
	" --some: #8a5300; --mark: #e07b6f; --warn: #e0a94a; }\n"
	"@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --quiet: #9aa5b4; --paper: #14181d;"
	" --line: #2c343e; --link: #7ab8ff; --good: #5fd39a; --good-paper: #16382a; --bad: #ff9d90;"
	" --bad-paper: #47201b; --some: #f0b860; } }\n"
	"body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }\n"
	"main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.25rem; }\n"
	"h1 { margin: 0; font-size: 1.7rem; letter-spacing: -0.01em; }\n"
	"h2 { margin: 2.2rem 0 0.6rem; font-size: 1.2rem; }\n"
	"p { margin: 0.5rem 0 0; } .quiet { color: var(--quiet); font-weight: 400; }\n"
	"dl { margin: 0; border-top: 1px solid var(--line); }\n"
	"dl div { display: flex; flex-wrap: wrap; gap: 0 1.5rem; padding: 0.5rem 0;"
	" border-bottom: 1px solid var(--line); }\n"
	"dt { flex: 0 0 9rem; } dd { flex: 1 1 18rem; margin: 0; color: var(--quiet); }\n"
	".wide { overflow-x: auto; } table { border-collapse: collapse; font-size: 0.9rem; }\n"
	".full { width: 100%; } th { font-weight: 600; text-align: left; }\n"
	"th, td { padding: 0.35rem 1rem 0.35rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }\n"
	".number { text-align: right; padding-right: 1.8rem; font-variant-numeric: tabular-nums; }\n"
	"a { color: var(--link); text-decoration: none; } dt a { font-family: ui-monospace, monospace; }\n"
	"a:hover, a:focus { text-decoration: underline; }\n"
	".good { color: var(--good); } .bad { color: var(--bad); } .some { color: var(--some); }\n"
	".state { display: inline-block; min-width: 3.2rem; padding: 0 0.5rem; border-radius: 0.3rem;"
	" text-align: center; font-weight: 600; }\n"
	".state.good { background: var(--good-paper); } .state.bad { background: var(--bad-paper); }\n"
	"svg { display: block; width: 100%; height: auto; margin: 1rem 0 0; font-size: 12px; }\n"
	"svg text { fill: var(--quiet); } .grid { stroke: var(--line); } .failed { stroke: var(--mark); }\n"
	".lossy { stroke: var(--warn); } .failed, .lossy { stroke-opacity: 0.6; } .spread { stroke: var(--link); "
	"stroke-opacity: 0.35; }\n"
	".middle { fill: var(--link); }\n"
	"</style>\n";

static const char links[] =
	"<h2>Where to go from here</h2>\n"
	"<dl>\n"
	"<div><dt><a href=\"/metrics\">/metrics</a></dt><dd>All results, for Prometheus. A part of them with"
	" <a href=\"/metrics?shard=0/4\">?shard=0/4</a>: the first of four parts, split by target.</dd></div>\n"
	"<div><dt><a href=\"/api/v1/latest\">/api/v1/latest</a></dt><dd>The same by target, as JSON; one of them with"
	" ?target=NAME.</dd></div>\n"
	"<div><dt><a href=\"/api/v1/events\">/api/v1/events</a></dt><dd>What happened lately, as JSON: paths that"
	" changed, traces that trouble set off.</dd></div>\n"
	"<div><dt><a href=\"/probe?target=127.0.0.1\">/probe</a></dt><dd>Measures what the request names, for scrape"
	" configurations of blackbox_exporter: ?target=ADDRESS&amp;module=NAME.</dd></div>\n"
	"<div><dt><a href=\"/config\">/config</a></dt><dd>The configuration in force, with all defaults and without"
	" secrets.</dd></div>\n"
	"<div><dt><a href=\"/health\">/health</a></dt><dd>How the daemon itself is, as JSON. For programs that only"
	" want a status: <a href=\"/-/healthy\">/-/healthy</a> and <a href=\"/-/ready\">/-/ready</a>.</dd></div>\n"
	"</dl>\n";

/* --- parts ------------------------------------------------------------------------------------------------------- */

void page_begin(const char *title, unsigned refresh_seconds, struct text *out)
{
	text_add(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
	if (refresh_seconds > 0)
		text_add_format(out, "<meta http-equiv=\"refresh\" content=\"%u\">\n", refresh_seconds);
	text_add(out, "<title>");
	page_add_text(title, strlen(title), out);
	text_add(out, "</title>\n");
	text_add(out, style);
	text_add(out, "</head>\n<body>\n<main>\n");
}

void page_end(struct text *out)
{
	text_add(out, "</main>\n</body>\n</html>\n");
}

void page_add_text(const char *bytes, size_t n, struct text *out)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != '\0' && strchr("&<>\"'", bytes[i]))
			text_add_format(out, "&#%d;", bytes[i]);
		else
			text_add_char(out, bytes[i]);
	}
}

void page_add_value(const char *bytes, size_t n, struct text *out)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";

	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != '\0' && strchr(plain, bytes[i]))
			text_add_char(out, bytes[i]);
		else
			text_add_format(out, "%%%02X", (unsigned char)bytes[i]);
	}
}

void page_add_time(int64_t realtime_ns, struct text *out)
{
	time_t seconds = (time_t)(realtime_ns / NS_PER_SECOND);
	struct tm tm = {0};

	gmtime_r(&seconds, &tm);
	text_add_format(out, "%04d-%02d-%02d %02d:%02d:%02d UTC", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
			tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void page_add_duration(double seconds, struct text *out)
{
	double ms = seconds * 1000;

	if (ms < 9.995)
		text_add_format(out, "%.3f ms", ms);
	else if (ms < 999.5)
		text_add_format(out, "%.1f ms", ms);
	else
		text_add_format(out, "%.2f s", seconds);
}

void page_add_loss_cell(double ratio, struct text *out)
{
	text_add_format(out, "</td><td class=\"number%s\">", ratio >= 1 ? " bad" : ratio > 0 ? " some" : "");
	if (ratio >= 0)
		text_add_format(out, "%.*f %%", ratio > 0 && ratio < 0.1 ? 1 : 0, ratio * 100);
}

/* --- the page at "/" --------------------------------------------------------------------------------------------- */

static void add_head(const struct page_facts *facts, struct text *out)
{
	text_add(out, "<h1>netsonde");
	if (facts->agent) {
		text_add(out, " <span class=\"quiet\">");
		page_add_text(facts->agent, strlen(facts->agent), out);
		text_add(out, "</span>");
	}
	text_add_format(out,
			"</h1>\n<p class=\"quiet\">Version %s &middot; <span class=\"%s\">%s</span> &middot; %zu "
			"series &middot; as of ",
			facts->version, facts->is_ready ? "good" : "bad", facts->is_ready ? "ready" : "not ready",
			facts->series);
	page_add_time(facts->now_ns, out);
	if (facts->is_refreshed)
		text_add_format(out, ", and again every %d s &middot; <a href=\"/\">stop that</a></p>\n",
				REFRESH_SECONDS);
	else
		text_add_format(out, " &middot; <a href=\"/?refresh=1\">again every %d s</a></p>\n", REFRESH_SECONDS);
}

void page_write(const struct page_facts *facts, struct text *out)
{
	page_begin("netsonde", facts->is_refreshed ? REFRESH_SECONDS : 0, out);
	add_head(facts, out);
	if (facts->status)
		text_add(out, facts->status);
	text_add(out, links);
	if (facts->more)
		text_add(out, facts->more);
	page_end(out);
}
