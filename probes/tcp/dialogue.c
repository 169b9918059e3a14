/*
 * Dialogues: the language.
 */
#include "probes/tcp/dialogue.h"

#include <string.h>

#include "core/mem.h"
#include "probes/tcp/dialogue_internal.h"

const char *const dialogue_starttls_words[] = {"none", "smtp", "imap", "pop3", "ftp", NULL};

/* RFC 3207, RFC 3501 6.2.1, RFC 2595 4, RFC 4217 4. A refusal is seen as such, not waited through. */
static const char *const smtp_steps[] = {
	"expect ^220(?: |$)",
	"reject ^[345]",
	"send_raw EHLO netsonde\\r\\n",
	"expect (?i)^250[- ]STARTTLS(?: |$)",
	"reject ^(?:250(?: |$)|[345])",
	"send_raw STARTTLS\\r\\n",
	"expect ^220(?: |$)",
	"reject ^[345]",
	"starttls",
	NULL,
};
static const char *const imap_steps[] = {
	"expect (?i)^\\* (?:OK|PREAUTH)(?: |$)",
	"reject (?i)^\\* BYE",
	"send_raw a1 STARTTLS\\r\\n",
	"expect (?i)^a1 OK(?: |$)",
	"reject (?i)^(?:a1 |\\* BYE)",
	"starttls",
	NULL,
};
static const char *const pop3_steps[] = {
	"expect ^\\+OK", "reject ^-ERR", "send_raw STLS\\r\\n", "expect ^\\+OK", "reject ^-ERR", "starttls", NULL,
};
static const char *const ftp_steps[] = {
	"expect ^220(?: |$)",
	"reject ^[345]",
	"send_raw AUTH TLS\\r\\n",
	"expect ^234(?: |$)",
	"reject ^[345]",
	"starttls",
	NULL,
};
static const char *const *const starttls_steps[] = {NULL, smtp_steps, imap_steps, pop3_steps, ftp_steps};

/* --- escapes ------------------------------------------------------------------------------------------------------ */

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
	return found ? (int)(found - digits) : -1;
}

/* Of what follows the backslash; the number of characters taken, 0: it is no escape. */
static size_t unescape_one(const char *escape, struct text *out)
{
	static const char letters[] = "nrt0\\", bytes[] = "\n\r\t\0\\";
	const char *letter = *escape == '\0' ? NULL : strchr(letters, *escape);
	if (letter) {
		text_add_char(out, bytes[letter - letters]);
		return 1;
	}
	if (*escape != 'x' || hex_digit(escape[1]) < 0 || hex_digit(escape[2]) < 0)
		return 0;
	text_add_char(out, (char)(hex_digit(escape[1]) << 4 | hex_digit(escape[2])));
	return 3;
}

int dialogue_unescape(const char *escaped, struct text *out, struct err *err)
{
	while (*escaped != '\0') {
		size_t plain = strcspn(escaped, "\\");
		text_add_bytes(out, escaped, plain);
		escaped += plain;
		if (*escaped == '\0')
			break;
		size_t taken = unescape_one(escaped + 1, out);
		if (taken == 0)
			return err_set(err, "\\%.1s is no escape: there are \\n \\r \\t \\0 \\\\ and \\xHH",
				       escaped + 1);
		escaped += 1 + taken;
	}
	return 0;
}

/* --- steps -------------------------------------------------------------------------------------------------------- */

static struct pattern *compile(const char *expression, struct err *err)
{
	if (*expression != '\0')
		return pattern_create(expression, err);
	err_set(err, "there is no regular expression");
	return NULL;
}

static int add_expect(struct dialogue *dialogue, struct step *step, const char *argument, struct err *err)
{
	(void)dialogue;
	step->kind = STEP_EXPECT;
	step->pattern = compile(argument, err);
	return step->pattern ? 0 : -1;
}

static int add_bytes(struct dialogue *dialogue, struct step *step, const char *argument, struct err *err)
{
	struct text bytes = {0};
	(void)dialogue;
	step->kind = STEP_EXPECT_BYTES;
	int result = dialogue_unescape(argument, &bytes, err);
	if (result == 0 && bytes.length == 0)
		result = err_set(err, "there are no bytes");
	if (result == 0 && bytes.length > DIALOGUE_LINE_MAX)
		result = err_set(err, "more than 64 KiB");
	step->length = bytes.length;
	step->bytes = text_take(&bytes);
	return result;
}

static int add_send(struct dialogue *dialogue, struct step *step, const char *argument, struct err *err)
{
	(void)dialogue, (void)err;
	step->kind = STEP_SEND;
	step->bytes = mem_copy_string(argument);
	return 0;
}

static int add_send_raw(struct dialogue *dialogue, struct step *step, const char *argument, struct err *err)
{
	int result = add_bytes(dialogue, step, argument, err);
	step->kind = STEP_SEND_RAW;
	return result;
}

static int add_starttls(struct dialogue *dialogue, struct step *step, const char *argument, struct err *err)
{
	step->kind = STEP_STARTTLS;
	if (*argument != '\0')
		return err_set(err, "nothing follows this word");
	if (dialogue->has_starttls)
		return err_set(err, "TLS begins only once");
	dialogue->has_starttls = true;
	return 0;
}

/* Of the expect before it. */
static int add_reject(struct dialogue *dialogue, struct step *step, const char *argument, struct err *err)
{
	(void)dialogue;
	step->kind = STEP_REJECT;
	step->pattern = compile(argument, err);
	return step->pattern ? 0 : -1;
}

