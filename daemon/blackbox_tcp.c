/* The prober tcp of a blackbox.yml: query_response becomes a dialogue in the language of our type's option "steps". */
#include <openssl/evp.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "daemon/blackbox_prober.h"

/* Longest text of a step, in bytes. */
#define STEP_BYTES_MAX (64 * 1024)

/* One entry of query_response. */
struct step {
	uint64_t given;
	struct text expect, expect_bytes, send;
	bool is_binary; /* send has bytes that no text can hold */
	bool has_starttls;
	struct blackbox_words labels; /* "NAME=VALUE" */
};

enum { GIVEN_EXPECT = 1 << 0, GIVEN_EXPECT_BYTES = 1 << 1, GIVEN_SEND = 1 << 2 };

/* --- texts ------------------------------------------------------------------------------------------------------- */

static int decode_base64(const struct blackbox_place *place, const char *bytes, size_t n, struct text *out)
{
	unsigned char *clean = mem_alloc(n + 1);
	size_t length = 0;
	for (size_t i = 0; i < n; i++) {
		if (!strchr(" \t\r\n", bytes[i]))
			clean[length++] = (unsigned char)bytes[i];
	}
	char *to = text_reserve(out, length + 1);
	int decoded = length % 4 == 0 && to ? EVP_DecodeBlock((unsigned char *)to, clean, (int)length) : -1;
	for (size_t i = length; decoded > 0 && i > 0 && clean[i - 1] == '='; i--)
		decoded--;
	mem_free(clean);
	if (decoded < 0)
		return blackbox_refuse(place, "must be base64, as !!binary says");
	out->length += (size_t)decoded;
	return 0;
}

/* The bytes of a scalar: a text, or base64 after !!binary. */
static int add_bytes(const struct blackbox_place *place, struct text *out)
{
	size_t n;
	const char *bytes = yaml_node_bytes(place->node, &n);
	if (!bytes)
		return blackbox_refuse(place, "must be a text");
	if (n > STEP_BYTES_MAX)
		return blackbox_refuse(place, "longer than %d bytes", STEP_BYTES_MAX);
	if (yaml_node_is_binary(place->node))
		return decode_base64(place, bytes, n, out);
	text_add_bytes(out, bytes, n);
	return 0;
}

/* As the language of the dialogue writes bytes. */
static void add_escaped(struct text *out, const struct text *bytes)
{
	for (size_t i = 0; i < bytes->length; i++) {
		unsigned char byte = (unsigned char)bytes->bytes[i];
		if (byte == '\\')
			text_add(out, "\\\\");
		else if (byte < ' ' || byte >= 0x7F)
			text_add_format(out, "\\x%02x", byte);
		else
			text_add_char(out, (char)byte);
	}
}

/* --- fields of a step -------------------------------------------------------------------------------------------- */

static int read_expect(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	struct step *step = out;
	step->given |= field->bit;
	return blackbox_add_regex(place, &step->expect);
}

static int read_expect_bytes(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	struct step *step = out;
	int result = add_bytes(place, &step->expect_bytes);
	if (step->expect_bytes.length > 0)
		step->given |= field->bit;
	return result;
}

static int read_send(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	struct step *step = out;
	int result = add_bytes(place, &step->send);
	if (step->send.length > 0)
		step->given |= field->bit;
	step->is_binary = step->send.length > 0 && memchr(step->send.bytes, '\0', step->send.length);
	return result;
}

static int read_starttls(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	(void)field;
	return blackbox_boolean(place, &((struct step *)out)->has_starttls);
}

struct label_parts {
	const char *name, *value;
};

static int read_label_name(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	(void)field;
	const char *text = blackbox_text(place);
	((struct label_parts *)out)->name = text;
	return text ? 0 : -1;
}

static int read_label_value(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	(void)field;
	const char *text = blackbox_text(place);
	((struct label_parts *)out)->value = text;
	return text ? 0 : -1;
}

static int read_label(const struct blackbox_place *place, void *out)
{
	static const struct blackbox_field fields[] = {
		{"name", read_label_name, NULL, 0},
		{"value", read_label_value, NULL, 0},
	};
	struct label_parts label = {"", ""};
	if (blackbox_read_map(place, fields, sizeof(fields) / sizeof(fields[0]), &label) != 0)
		return -1;
	blackbox_words_add(out, mem_format("%s=%s", label.name, label.value));
	return 0;
}

