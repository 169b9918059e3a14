/* The language of dialogues, and dialogues over streams that are cut at every offset. */
#include "probes/tcp/dialogue.h"

#include <criterion/criterion.h>
#include <string.h>

#include "core/mem.h"

#define ITEMS_MAX 12

static struct dialogue *make(const char *const *items, struct err *err)
{
	size_t n = 0;
	while (n < ITEMS_MAX && items[n])
		n++;
	return dialogue_create(DIALOGUE_NO_STARTTLS, (char *const *)items, n, err);
}

Test(dialogue, errors)
{
	static const struct {
		const char *items[ITEMS_MAX];
		const char *error;
	} table[] = {
		{{"shout x"},
		 "steps: item 1: \"shout\" is no step: there are expect, reject, label, expect_bytes, send, "
		 "send_raw and starttls"},
		{{""},
		 "steps: item 1: \"\" is no step: there are expect, reject, label, expect_bytes, send, send_raw and "
		 "starttls"},
		{{"expect a", "expect ("}, "steps: item 2: expect: at offset 1: missing closing parenthesis"},
		{{"expect"}, "steps: item 1: expect: there is no regular expression"},
		{{"expect "}, "steps: item 1: expect: there is no regular expression"},
		{{"reject x"}, "steps: item 1: reject belongs to an expect, and there is none before it"},
		{{"expect x", "send y", "label a=b"},
		 "steps: item 3: label belongs to an expect, and there is none before it"},
		{{"expect x", "label a"},
		 "steps: item 2: label: NAME=VALUE is wanted; a name has only letters, digits and "
		 "_, and begins with no digit"},
		{{"expect x", "label 1=b"},
		 "steps: item 2: label: NAME=VALUE is wanted; a name has only letters, digits "
		 "and _, and begins with no digit"},
		{{"expect x", "label =b"},
		 "steps: item 2: label: NAME=VALUE is wanted; a name has only letters, digits "
		 "and _, and begins with no digit"},
		{{"expect x", "label le=b"}, "steps: item 2: label: the name le is reserved"},
		{{"expect x", "label __a=b"}, "steps: item 2: label: the name __a is reserved"},
		{{"expect x", "label a=b", "expect y", "label a=c"},
		 "steps: item 4: label: there is a label a already"},
		{{"expect_bytes "}, "steps: item 1: expect_bytes: there are no bytes"},
		{{"send_raw"}, "steps: item 1: send_raw: there are no bytes"},
		{{"send_raw \\q"},
		 "steps: item 1: send_raw: \\q is no escape: there are \\n \\r \\t \\0 \\\\ and \\xHH"},
		{{"send_raw \\x1g"},
		 "steps: item 1: send_raw: \\x is no escape: there are \\n \\r \\t \\0 \\\\ and \\xHH"},
		{{"send_raw a\\"},
		 "steps: item 1: send_raw: \\ is no escape: there are \\n \\r \\t \\0 \\\\ and \\xHH"},
		{{"starttls now"}, "steps: item 1: starttls: nothing follows this word"},
		{{"starttls", "starttls"}, "steps: item 2: starttls: TLS begins only once"},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct err err = {0};
		cr_assert_null(make(table[i].items, &err), "%s", table[i].items[0]);
		cr_assert_str_eq(err.text, table[i].error, "\n%s\n%s", err.text, table[i].error);
	}
	dialogue_free(NULL);
}

Test(dialogue, ceilings)
{
	char *items[DIALOGUE_STEPS_MAX + 1];
	struct err err = {0};
	for (size_t i = 0; i < DIALOGUE_STEPS_MAX + 1; i++)
		items[i] = "send x";
	cr_assert_null(dialogue_create(DIALOGUE_NO_STARTTLS, items, DIALOGUE_STEPS_MAX + 1, &err));
	struct dialogue *dialogue = dialogue_create(DIALOGUE_NO_STARTTLS, items, DIALOGUE_STEPS_MAX, &err);
	cr_assert_not_null(dialogue);
	dialogue_free(dialogue);
	cr_assert_null(dialogue_create(DIALOGUE_SMTP, items, DIALOGUE_STEPS_MAX, &err));
	cr_assert_str_eq(err.text, "steps: more than 128");

	items[0] = "expect x";
	for (size_t i = 1; i <= DIALOGUE_LABELS_MAX + 1; i++)
		items[i] = mem_format("label a%zu=x", i);
	dialogue = dialogue_create(DIALOGUE_NO_STARTTLS, items, DIALOGUE_LABELS_MAX + 1, &err);
	cr_assert_not_null(dialogue, "%s", err.text);
	dialogue_free(dialogue);
	cr_assert_null(dialogue_create(DIALOGUE_NO_STARTTLS, items, DIALOGUE_LABELS_MAX + 2, &err));
	for (size_t i = 1; i <= DIALOGUE_LABELS_MAX + 1; i++)
		mem_free(items[i]);
}