/* Taken by what samples become. */
static bool is_reserved(const char *name, size_t n)
{
	static const char *const words[] = {"target",   "probe", "agent", "reason",   "le",
					    "quantile", "time",  "job",   "instance", NULL};
	for (const char *const *word = words; *word; word++) {
		if (strlen(*word) == n && memcmp(*word, name, n) == 0)
			return true;
	}
	return n >= 2 && memcmp(name, "__", 2) == 0;
}

static bool has_label(const struct dialogue *dialogue, const char *name, size_t n)
{
	for (size_t i = 0; i < dialogue->nsteps; i++) {
		const struct step *step = &dialogue->steps[i];
		if (step->name && strlen(step->name) == n && memcmp(step->name, name, n) == 0)
			return true;
	}
	return false;
}

static int add_label(struct dialogue *dialogue, struct step *step, const char *argument, struct err *err)
{
	static const char part[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
	size_t n = strspn(argument, part);
	step->kind = STEP_LABEL;
	if (n == 0 || argument[n] != '=' || (argument[0] >= '0' && argument[0] <= '9'))
		return err_set(err, "NAME=VALUE is wanted; a name has only letters, digits and _, and begins with no "
				    "digit");
	if (n > 128)
		return err_set(err, "the name is too long");
	if (is_reserved(argument, n))
		return err_set(err, "the name %.*s is reserved", (int)n, argument);
	if (has_label(dialogue, argument, n))
		return err_set(err, "there is a label %.*s already", (int)n, argument);
	if (++dialogue->nlabels > DIALOGUE_LABELS_MAX)
		return err_set(err, "more than %d labels", DIALOGUE_LABELS_MAX);
	step->name = mem_format("%.*s", (int)n, argument);
	step->bytes = mem_copy_string(argument + n + 1);
	return 0;
}

/* --- items -------------------------------------------------------------------------------------------------------- */

static const struct word {
	const char *name;
	int (*add)(struct dialogue *dialogue, struct step *step, const char *argument, struct err *err);
	bool belongs; /* to the expect before it */
} words[] = {
	{"expect", add_expect, false},      {"reject", add_reject, true}, {"label", add_label, true},
	{"expect_bytes", add_bytes, false}, {"send", add_send, false},    {"send_raw", add_send_raw, false},
	{"starttls", add_starttls, false},
};
#define WORDS (sizeof(words) / sizeof(*words))

static const struct word *find_word(const char *item, size_t n)
{
	for (size_t i = 0; i < WORDS; i++) {
		if (strlen(words[i].name) == n && memcmp(words[i].name, item, n) == 0)
			return &words[i];
	}
	return NULL;
}

static bool follows_expect(const struct dialogue *dialogue)
{
	size_t i = dialogue->nsteps;
	while (i > 0 && (dialogue->steps[i - 1].kind == STEP_REJECT || dialogue->steps[i - 1].kind == STEP_LABEL))
		i--;
	return i > 0 && dialogue->steps[i - 1].kind == STEP_EXPECT;
}

static int add_item(struct dialogue *dialogue, const char *item, struct err *err)
{
	size_t n = strcspn(item, " ");
	const struct word *word = find_word(item, n);
	if (!word)
		return err_set(err,
			       "\"%.*s\" is no step: there are expect, reject, label, expect_bytes, send, "
			       "send_raw and starttls",
			       n < 40 ? (int)n : 40, item);
	if (word->belongs && !follows_expect(dialogue))
		return err_set(err, "%s belongs to an expect, and there is none before it", word->name);
	struct step *step = &dialogue->steps[dialogue->nsteps];
	step->item = mem_copy_string(item);
	int result = word->add(dialogue, step, item + n + (item[n] == ' '), err);
	/* Counted in any case, so that what it has is freed. */
	dialogue->nsteps++;
	return result == 0 ? 0 : err_prefix(err, "%s", word->name);
}

static size_t count_steps(const char *const *items)
{
	size_t n = 0;
	while (items && items[n])
		n++;
	return n;
}

struct dialogue *dialogue_create(enum dialogue_starttls starttls, char *const *items, size_t n, struct err *err)
{
	struct dialogue *dialogue = mem_zero(1, sizeof(*dialogue));
	const char *const *before = starttls_steps[starttls];
	size_t nbefore = count_steps(before);
	int result = 0;
	if (nbefore + n > DIALOGUE_STEPS_MAX)
		result = err_set(err, "steps: more than %d", DIALOGUE_STEPS_MAX);
	else
		dialogue->steps = mem_zero(nbefore + n, sizeof(*dialogue->steps));
	for (size_t i = 0; i < nbefore && result == 0; i++)
		result = add_item(dialogue, before[i], err);
	for (size_t i = 0; i < n && result == 0; i++) {
		result = add_item(dialogue, items[i], err);
		if (result != 0)
			err_prefix(err, "steps: item %zu", i + 1);
	}
	if (result == 0)
		return dialogue;
	dialogue_free(dialogue);
	return NULL;
}

void dialogue_free(struct dialogue *dialogue)
{
	if (!dialogue)
		return;
	for (size_t i = 0; i < dialogue->nsteps; i++) {
		pattern_free(dialogue->steps[i].pattern);
		mem_free(dialogue->steps[i].item);
		mem_free(dialogue->steps[i].bytes);
		mem_free(dialogue->steps[i].name);
	}
	mem_free(dialogue->steps);
	mem_free(dialogue);
}

bool dialogue_is_empty(const struct dialogue *dialogue)
{
	return dialogue->nsteps == 0;
}

bool dialogue_has_starttls(const struct dialogue *dialogue)
{
	return dialogue->has_starttls;
}
