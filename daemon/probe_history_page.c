#include "daemon/probe_history_page.h"

#include <string.h>

#include "core/clock.h"
#include "daemon/probe_history.h"
#include "exporter/page.h"

/* Longer ones are cut: the log has the whole. */
#define SHOWN_MAX 300

static void add_escaped(const char *string, struct text *out)
{
	size_t length = strlen(string), n = length;

	if (length > SHOWN_MAX) {
		/* Not within a character of several bytes. */
		for (n = SHOWN_MAX; n < length && ((unsigned char)string[n] & 0xc0) == 0x80;)
			n++;
	}
	page_add_text(string, n, out);
	if (n < length)
		text_add(out, "&hellip;");
}

static void add_row(const struct probe_entry *entry, struct text *out)
{
	text_add(out, "<tr><td>");
	page_add_time(entry->begun_realtime_ns, out);
	text_add(out, "</td><td>");
	add_escaped(entry->module, out);
	text_add(out, "</td><td>");
	add_escaped(entry->target, out);
	text_add_format(out,
			"</td><td class=\"%s\">%s</td><td>%.3f s</td><td><a href=\"/logs?id=%llu\">log</a></td></tr>\n",
			entry->reason == REASON_OK ? "good" : "bad", reason_name(entry->reason),
			clock_seconds(entry->took_ns), (unsigned long long)entry->id);
}

void probe_history_page_write(const struct probe_history *history, struct text *out)
{
	const struct probe_entry *entry = probe_history_next(history, NULL);

	if (!entry)
		return;
	text_add(out, "<h2>The last probes of /probe</h2>\n<div class=\"wide\"><table>\n"
		      "<tr><th>began</th><th>module</th><th>target</th><th>result</th><th>took</th><th></th></tr>\n");
	for (size_t n = 0; entry && n < PROBE_HISTORY_ROWS_MAX; n++) {
		add_row(entry, out);
		entry = probe_history_next(history, entry);
	}
	text_add(out, "</table></div>\n");
}

void probe_debug_write(const struct probe_debug *debug, struct text *out)
{
	text_add(out, "Logs for the probe:\n");
	text_add(out, debug->log);
	text_add(out, "\n\n\nMetrics that would have been returned:\n");
	text_add(out, debug->page);
	text_add(out, "\n\n\nModule configuration:\n");
	text_add(out, debug->module);
}