Test(dialogue, ready_made_starttls)
{
	for (enum dialogue_starttls kind = DIALOGUE_NO_STARTTLS; dialogue_starttls_words[kind]; kind++) {
		struct err err = {0};
		struct dialogue *dialogue = dialogue_create(kind, NULL, 0, &err);
		cr_assert_not_null(dialogue, "%s: %s", dialogue_starttls_words[kind], err.text);
		cr_assert_eq(dialogue_has_starttls(dialogue), kind != DIALOGUE_NO_STARTTLS);
		cr_assert_eq(dialogue_is_empty(dialogue), kind == DIALOGUE_NO_STARTTLS);
		dialogue_free(dialogue);
	}
}

Test(dialogue, escapes)
{
	struct text out = {0};
	cr_assert_eq(dialogue_unescape("a\\n\\r\\t\\0\\\\\\x41\\xfF$", &out, NULL), 0);
	cr_assert_eq(out.length, 9);
	cr_assert_eq(memcmp(out.bytes, "a\n\r\t\0\\A\xff$", 9), 0);
	text_free(&out);
}

/* --- talks -------------------------------------------------------------------------------------------------------- */

/* What a talk did: what it sent, "<tls>" where TLS begins, and how it ended. */
struct course {
	struct dialogue *dialogue;
	struct dialogue_talk talk;
	struct text did;
	struct text logged;
	enum dialogue_verdict last;
};

static void note(void *arg, const char *what, const char *bytes, size_t n)
{
	struct course *course = arg;
	text_add_format(&course->logged, "%s:%zu ", what, n);
	text_add_bytes(&course->logged, bytes, n);
}

static void begin(struct course *course, const char *const *items)
{
	struct err err = {0};
	*course = (struct course){.dialogue = make(items, &err)};
	cr_assert_not_null(course->dialogue, "%s", err.text);
	course->talk.dialogue = course->dialogue;
	course->talk.log = note;
	course->talk.arg = course;
}

static void end(struct course *course)
{
	dialogue_talk_free(&course->talk);
	dialogue_free(course->dialogue);
	text_free(&course->did);
	text_free(&course->logged);
}

/* As exchange.c does it. Returns how many of the bytes are done with. */
static size_t feed(struct course *course, const char *bytes, size_t n, bool is_paused, bool has_ended)
{
	size_t offset = 0;
	do {
		/* A piece of memory of its own: a look beyond its end would be found. */
		char *copy = mem_copy(n > offset ? bytes + offset : "", n - offset + (n == offset));
		const struct dialogue_input input = {copy, n - offset, has_ended, is_paused};
		course->last = dialogue_go_on(&course->talk, &input);
		mem_free(copy);
		offset += course->talk.consumed;
		cr_assert_leq(offset, n);
		text_add_bytes(&course->did, course->talk.output.bytes, course->talk.output.length);
		if (course->last == DIALOGUE_STARTS_TLS)
			text_add(&course->did, "<tls>");
		text_clear(&course->talk.output);
	} while (course->last == DIALOGUE_SENDS || course->last == DIALOGUE_STARTS_TLS);
	return offset;
}

