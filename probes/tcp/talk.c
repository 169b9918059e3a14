/*
 * Dialogues: how one goes on.
 */
#include <string.h>

#include "core/mem.h"
#include "probes/tcp/dialogue.h"
#include "probes/tcp/dialogue_internal.h"

static const struct step *current(const struct dialogue_talk *talk)
{
	return talk->steps < talk->dialogue->nsteps ? &talk->dialogue->steps[talk->steps] : NULL;
}

const char *dialogue_current_step(const struct dialogue_talk *talk)
{
	const struct step *step = current(talk);
	return step ? step->item : "";
}

bool dialogue_wants_pause(const struct dialogue_talk *talk)
{
	const struct step *step = current(talk);
	return step && step->kind == STEP_EXPECT;
}

void dialogue_talk_free(struct dialogue_talk *talk)
{
	for (size_t i = 0; i < talk->nlabels; i++)
		mem_free((char *)talk->labels[i].value);
	text_free(&talk->output);
	text_free(&talk->problem);
	text_free(&talk->line);
	*talk = (struct dialogue_talk){0};
}

static void note(const struct dialogue_talk *talk, const char *what, const char *bytes, size_t n)
{
	if (talk->log)
		talk->log(talk->arg, what, bytes, n);
}

static enum dialogue_verdict fail(struct dialogue_talk *talk, enum dialogue_failure failure, const char *problem)
{
	const struct step *step = current(talk);
	talk->failure = failure;
	text_clear(&talk->problem);
	text_add_format(&talk->problem, "%s: %s", step ? step->item : "the dialogue", problem);
	return DIALOGUE_FAILED;
}

