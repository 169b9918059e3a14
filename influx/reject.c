#include "influx/reject.h"

#include <time.h>

#include "core/clock.h"
#include "core/mem.h"

void reject_prepare(struct reject *reject, const char *folder, int64_t ceiling_bytes)
{
	reject->path = mem_format("%s/" REJECT_FILE, folder);
	reject->file = (struct influx_file){
		.path = reject->path,
		.rotate_bytes = ceiling_bytes / 2,
		.keep = 1,
		.descriptor = -1,
	};
}

void reject_close(struct reject *reject)
{
	if (reject->is_open)
		influx_file_close(&reject->file);
	text_free(&reject->scratch);
	mem_free(reject->path);
}

/* "# 2026-11-21T03:40:45Z main: HTTP 400: ..." */
static void write_comment(struct reject *reject, const char *output, const char *reason)
{
	time_t seconds = (time_t)(clock_realtime_ns() / NS_PER_SECOND);
	struct tm utc;
	char stamp[32] = "";
	if (gmtime_r(&seconds, &utc) != NULL)
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &utc);
	text_add_format(&reject->scratch, "# %s %s: %s\n", stamp, output, reason);
}

void reject_add(struct reject *reject, const char *output, const char *reason, const char *bytes, size_t n)
{
	struct err err = {0};
	text_clear(&reject->scratch);
	write_comment(reject, output, reason);
	text_add_bytes(&reject->scratch, bytes, n);
	/* Looked at each time: somebody may have taken it away. */
	if (!reject->is_open)
		reject->is_open = influx_file_open(&reject->file, &err) == 0;
	else
		influx_file_check(&reject->file, &err);
	if (err.text[0] == '\0')
		influx_file_write(&reject->file, reject->scratch.bytes, reject->scratch.length, &err);
	if (err.text[0] != '\0')
		log_fault_begin(&reject->fault, "influx reject", NULL, "%s: %s", reject->path, err.text);
	else
		log_fault_end(&reject->fault, "influx reject", NULL);
}
