#include "probes/routeros/ros_reply.h"

#include <string.h>

#include "core/mem.h"

static const struct {
	const char *word;
	enum ros_reply_kind kind;
} kinds[] = {
	{"!re", ROS_REPLY_ROW},      {"!done", ROS_REPLY_DONE},   {"!trap", ROS_REPLY_TRAP},
	{"!fatal", ROS_REPLY_FATAL}, {"!empty", ROS_REPLY_EMPTY},
};

static enum ros_reply_kind kind_of(struct ros_word word)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (ros_word_equals(word, kinds[i].word))
			return kinds[i].kind;
	return ROS_REPLY_OTHER;
}

static struct ros_word word_from(struct ros_word word, size_t offset)
{
	return (struct ros_word){word.bytes + offset, word.length - offset};
}

static void add_pair(struct ros_reply *reply, struct ros_word word)
{
	struct ros_word rest = word_from(word, 1);
	const char *equals = rest.length ? memchr(rest.bytes, '=', rest.length) : NULL;
	struct ros_pair pair = {rest, {0}};
	if (equals) {
		pair.name.length = (size_t)(equals - rest.bytes);
		pair.value = word_from(rest, pair.name.length + 1);
	}
	if (reply->npairs == reply->room) {
		reply->room = reply->room ? reply->room * 2 : 32;
		reply->pairs = mem_resize(reply->pairs, reply->room, sizeof(reply->pairs[0]));
	}
	reply->pairs[reply->npairs++] = pair;
}

/* Only what ros_write_tag writes is ours: decimal digits, no zero before them. */
static bool parse_tag(struct ros_word text, uint32_t *out)
{
	uint64_t tag = 0;
	for (size_t i = 0; i < text.length; i++) {
		char c = text.bytes[i];
		if (c < '0' || c > '9' || (c == '0' && i == 0))
			return false;
		tag = tag * 10 + (uint64_t)(c - '0');
		if (tag > UINT32_MAX)
			return false;
	}
	*out = (uint32_t)tag;
	return true;
}

/* An empty tag is none. Two are nobody's. */
static void read_tag(struct ros_reply *reply, struct ros_word text)
{
	bool has_one = reply->tag != 0 || reply->is_tag_foreign;
	reply->is_tag_foreign = has_one || !parse_tag(text, &reply->tag);
	if (reply->is_tag_foreign)
		reply->tag = 0;
}

static void read_word(struct ros_reply *reply, struct ros_word word)
{
	static const char tag[] = ".tag=";
	if (word.bytes[0] == '=')
		add_pair(reply, word);
	else if (ros_word_starts_with(word, tag))
		read_tag(reply, word_from(word, sizeof(tag) - 1));
	else if (reply->kind == ROS_REPLY_FATAL && reply->reason.length == 0)
		reply->reason = word;
	else
		reply->nunknown++;
}

int ros_reply_read(struct ros_reply *reply, const struct ros_sentence *sentence, struct err *err)
{
	struct ros_pair *pairs = reply->pairs;
	size_t room = reply->room;
	*reply = (struct ros_reply){.kind = ROS_REPLY_OTHER, .pairs = pairs, .room = room};
	if (sentence->n == 0 || !ros_word_starts_with(sentence->words[0], "!"))
		return err_set(err, "what the router sent does not begin as a reply does: out of step, or no RouterOS "
				    "API at this port?");
	reply->word = sentence->words[0];
	reply->kind = kind_of(reply->word);
	reply->size_bytes = sentence->size_bytes;
	for (size_t i = 1; i < sentence->n; i++)
		read_word(reply, sentence->words[i]);
	return 0;
}

void ros_reply_free(struct ros_reply *reply)
{
	mem_free(reply->pairs);
	*reply = (struct ros_reply){0};
}

static bool find_between(const struct ros_reply *reply, struct ros_word name, size_t from, size_t to, size_t *at)
{
	for (size_t i = from; i < to; i++) {
		const struct ros_word *candidate = &reply->pairs[i].name;
		if (candidate->length == name.length && memcmp(candidate->bytes, name.bytes, name.length) == 0) {
			*at = i;
			return true;
		}
	}
	return false;
}