static int read_labels(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	(void)field;
	return blackbox_read_items(place, read_label, &((struct step *)out)->labels);
}

static const struct blackbox_field step_fields[] = {
	{"expect", read_expect, NULL, GIVEN_EXPECT},
	{"expect_bytes", read_expect_bytes, NULL, GIVEN_EXPECT_BYTES},
	{"labels", read_labels, NULL, 0},
	{"send", read_send, NULL, GIVEN_SEND},
	{"starttls", read_starttls, NULL, 0},
};

/* --- dialogues --------------------------------------------------------------------------------------------------- */

static void add_expect(const struct step *step, struct blackbox_words *words)
{
	struct text line = {0};
	text_add(&line, "expect ");
	text_add_bytes(&line, step->expect.bytes, step->expect.length);
	text_add(&line, step->expect.length == 0 ? "^" : ""); /* any line */
	blackbox_words_add(words, text_take(&line));
	for (size_t i = 0; i < step->labels.n; i++)
		blackbox_words_add(words, mem_format("label %s", step->labels.items[i]));
}

static void add_expect_bytes(const struct step *step, struct blackbox_words *words)
{
	struct text line = {0};
	text_add(&line, "expect_bytes ");
	add_escaped(&line, &step->expect_bytes);
	blackbox_words_add(words, text_take(&line));
}

/* References are replaced only where the same step has expected something; elsewhere a dollar is a dollar. */
static void add_send(const struct step *step, struct blackbox_words *words)
{
	struct text line = {0};
	if (step->is_binary) {
		text_add(&line, "send_raw ");
		add_escaped(&line, &step->send);
		text_add(&line, "\\n");
	} else {
		text_add(&line, "send ");
		for (size_t i = 0; i < step->send.length; i++) {
			bool is_doubled = step->send.bytes[i] == '$' && !(step->given & GIVEN_EXPECT);
			text_add(&line, is_doubled ? "$" : "");
			text_add_char(&line, step->send.bytes[i]);
		}
	}
	blackbox_words_add(words, text_take(&line));
}

/* In the order in which blackbox_exporter does what one entry says. */
static void add_step(const struct step *step, struct blackbox_words *words)
{
	if (step->given & GIVEN_EXPECT)
		add_expect(step, words);
	if (step->given & GIVEN_EXPECT_BYTES)
		add_expect_bytes(step, words);
	if (step->given & GIVEN_SEND)
		add_send(step, words);
	if (step->has_starttls)
		blackbox_words_add(words, mem_copy_string("starttls"));
}

static int read_step(const struct blackbox_place *place, void *out)
{
	struct step step = {0};
	if (yaml_node_is_null(place->node))
		return 0;
	int result = blackbox_read_map(place, step_fields, sizeof(step_fields) / sizeof(step_fields[0]), &step);
	if (result == 0 && (step.given & GIVEN_EXPECT) && (step.given & GIVEN_EXPECT_BYTES))
		result = blackbox_refuse(place, "expect and expect_bytes must not be given both");
	if (result == 0)
		add_step(&step, out);
	text_free(&step.expect);
	text_free(&step.expect_bytes);
	text_free(&step.send);
	blackbox_words_free(&step.labels);
	return result;
}

static int read_dialogue(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	struct blackbox_words steps = {0};
	int result = blackbox_read_items(place, read_step, &steps);
	if (result == 0)
		result = blackbox_draft_set_words(place, out, field->option, &steps);
	blackbox_words_free(&steps);
	return result;
}

static int finish(const struct blackbox_place *place, struct blackbox_draft *draft, bool has_block)
{
	(void)has_block;
	return blackbox_set_family(place, draft);
}

static const struct blackbox_field fields[] = {
	{"preferred_ip_protocol", blackbox_read_protocol, NULL, 0},
	{"ip_protocol_fallback", blackbox_read_fallback, NULL, 0},
	{"source_ip_address", blackbox_read_text, "source", 0},
	{"query_response", read_dialogue, "steps", 0},
	{"tls", blackbox_read_boolean, "tls", 0},
	{"tls_config", blackbox_read_tls, NULL, 0},
};

const struct blackbox_prober blackbox_tcp = {
	.name = "tcp",
	.type = "tcp",
	.fields = fields,
	.nfields = sizeof(fields) / sizeof(fields[0]),
	.finish = finish,
};
