#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "daemon/api_command.h"

#define WORDS_MAX 4

/* "once", "count=4", "?type=ether"; NULL at the end. */
static void make(const char *path, const char *const *texts, struct api_v2_command *command, struct api_v2_word *words,
		 char names[WORDS_MAX][32])
{
	*command = (struct api_v2_command){.path = path, .words = words};
	for (; texts[command->nwords]; command->nwords++) {
		const char *text = texts[command->nwords], *equals = strchr(text, '=');
		struct api_v2_word *word = &words[command->nwords];
		size_t n = equals ? (size_t)(equals - text) : strlen(text);

		snprintf(names[command->nwords], 32, "%.*s", (int)n, text);
		word->name = text[0] == '?' ? NULL : names[command->nwords];
		word->value = equals ? equals + 1 : "";
		word->length = strlen(word->value);
	}
}

Test(api_command, what_only_looks)
{
	static const struct {
		const char *path;
		const char *words[WORDS_MAX + 1];
		bool is_looking;
	} cases[] = {
		{"/system/identity/print", {NULL}, true},
		{"/interface/print", {".proplist=name", "?type=ether", "stats", NULL}, true},
		{"/interface/getall", {NULL}, true},
		{"/ip/route/find", {"from=*1", NULL}, true},
		{"/system/identity/get", {"value-name=name", NULL}, true},
		{"/ip/route/print", {"count-only", NULL}, true},
		/* A query may be about anything. */
		{"/file/print", {"?file=x", NULL}, true},
		/* Into a file, or for ever; also with names that are cut short. */
		{"/ip/route/print", {"file=x", NULL}, false},
		{"/ip/route/print", {"fil=x", NULL}, false},
		{"/ip/route/print", {"append", NULL}, false},
		{"/log/print", {"follow", NULL}, false},
		{"/log/print", {"follow-only=", NULL}, false},
		{"/log/print", {"interval=1", NULL}, false},
		{"/log/print", {"i=1", NULL}, false},
		{"/log/getall", {"follow=", NULL}, false},
		{"/interface/monitor-traffic", {"interface=ether1", "once", NULL}, true},
		{"/interface/ethernet/monitor", {"numbers=0", "once=", NULL}, true},
		{"/interface/lte/info", {"once=yes", NULL}, true},
		{"/interface/lte/monitor", {"once=true", NULL}, true},
		{"/interface/ethernet/monitor", {"numbers=0", NULL}, false},
		{"/interface/ethernet/monitor", {"once=no", NULL}, false},
		{"/interface/ethernet/monitor", {"?once=", NULL}, false},
		{"/ping", {"address=192.0.2.1", "count=4", NULL}, true},
		{"/tool/ping", {"address=192.0.2.1", "count=10", "interval=0.1", NULL}, true},
		{"/tool/traceroute", {"address=192.0.2.1", "count=1", NULL}, true},
		{"/ping", {"address=192.0.2.1", NULL}, false},
		{"/ping", {"count=", NULL}, false},
		{"/ping", {"count=0", NULL}, false},
		{"/ping", {"count=-1", NULL}, false},
		{"/ping", {"count=4", "count=x", NULL}, false},
		{"/ping", {"count=4", "count=4", NULL}, false},
		/* What changes, and what nobody knows. */
		{"/ip/address/add", {"address=192.0.2.1/24", NULL}, false},
		{"/system/reboot", {NULL}, false},
		{"/system/script/run", {"once", NULL}, false},
		{"/interface/wireless/scan", {"once", NULL}, false},
		{"/export", {NULL}, false},
		{"/log/listen", {NULL}, false},
		{"/IP/ADDRESS/PRINT", {NULL}, false},
		{"/ip/address/pri", {NULL}, false},
		{"/ip/address/printer", {NULL}, false},
		/* Not a command of a menu. */
		{"/print", {NULL}, false},
		{"print", {NULL}, false},
		{"ip/address/print", {NULL}, false},
		{"/flood-ping", {"count=4", NULL}, false},
		{"/tool/flood-ping", {"count=4", NULL}, false},
		{"", {NULL}, false},
		{"/", {NULL}, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct api_v2_word words[WORDS_MAX];
		char names[WORDS_MAX][32];
		struct api_v2_command command;
		struct err why = {0};

		make(cases[i].path, cases[i].words, &command, words, names);
		cr_expect_eq(api_command_is_looking(&command), cases[i].is_looking, "%zu: %s", i, cases[i].path);
		cr_expect_eq(api_command_explain(&command, &why), cases[i].is_looking);
		cr_expect_eq(why.text[0] == '\0', cases[i].is_looking, "%zu: %s", i, why.text);
	}
}

Test(api_command, reasons)
{
	static const char *const none[] = {NULL}, *const file[] = {"file=secret", NULL};
	struct api_v2_word words[WORDS_MAX];
	char names[WORDS_MAX][32];
	struct api_v2_command command;
	struct err why = {0};

	make("/ip/address/add", none, &command, words, names);
	api_command_explain(&command, &why);
	cr_expect_str_eq(why.text, "/ip/address/add may change the router");
	make("/ping", none, &command, words, names);
	api_command_explain(&command, &why);
	cr_expect_str_eq(why.text, "/ping never ends without the parameter count");
	make("/x/monitor", none, &command, words, names);
	api_command_explain(&command, &why);
	cr_expect_str_eq(why.text, "/x/monitor never ends without the parameter once");
	/* Names, no values. */
	make("/x/print", file, &command, words, names);
	api_command_explain(&command, &why);
	cr_expect_str_eq(why.text, "/x/print with file writes a file on the router, or never ends");
}

Test(api_command, what_is_of_the_session)
{
	static const struct {
		const char *path;
		bool is_sendable;
	} cases[] = {
		{"/login", false}, {"/quit", false}, {"/cancel", false}, {"/system/identity/print", true},
		{"/quit/x", true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct api_v2_command command = {.path = cases[i].path};

		cr_expect_eq(api_command_is_sendable(&command), cases[i].is_sendable, "%s", cases[i].path);
	}
}