/* The bytes are done with. */
static void consume(struct dialogue_talk *talk, size_t n)
{
	talk->consumed += n;
	talk->received += n;
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

static bool is_found(struct dialogue_talk *talk, struct pattern *pattern, struct pattern_match *match)
{
	enum pattern_verdict verdict = pattern_find(pattern, talk->line.bytes, talk->line.length, match);
	if (verdict == PATTERN_LIMIT) {
		talk->reached_limit = true;
		note(talk, "this expression costs too much on this line and counts as not matching",
		     pattern_expression(pattern), strlen(pattern_expression(pattern)));
	}
	return verdict == PATTERN_FOUND;
}

static void add_label(struct dialogue_talk *talk, const struct step *step)
{
	struct text value = {.ceiling = DIALOGUE_VALUE_MAX};
	struct text whole = {0};
	pattern_expand(&talk->match, step->bytes, &whole);
	text_add_bytes(&value, whole.bytes, whole.length < DIALOGUE_VALUE_MAX ? whole.length : DIALOGUE_VALUE_MAX);
	text_free(&whole);
	talk->labels[talk->nlabels].name = step->name;
	talk->labels[talk->nlabels++].value = text_take(&value);
}

/* The expect that is the current step has matched: its labels, and on behind what belongs to it. */
static void pass_expect(struct dialogue_talk *talk)
{
	const struct step *step;
	talk->steps++;
	for (; (step = current(talk)) && (step->kind == STEP_LABEL || step->kind == STEP_REJECT); talk->steps++) {
		if (step->kind == STEP_LABEL)
			add_label(talk, step);
	}
}

static bool is_rejected(struct dialogue_talk *talk)
{
	const struct dialogue *dialogue = talk->dialogue;
	for (size_t i = talk->steps + 1; i < dialogue->nsteps; i++) {
		const struct step *step = &dialogue->steps[i];
		if (step->kind != STEP_LABEL && step->kind != STEP_REJECT)
			break;
		if (step->kind == STEP_REJECT && is_found(talk, step->pattern, NULL))
			return true;
	}
	return false;
}

/* Without a match in it the former one is forgotten, too: its line is. */
static bool try_line(struct dialogue_talk *talk, const char *line, size_t n)
{
	text_clear(&talk->line);
	text_add_bytes(&talk->line, line, n);
	return is_found(talk, current(talk)->pattern, &talk->match);
}

/* n: of a line with its line end; 0: there is no whole one. */
static size_t whole_line(const char *bytes, size_t n, size_t *length)
{
	const char *end = n > 0 ? memchr(bytes, '\n', n) : NULL;
	if (!end)
		return 0;
	*length = (size_t)(end - bytes);
	if (*length > 0 && bytes[*length - 1] == '\r')
		--*length;
	return (size_t)(end - bytes) + 1;
}

/* Returns DIALOGUE_SENDS for "matched": the caller goes on. */
static enum dialogue_verdict look_at_line(struct dialogue_talk *talk, const char *line, size_t n, bool is_whole)
{
	if (is_whole)
		note(talk, "read line", line, n);
	if (try_line(talk, line, n)) {
		note(talk, "matched", line, n);
		return DIALOGUE_SENDS;
	}
	if (is_rejected(talk)) {
		note(talk, "rejected", line, n);
		return fail(talk, DIALOGUE_RULE, "the server has sent a line that is rejected");
	}
	return DIALOGUE_WAITS;
}

/* What has no line end: a prompt, or what is left of a line. */
static enum dialogue_verdict look_at_rest(struct dialogue_talk *talk, const struct dialogue_input *input)
{
	const char *rest = input->bytes + talk->consumed;
	size_t n = input->n - talk->consumed;
	if (n > 0 && (input->is_paused || input->has_ended)) {
		enum dialogue_verdict verdict = look_at_line(talk, rest, n, input->has_ended);
		if (verdict == DIALOGUE_SENDS)
			consume(talk, n);
		if (verdict != DIALOGUE_WAITS)
			return verdict;
	}
	if (input->has_ended)
		return fail(talk, DIALOGUE_RULE, "no line matched before the server ended the connection");
	if (n >= DIALOGUE_LINE_MAX)
		return fail(talk, DIALOGUE_EXCESS, "the server has sent a line of more than 64 KiB");
	return DIALOGUE_WAITS;
}

static enum dialogue_verdict expect(struct dialogue_talk *talk, const struct dialogue_input *input)
{
	size_t whole, length;
	enum dialogue_verdict verdict = DIALOGUE_WAITS;
	while ((whole = whole_line(input->bytes + talk->consumed, input->n - talk->consumed, &length)) > 0) {
		verdict = look_at_line(talk, input->bytes + talk->consumed, length, true);
		consume(talk, whole);
		if (verdict == DIALOGUE_WAITS && talk->received > DIALOGUE_BYTES_MAX)
			return fail(talk, DIALOGUE_EXCESS, "the server has sent more than 1 MiB");
		if (verdict != DIALOGUE_WAITS)
			break;
	}
	if (verdict == DIALOGUE_WAITS)
		verdict = look_at_rest(talk, input);
	if (verdict == DIALOGUE_SENDS)
		pass_expect(talk);
	return verdict;
}

/* --- the other steps ---------------------------------------------------------------------------------------------- */

static enum dialogue_verdict expect_bytes(struct dialogue_talk *talk, const struct dialogue_input *input)
{
	const struct step *step = current(talk);
	size_t n = input->n - talk->consumed;
	const char *bytes = input->bytes + talk->consumed;
	if (n > step->length)
		n = step->length;
	if (n > 0 && memcmp(bytes, step->bytes, n) != 0) {
		note(talk, "read bytes", bytes, n);
		return fail(talk, DIALOGUE_BYTES, "other bytes have come");
	}
	if (n == step->length) {
		note(talk, "matched bytes", bytes, n);
		consume(talk, n);
		talk->steps++;
		return DIALOGUE_SENDS;
	}
	if (input->has_ended)
		return fail(talk, DIALOGUE_SHORT, "the server ended the connection before as many bytes had come");
	return DIALOGUE_WAITS;
}

/* As blackbox_exporter does: of a form that expands to nothing, nothing is sent. */
static void send_form(struct dialogue_talk *talk, const struct step *step)
{
	size_t before = talk->output.length;
	pattern_expand(&talk->match, step->bytes, &talk->output);
	if (talk->output.length > before || step->bytes[0] == '\0')
		text_add_char(&talk->output, '\n');
}

static enum dialogue_verdict go_one_step(struct dialogue_talk *talk, const struct dialogue_input *input)
{
	const struct step *step = current(talk);
	size_t before = talk->output.length;
	switch (step->kind) {
	case STEP_EXPECT:
		return expect(talk, input);
	case STEP_EXPECT_BYTES:
		return expect_bytes(talk, input);
	case STEP_SEND:
		send_form(talk, step);
		break;
	case STEP_SEND_RAW:
		text_add_bytes(&talk->output, step->bytes, step->length);
		break;
	case STEP_STARTTLS:
		talk->steps++;
		return DIALOGUE_STARTS_TLS;
	case STEP_REJECT:
	case STEP_LABEL:
		break; /* passed over with their expect */
	}
	note(talk, "send", talk->output.bytes + before, talk->output.length - before);
	talk->steps++;
	return DIALOGUE_SENDS;
}

enum dialogue_verdict dialogue_go_on(struct dialogue_talk *talk, const struct dialogue_input *input)
{
	talk->consumed = 0;
	while (current(talk)) {
		/* What is to be sent goes out before anything is waited for. */
		bool sends = talk->output.length > 0;
		enum step_kind kind = current(talk)->kind;
		if (sends && kind != STEP_SEND && kind != STEP_SEND_RAW)
			return DIALOGUE_SENDS;
		enum dialogue_verdict verdict = go_one_step(talk, input);
		if (verdict != DIALOGUE_SENDS)
			return verdict;
	}
	return talk->output.length > 0 ? DIALOGUE_SENDS : DIALOGUE_DONE;
}
