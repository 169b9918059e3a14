/* Arbitrary dialogues with arbitrary answers: parsed or refused with a reason, and each talk ends within its ceilings.
 * The first byte says how the answer is cut; then the steps, one a line, an empty line, and the answer. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "probes/tcp/dialogue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_so)
{
	if (!is_so)
		abort();
}

static void ignore(void *arg, const char *what, const char *bytes, size_t n)
{
	(void)arg, (void)what;
	expect(n == 0 || bytes != NULL);
}

/* One piece of the answer; returns what is done with. */
static size_t feed(struct dialogue_talk *talk, struct dialogue_input input, enum dialogue_verdict *verdict)
{
	size_t done = 0;
	do {
		size_t steps = talk->steps;
		*verdict = dialogue_go_on(talk, &input);
		expect(talk->consumed <= input.n && *verdict <= DIALOGUE_FAILED);
		expect(*verdict == DIALOGUE_WAITS || *verdict == DIALOGUE_FAILED || talk->steps > steps ||
		       talk->output.length > 0 || *verdict == DIALOGUE_DONE);
		expect((*verdict == DIALOGUE_FAILED) == (talk->failure != DIALOGUE_NO_FAILURE));
		input.bytes += talk->consumed;
		input.n -= talk->consumed;
		done += talk->consumed;
		text_clear(&talk->output);
	} while (*verdict == DIALOGUE_SENDS || *verdict == DIALOGUE_STARTS_TLS);
	return done;
}

static void converse(struct dialogue *dialogue, const char *answer, size_t n, uint8_t cut)
{
	struct dialogue_talk talk = {.dialogue = dialogue, .log = ignore};
	enum dialogue_verdict verdict = DIALOGUE_WAITS;
	size_t from = 0, step = 1 + (cut & 0x3f);
	for (size_t to = 0; verdict == DIALOGUE_WAITS; to += step) {
		struct dialogue_input input = {answer + from, 0, to >= n, (cut & 0x40) != 0};
		input.n = (to < n ? to : n) - from;
		from += feed(&talk, input, &verdict);
		expect(!input.has_ended || verdict != DIALOGUE_WAITS);
	}
	expect(talk.nlabels <= DIALOGUE_LABELS_MAX);
	for (size_t i = 0; i < talk.nlabels; i++)
		expect(strlen(talk.labels[i].value) <= DIALOGUE_VALUE_MAX);
	dialogue_talk_free(&talk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *items[DIALOGUE_STEPS_MAX];
	size_t n = 0;
	struct err err = {0};
	if (size < 1)
		return 0;
	char *text = mem_format("%.*s", (int)(size - 1), (const char *)data + 1);
	char *answer = text, *line;
	while (n < DIALOGUE_STEPS_MAX && (line = strsep(&answer, "\n")) && *line)
		items[n++] = line;
	struct dialogue *dialogue = dialogue_create((enum dialogue_starttls)(data[0] % 5), items, n, &err);
	expect(dialogue || err.text[0]);
	if (dialogue)
		converse(dialogue, answer ? answer : "", answer ? strlen(answer) : 0, data[0]);
	dialogue_free(dialogue);
	mem_free(text);
	return 0;
}