static const struct script {
	const char *items[ITEMS_MAX];
	const char *received;
	const char *did;
	enum dialogue_verdict last; /* when the peer has ended */
	enum dialogue_failure failure;
	const char *labels[4]; /* name, value, ... */
} scripts[] = {
	{{NULL}, "anything", "", DIALOGUE_DONE, DIALOGUE_NO_FAILURE, {0}},
	{{"expect ^220 (\\S+)", "label host=$1", "send EHLO $1", "expect ^250 "},
	 "220 mx ready\r\n250-a\r\n250 b\r\n",
	 "EHLO mx\n",
	 DIALOGUE_DONE,
	 DIALOGUE_NO_FAILURE,
	 {"host", "mx"}},
	{{"expect ^a$", "expect ^b$"}, "x\na\nx\r\nb\r\n", "", DIALOGUE_DONE, DIALOGUE_NO_FAILURE, {0}},
	{{"expect ^a$", "send x", "expect ^c$"}, "a\nb\n", "x\n", DIALOGUE_FAILED, DIALOGUE_RULE, {0}},
	{{"expect ^a\\r$"}, "a\r\r\n", "", DIALOGUE_DONE, DIALOGUE_NO_FAILURE, {0}},
	{{"expect ^$"}, "x\n\n", "", DIALOGUE_DONE, DIALOGUE_NO_FAILURE, {0}},
	{{"expect end"}, "x\nthe end", "", DIALOGUE_DONE, DIALOGUE_NO_FAILURE, {0}},
	{{"expect a", "reject b", "reject c", "send x"}, "x\nc\na\n", "", DIALOGUE_FAILED, DIALOGUE_RULE, {0}},
	{{"expect a", "reject a", "send x"}, "a\n", "x\n", DIALOGUE_DONE, DIALOGUE_NO_FAILURE, {0}},
	{{"expect (a)?b", "label one=<$1>", "reject q", "label two=$$${0}"},
	 "b\n",
	 "",
	 DIALOGUE_DONE,
	 DIALOGUE_NO_FAILURE,
	 {"one", "<>", "two", "$b"}},
	{{"expect_bytes ab\\x00", "send_raw \\x01\\r"}, "ab", "", DIALOGUE_FAILED, DIALOGUE_SHORT, {0}},
	{{"expect_bytes abc", "send_raw \\x01\\r", "expect_bytes d"},
	 "abcd",
	 "\x01\r",
	 DIALOGUE_DONE,
	 DIALOGUE_NO_FAILURE,
	 {0}},
	{{"expect a", "expect_bytes b\\nc"}, "a\r\nb\ncd", "", DIALOGUE_DONE, DIALOGUE_NO_FAILURE, {0}},
	{{"expect_bytes abc"}, "abd", "", DIALOGUE_FAILED, DIALOGUE_BYTES, {0}},
	{{"expect_bytes abc"}, "x", "", DIALOGUE_FAILED, DIALOGUE_BYTES, {0}},
	{{"send", "send  two blanks", "send $1", "send $1.", "starttls", "send x"},
	 "",
	 "\n two blanks\n.\n<tls>x\n",
	 DIALOGUE_DONE,
	 DIALOGUE_NO_FAILURE,
	 {0}},
	{{"expect (.*)", "starttls", "send $1"},
	 "was said before\n",
	 "<tls>was said before\n",
	 DIALOGUE_DONE,
	 DIALOGUE_NO_FAILURE,
	 {0}},
};

/* Whole, a byte at a time, and in two pieces cut at every offset: it comes to the same. */
static void play(const struct script *script, size_t cut, size_t step)
{
	struct course course;
	size_t n = strlen(script->received), from = 0;
	begin(&course, script->items);
	for (size_t to = cut; course.last != DIALOGUE_FAILED || to == cut; to += step) {
		bool has_ended = to >= n;
		from += feed(&course, script->received + from, (has_ended ? n : to) - from, false, has_ended);
		if (has_ended || course.last == DIALOGUE_DONE)
			break;
	}
	cr_assert_eq(course.last, script->last, "%s: %d", script->items[0], course.last);
	cr_assert_eq(course.talk.failure, script->failure, "%s", script->items[0]);
	cr_assert_str_eq(text_string(&course.did), script->did, "%s: %s", script->items[0], text_string(&course.did));
	cr_assert_eq(course.last == DIALOGUE_FAILED, course.talk.problem.length > 0);
	for (size_t i = 0; i < course.talk.nlabels; i++) {
		cr_assert_str_eq(course.talk.labels[i].name, script->labels[2 * i]);
		cr_assert_str_eq(course.talk.labels[i].value, script->labels[2 * i + 1]);
	}
	cr_assert(course.talk.nlabels >= 2 || !script->labels[2 * course.talk.nlabels] ||
		  script->last == DIALOGUE_FAILED);
	end(&course);
}

