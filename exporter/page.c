#include "exporter/page.h"

const char page_fields[] = "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
			   "form-action 'none'; frame-ancestors 'none'\r\n"
			   "X-Content-Type-Options: nosniff\r\n"
			   "Referrer-Policy: no-referrer\r\n";

static const char head[] =
	"<!doctype html>\n"
	"<html lang=\"en\">\n"
	"<head>\n"
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<title>netsonde</title>\n"
	"<style>\n"
	":root { color-scheme: light dark; --ink: #1c2430; --quiet: #5b6675; --paper: #fbfbfa; --line: #dfe3e8;"
	" --link: #0b5cad; --good: #1a7f4b; --bad: #b3541e; }\n"
	"@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --quiet: #9aa5b4; --paper: #14181d;"
	" --line: #2c343e; --link: #7ab8ff; --good: #5fd39a; --bad: #f0a36c; } }\n"
	"body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }\n"
	"main { max-width: 42rem; margin: 0 auto; padding: 4rem 1.25rem; }\n"
	"h1 { margin: 0; font-size: 1.9rem; letter-spacing: -0.01em; }\n"
	"p { margin: 0.6rem 0 0; } .quiet { color: var(--quiet); }\n"
	"dl { margin: 2rem 0 0; border-top: 1px solid var(--line); }\n"
	"dl div { display: flex; flex-wrap: wrap; gap: 0 1.5rem; padding: 0.7rem 0;"
	" border-bottom: 1px solid var(--line); }\n"
	"dt { flex: 0 0 9rem; } dd { flex: 1 1 18rem; margin: 0; color: var(--quiet); }\n"
	"h2 { margin: 2.5rem 0 0.8rem; font-size: 1.15rem; } .wide { overflow-x: auto; }\n"
	"table { border-collapse: collapse; font-size: 0.85rem; } th { font-weight: 600; text-align: left; }\n"
	"th, td { padding: 0.3rem 1rem 0.3rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }\n"
	"a { color: var(--link); font-family: ui-monospace, monospace; text-decoration: none; }\n"
	"a:hover, a:focus { text-decoration: underline; }\n"
	".good { color: var(--good); } .bad { color: var(--bad); }\n"
	"</style>\n"
	"</head>\n"
	"<body>\n"
	"<main>\n"
	"<h1>netsonde</h1>\n"
	"<p>Measures networks and says how good they are: for Prometheus on this port, for InfluxDB as line "
	"protocol.</p>\n";

static const char links[] =
	"<dl>\n"
	"<div><dt><a href=\"/metrics\">/metrics</a></dt><dd>All results, as Prometheus text or OpenMetrics. A part of "
	"them"
	" with <a href=\"/metrics?shard=0/4\">?shard=0/4</a>: the first of four parts, split by target.</dd></div>\n"
	"<div><dt><a href=\"/api/v1/latest\">/api/v1/latest</a></dt><dd>The same by target, as JSON; one of them with"
	" ?target=NAME.</dd></div>\n"
	"<div><dt><a href=\"/probe?target=127.0.0.1\">/probe</a></dt><dd>Measures what the request names, for scrape"
	" configurations of blackbox_exporter: ?target=ADDRESS&amp;module=NAME.</dd></div>\n"
	"<div><dt><a href=\"/config\">/config</a></dt><dd>The configuration in force, with all defaults and without"
	" secrets.</dd></div>\n"
	"<div><dt><a href=\"/-/healthy\">/-/healthy</a></dt><dd>Answers 200 while the daemon runs.</dd></div>\n"
	"<div><dt><a href=\"/-/ready\">/-/ready</a></dt><dd>Answers 200 once it measures.</dd></div>\n"
	"</dl>\n";

static const char tail[] = "</main>\n"
			   "</body>\n"
			   "</html>\n";

void page_write(const struct page_facts *facts, struct text *out)
{
	text_add(out, head);
	text_add_format(out,
			"<p class=\"quiet\">Version %s &middot; <span class=\"%s\">%s</span> &middot; %zu series</p>\n",
			facts->version, facts->is_ready ? "good" : "bad", facts->is_ready ? "ready" : "not ready",
			facts->series);
	text_add(out, links);
	if (facts->more)
		text_add(out, facts->more);
	text_add(out, tail);
}