bool ros_reply_find(const struct ros_reply *reply, const char *name, size_t *place, struct ros_word *value)
{
	struct ros_word wanted = ros_word_of(name);
	size_t from = place && *place < reply->npairs ? *place : 0, at;
	if (!find_between(reply, wanted, from, reply->npairs, &at) && !find_between(reply, wanted, 0, from, &at))
		return false;
	*value = reply->pairs[at].value;
	if (place)
		*place = at + 1;
	return true;
}

bool ros_reply_return(const struct ros_reply *reply, struct ros_word *value)
{
	return reply->kind == ROS_REPLY_DONE && ros_reply_find(reply, "ret", NULL, value);
}

int ros_reply_category(const struct ros_reply *reply)
{
	struct ros_word value;
	if (!ros_reply_find(reply, "category", NULL, &value) || value.length != 1)
		return -1;
	return value.bytes[0] >= '0' && value.bytes[0] <= '7' ? value.bytes[0] - '0' : -1;
}

struct ros_word ros_reply_message(const struct ros_reply *reply)
{
	struct ros_word value;
	return ros_reply_find(reply, "message", NULL, &value) ? value : (struct ros_word){0};
}

/* In this order: "no such command prefix" is a menu, and often comes together with "no such command or directory". */
static const struct {
	const char *part;
	enum ros_trap trap;
} trap_words[] = {
	{"no such command prefix", ROS_TRAP_NO_MENU},
	{"no such command or directory", ROS_TRAP_NO_MENU},
	{"no such command", ROS_TRAP_NO_COMMAND},
	{"no such item", ROS_TRAP_NO_ITEM},
	{"input does not match", ROS_TRAP_ARGUMENT},
	{"unknown parameter", ROS_TRAP_ARGUMENT},
	{"not enough permissions", ROS_TRAP_PERMISSION},
	{"invalid user name or password", ROS_TRAP_LOGIN},
	{"cannot log in", ROS_TRAP_LOGIN},
	{"interrupted", ROS_TRAP_INTERRUPTED},
};

enum ros_trap ros_reply_trap(const struct ros_reply *reply)
{
	struct ros_word message = ros_reply_message(reply);
	int category = ros_reply_category(reply);
	if (category == 2)
		return ROS_TRAP_INTERRUPTED;
	for (size_t i = 0; message.length && i < sizeof(trap_words) / sizeof(trap_words[0]); i++)
		if (memmem(message.bytes, message.length, trap_words[i].part, strlen(trap_words[i].part)))
			return trap_words[i].trap;
	return category == 1 ? ROS_TRAP_ARGUMENT : ROS_TRAP_OTHER;
}

const char *ros_trap_name(enum ros_trap trap)
{
	static const char *const names[] = {
		[ROS_TRAP_OTHER] = "other failure",         [ROS_TRAP_NO_MENU] = "no such menu",
		[ROS_TRAP_NO_COMMAND] = "no such command",  [ROS_TRAP_NO_ITEM] = "no such item",
		[ROS_TRAP_ARGUMENT] = "argument not taken", [ROS_TRAP_PERMISSION] = "not permitted",
		[ROS_TRAP_INTERRUPTED] = "interrupted",     [ROS_TRAP_LOGIN] = "login refused",
	};
	return names[trap];
}

const char *ros_reply_describe(const struct ros_reply *reply, const char *secret, char out[ROS_MESSAGE_SIZE])
{
	struct ros_word message = reply->kind == ROS_REPLY_FATAL ? reply->reason : ros_reply_message(reply);
	size_t n = 0;
	if (message.length == 0)
		message = ros_word_of("no reason given");
	if (secret && secret[0] != '\0' && memmem(message.bytes, message.length, secret, strlen(secret)))
		message = ros_word_of("the router's text has the password in it and is left out");
	for (size_t i = 0; i < message.length && n < ROS_MESSAGE_SIZE - 1; i++) {
		unsigned char c = (unsigned char)message.bytes[i];
		bool is_space = c <= ' ';
		if (is_space && (n == 0 || out[n - 1] == ' '))
			continue; /* CR LF is one space */
		out[n++] = is_space ? ' ' : c < 0x7f ? (char)c : '?';
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
	return out;
}