Test(dialogue, talks_cut_anywhere)
{
	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
		size_t n = strlen(scripts[i].received);
		for (size_t cut = 0; cut <= n; cut++)
			play(&scripts[i], cut, n + 1);
		play(&scripts[i], 0, 1);
	}
}

Test(dialogue, prompts)
{
	static const char *const items[] = {"expect ^login: $", "send me", "expect ^% $", "reject ^Sorry", NULL};
	struct course course;
	begin(&course, items);
	cr_assert(dialogue_wants_pause(&course.talk));
	cr_assert_eq(feed(&course, "hello\nlogin: ", 13, false, false), 6);
	cr_assert_eq(course.last, DIALOGUE_WAITS);
	cr_assert_str_eq(dialogue_current_step(&course.talk), "expect ^login: $");
	cr_assert_eq(feed(&course, "login: ", 7, true, false), 7);
	cr_assert_str_eq(text_string(&course.did), "me\n");
	/* A pause in the middle of something else changes nothing. */
	cr_assert_eq(feed(&course, "welc", 4, true, false), 0);
	cr_assert_eq(feed(&course, "welcome\n% ", 10, true, false), 10);
	cr_assert_eq(course.last, DIALOGUE_DONE);
	cr_assert_not(dialogue_wants_pause(&course.talk));
	cr_assert_str_eq(dialogue_current_step(&course.talk), "");
	end(&course);

	begin(&course, items);
	feed(&course, "login: ", 7, true, false);
	feed(&course, "Sorry", 5, true, false);
	cr_assert_eq(course.last, DIALOGUE_FAILED);
	end(&course);
}

Test(dialogue, too_much)
{
	static const char *const items[] = {"expect x", NULL};
	char *lines = mem_alloc(DIALOGUE_LINE_MAX);
	struct course course;
	memset(lines, 'a', DIALOGUE_LINE_MAX);
	begin(&course, items);
	feed(&course, lines, DIALOGUE_LINE_MAX - 1, true, false);
	cr_assert_eq(course.last, DIALOGUE_WAITS);
	feed(&course, lines, DIALOGUE_LINE_MAX, false, false);
	cr_assert_eq(course.last, DIALOGUE_FAILED);
	cr_assert_eq(course.talk.failure, DIALOGUE_EXCESS);
	end(&course);

	lines[DIALOGUE_LINE_MAX - 1] = '\n';
	begin(&course, items);
	size_t received = 0;
	for (; course.last == DIALOGUE_WAITS; received += DIALOGUE_LINE_MAX)
		feed(&course, lines, DIALOGUE_LINE_MAX, false, false);
	cr_assert_eq(course.last, DIALOGUE_FAILED);
	cr_assert_eq(course.talk.failure, DIALOGUE_EXCESS);
	cr_assert_leq(received, DIALOGUE_BYTES_MAX + DIALOGUE_LINE_MAX);
	end(&course);
	mem_free(lines);
}

Test(dialogue, costly_lines_are_told)
{
	static const char *const items[] = {"expect ^(a+)+b", NULL};
	char line[50001];
	struct course course;
	memset(line, 'a', 50000);
	memcpy(line + 49998, "cb\n", 3); /* that there is a b somewhere is seen at once */
	begin(&course, items);
	feed(&course, line, sizeof(line), false, false);
	cr_assert_eq(course.last, DIALOGUE_WAITS);
	cr_assert(course.talk.reached_limit);
	cr_assert_not_null(strstr(text_string(&course.logged), "costs too much"));
	end(&course);
}

Test(dialogue, long_values_are_cut)
{
	static const char *const items[] = {"expect (.*)", "label a=$1", NULL};
	char line[5001];
	struct course course;
	memset(line, 'v', 5000);
	line[5000] = '\n';
	begin(&course, items);
	feed(&course, line, sizeof(line), false, false);
	cr_assert_eq(course.last, DIALOGUE_DONE);
	cr_assert_eq(strlen(course.talk.labels[0].value), DIALOGUE_VALUE_MAX);
	end(&course);
}
