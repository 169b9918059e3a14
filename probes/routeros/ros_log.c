#include "probes/routeros/ros_log.h"

#include <string.h>

#include "core/mem.h"

/* A line and its texts in one piece of memory. */
struct kept {
	struct ros_log_line line;
	size_t bytes;
	char texts[];
};

struct ros_log {
	struct kept **lines; /* a ring */
	size_t room, first, n;
	size_t bytes; /* of texts */
	size_t fresh;
	uint64_t last_id;   /* of the newest line */
	uint64_t answer_id; /* the largest of this answer */
};

struct ros_log *ros_log_create(size_t lines_max)
{
	struct ros_log *log = mem_zero(1, sizeof(*log));
	log->room = lines_max;
	log->lines = mem_zero(lines_max, sizeof(struct kept *));
	return log;
}

static struct kept *kept_at(const struct ros_log *log, size_t i)
{
	return log->lines[(log->first + i) % log->room];
}

static void drop_oldest(struct ros_log *log)
{
	struct kept *kept = kept_at(log, 0);
	log->bytes -= kept->bytes;
	log->first = (log->first + 1) % log->room;
	log->n--;
	mem_free(kept);
}

void ros_log_free(struct ros_log *log)
{
	if (!log)
		return;
	while (log->n)
		drop_oldest(log);
	mem_free(log->lines);
	mem_free(log);
}

void ros_log_begin(struct ros_log *log)
{
	log->fresh = 0;
	log->answer_id = 0;
}

static const char *copy_text(char **at, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = memcpy(*at, text, size);
	*at += size;
	return copy;
}

static struct kept *keep(const struct ros_log_line *line)
{
	size_t bytes = strlen(line->time) + strlen(line->topics) + strlen(line->message) + 3;
	struct kept *kept = mem_alloc(sizeof(*kept) + bytes);
	char *at = kept->texts;
	kept->bytes = bytes;
	kept->line.id = line->id;
	kept->line.time = copy_text(&at, line->time);
	kept->line.topics = copy_text(&at, line->topics);
	kept->line.message = copy_text(&at, line->message);
	return kept;
}

/* A line with a number that was there, but written later than all lines: the router counts anew. */
static bool is_known(const struct ros_log *log, const struct ros_log_line *line)
{
	const char *since = ros_log_since(log);
	return line->id <= log->last_id && !(since && strcmp(line->time, since) > 0);
}

void ros_log_add(struct ros_log *log, const struct ros_log_line *line)
{
	if (line->id > log->answer_id)
		log->answer_id = line->id;
	if (is_known(log, line))
		return;
	struct kept *kept = keep(line);
	while (log->n && (log->n == log->room || log->bytes + kept->bytes > ROS_LOG_BYTES_MAX))
		drop_oldest(log);
	log->lines[(log->first + log->n++) % log->room] = kept;
	log->bytes += kept->bytes;
	log->last_id = line->id;
	log->fresh++;
}

void ros_log_end(struct ros_log *log, bool is_whole)
{
	/* Its buffer was cleared: the next answer is all new. */
	if (is_whole && log->answer_id < log->last_id)
		log->last_id = 0;
}

void ros_log_restart(struct ros_log *log)
{
	log->last_id = 0;
}

size_t ros_log_count(const struct ros_log *log)
{
	return log->n;
}

size_t ros_log_fresh(const struct ros_log *log)
{
	return log->fresh < log->n ? log->fresh : log->n;
}

const struct ros_log_line *ros_log_at(const struct ros_log *log, size_t i)
{
	return &kept_at(log, i)->line;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

const char *ros_log_since(const struct ros_log *log)
{
	static const char form[] = "0000-00-00 00:00:00";
	const char *time = log->n ? ros_log_at(log, log->n - 1)->time : "";
	for (size_t i = 0; form[i]; i++)
		if (form[i] == '0' ? !is_digit(time[i]) : time[i] != form[i])
			return NULL;
	return time[sizeof(form) - 1] == '\0' ? time : NULL;
}

uint64_t ros_log_parse_id(const char *text, size_t n)
{
	uint64_t id = 0;
	if (n < 2 || n > 17 || text[0] != '*')
		return 0;
	for (size_t i = 1; i < n; i++) {
		char c = text[i];
		unsigned digit = is_digit(c)            ? (unsigned)(c - '0')
				 : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
				 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
							: 16;
		if (digit == 16)
			return 0;
		id = id << 4 | digit;
	}
	return id;
}
