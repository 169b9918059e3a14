#include "config_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/utf8.h"
#include "daemon/config_source.h"

/* Each test works in a folder of its own: criterion runs it in a process of its own. */
static void enter_folder(void)
{
	char folder[] = "/tmp/netsonde-config-XXXXXX";

	cr_assert(mkdtemp(folder) != NULL);
	cr_assert_eq(chdir(folder), 0);
}

static void leave_folder(void)
{
	char folder[4096];

	cr_assert(getcwd(folder, sizeof(folder)) != NULL);
	cr_assert_eq(strncmp(folder, "/tmp/netsonde-config-", 21), 0);
	cr_assert_eq(chdir("/"), 0);
	char *command = mem_format("rm -r '%s'", folder);
	cr_expect_eq(system(command), 0);
	mem_free(command);
}

static void write_bytes(const char *name, const char *bytes, size_t n)
{
	int descriptor = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	cr_assert(descriptor >= 0);
	cr_assert_eq(write(descriptor, bytes, n), (ssize_t)n);
	close(descriptor);
}

static void write_file(const char *name, const char *content)
{
	write_bytes(name, content, strlen(content));
}

static void expect_file_errors(const char *file, const char *expected)
{
	struct text errors = {0};
	struct config *config = config_load(file, &errors);

	cr_expect_eq(config == NULL, expected[0] != '\0');
	cr_expect_str_eq(text_string(&errors), expected);
	config_free(config);
	text_free(&errors);
}

TestSuite(config_files, .init = enter_folder, .fini = leave_folder);

Test(config_files, that_cannot_be_read)
{
	expect_file_errors("missing.conf", "missing.conf: cannot open: No such file or directory\n");
	mkdir("folder.conf", 0700);
	expect_file_errors("folder.conf", "folder.conf: is a directory\n");
	write_bytes("zero.conf", "agent: {\n name = \"a\0b\";\n};\n", 27);
	expect_file_errors("zero.conf", "zero.conf:2: text: byte 0x00 is not valid UTF-8\n");
	write_file("empty.conf", "");
	expect_file_errors("empty.conf", "");
}

Test(config_files, from_a_pipe)
{
	struct text errors = {0};
	struct config *config;
	char path[64];
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(write(ends[1], "agent: { workers = 7; };", 24), 24);
	close(ends[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	config = config_load(path, &errors);
	cr_assert(config != NULL, "%s", text_string(&errors));
	cr_expect_eq(config->agent.workers, 7);
	config_free(config);
	text_free(&errors);
	close(ends[0]);
}

Test(config_files, include_others)
{
	struct text errors = {0};
	struct config *config;

	mkdir("sub", 0700);
	mkdir("sub/deeper", 0700);
	write_file("main.conf",
		   "agent: { workers = 4; };\n  @include \"sub/probes.conf\" # tail\nweb: { max_series = 7777; };\n");
	/* Seen from the folder of the file that says it. */
	write_file("sub/probes.conf", "probes: {\n@include \"deeper/one.conf\"\n};");
	write_file("sub/deeper/one.conf", "l: { type = \"look\"; }; # no line end");
	config = config_load("main.conf", &errors);
	cr_assert(config != NULL, "%s", text_string(&errors));
	cr_expect_eq(config->nprobes, 1);
	cr_expect_eq(config->agent.workers, 4);
	cr_expect_eq(config->web.max_series, 7777);
	config_free(config);
	text_free(&errors);
}

Test(config_files, know_their_lines_when_included)
{
	write_file("main.conf", "# 1\n@include \"a.conf\"\nbad3 = 1;\n@include \"b.conf\" // x\nbad5 = 1;\n");
	write_file("a.conf", "badA1 = 1;\n@include \"b.conf\"\nbadA3 = 1;");
	write_file("b.conf", "\n");
	expect_file_errors("main.conf", "a.conf:1: badA1: unknown key (netsonde reference options lists them)\n"
					"a.conf:3: badA3: unknown key (netsonde reference options lists them)\n"
					"main.conf:3: bad3: unknown key (netsonde reference options lists them)\n"
					"main.conf:5: bad5: unknown key (netsonde reference options lists them)\n");
	write_file("a.conf", "\nweb: { max_series = 99999999999; };\nagent: {\n");
	expect_file_errors("main.conf", "a.conf:2: max_series: 99999999999 does not fit 32 bits, write 99999999999L\n"
					"a.conf:3: syntax: \"{\" is never closed\n");
	write_file("a.conf", "\n\nagent: { workers = = 1; };\n");
	expect_file_errors("main.conf",
			   "a.conf:3: syntax: cannot be understood here or just before (a value, a quote or a "
			   "bracket missing?)\n");
	write_file("a.conf", "\n\xff\n");
	expect_file_errors("main.conf", "a.conf:2: text: byte 0xff is not valid UTF-8\n");
}

Test(config_files, that_cannot_be_included)
{
	write_file("main.conf", "\n@include \"none.conf\"\n@include \"also none.conf\"\n");
	expect_file_errors("main.conf",
			   "main.conf:2: @include \"none.conf\": cannot open: No such file or directory\n"
			   "main.conf:3: @include \"also none.conf\": cannot open: No such file or directory\n");
	write_file("main.conf", "@include \".\"\n");
	expect_file_errors("main.conf", "main.conf:1: @include \".\": is a directory\n");
	write_file("main.conf", "@include \"a.conf\"\n");
	write_file("a.conf", "\n\n@include \"main.conf\"\n");
	expect_file_errors("main.conf", "a.conf:3: @include \"main.conf\": the file includes itself\n");
	/* Another way to write the same file is stopped by the depth. */
	write_file("main.conf", "@include \".//main.conf\"\n");
	expect_file_errors("main.conf",
			   ".//.//.//.//.//.//.//.//.//.//main.conf:1: @include \".//main.conf\": nested more than "
			   "10 deep\n");
}

Test(config_files, include_with_escapes_and_not_in_comments_or_texts)
{
	write_file("a\"b\\.conf", "agent: { workers = 2; };\n");
	write_file("main.conf", "@include \"a\\\"b\\\\.conf\"\n/*\n@include \"none\"\n*/\n# @include \"none\"\n"
				"web: { listen = \"127.0.0.1:1\n@include \\\"none\\\" \"; };\n");
	struct text errors = {0};
	struct config *config = config_load("main.conf", &errors);

	cr_expect(config != NULL || strstr(text_string(&errors), "web.listen") != NULL, "%s", text_string(&errors));
	cr_expect(strstr(text_string(&errors), "none: cannot open") == NULL);
	config_free(config);
	text_free(&errors);
}

Test(config_files, included_too_often)
{
	struct text text = {0};

	for (int i = 0; i <= CONFIG_INCLUDES_MAX; i++)
		text_add(&text, "@include \"e\"\n");
	write_file("e", "\n");
	write_file("main.conf", text_string(&text));
	expect_file_errors("main.conf", "main.conf:10001: @include \"e\": more than 10000 files are included\n");
	text_free(&text);
}

/* --- secrets ----------------------------------------------------------------------------------------------------- */

static char *password_of(const char *file, struct text *errors)
{
	struct config *config = config_load(file, errors);
	char *password =
		config ? mem_copy_string(((struct echo_settings *)config->probes[0].settings)->password) : NULL;

	config_free(config);
	return password;
}

Test(config_files, hold_secrets)
{
	static const struct {
		const char *content, *expected;
	} rows[] = {
		{"hunter2", "hunter2"},
		{"hunter2\n", "hunter2"},
		{"hunter2\r\nmore\n", "hunter2"},
		{" spaces stay \n", " spaces stay "},
		{"no ${env:X} here $$\n", "no ${env:X} here $$"},
	};

	mkdir("etc", 0700);
	mkdir("secrets", 0700);
	/* Seen from the folder of the configuration, not from where the daemon was started. */
	write_file("etc/x.conf", "probes: { e: { type = \"echo\"; password_file = \"../secrets/p\"; }; };");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct text errors = {0};
		char *password;

		write_file("secrets/p", rows[i].content);
		password = password_of("etc/x.conf", &errors);
		cr_assert(password != NULL, "%s", text_string(&errors));
		cr_expect_str_eq(password, rows[i].expected);
		mem_free(password);
		text_free(&errors);
	}
}

Test(config_files, with_bad_secrets)
{
	char *big = mem_zero(FILE_SECRET_MAX + 2, 1);

	memset(big, 'x', FILE_SECRET_MAX);
	write_file("x.conf", "probes: { e: { type = \"echo\";\n password_file = \"p\"; }; };");
	expect_file_errors("x.conf", "x.conf:2: probes.e.password_file: p: cannot open: No such file or directory\n");
	write_file("p", "\n");
	expect_file_errors("x.conf", "x.conf:2: probes.e.password_file: p: its first line is empty\n");
	write_file("p", "");
	expect_file_errors("x.conf", "x.conf:2: probes.e.password_file: p: its first line is empty\n");
	write_bytes("p", "a\0b\n", 4);
	expect_file_errors("x.conf", "x.conf:2: probes.e.password_file: p: its first line is not text in UTF-8\n");
	write_file("p", big);
	expect_file_errors("x.conf", "");
	big[FILE_SECRET_MAX] = 'x';
	write_file("p", big);
	expect_file_errors("x.conf", "x.conf:2: probes.e.password_file: p: too large (at most 65536 bytes)\n");
	unlink("p");
	mkdir("p", 0700);
	expect_file_errors("x.conf", "x.conf:2: probes.e.password_file: p: is a directory\n");
	rmdir("p");
	mkfifo("p", 0600);
	expect_file_errors("x.conf", "x.conf:2: probes.e.password_file: p: is not a regular file\n");
	write_file("x.conf", "probes: { e: { type = \"echo\"; password = \"a\"; password_file = \"p\"; }; };");
	expect_file_errors("x.conf",
			   "x.conf:1: probes.e.password_file: password is there as well, only one of them may be\n");
	write_file("x.conf", "probes: { e: { type = \"echo\"; password_file = 5; }; };");
	expect_file_errors("x.conf", "x.conf:1: probes.e.password_file: must be a text in quotes\n");
	mem_free(big);
}

Test(config_files, with_secrets_of_targets)
{
	struct text errors = {0};
	struct config *config;

	write_file("p", "mine\n");
	write_file("x.conf", "probes: { e: { type = \"echo\"; password = \"common\"; }; };\n"
			     "targets: ( { address = \"::1\"; probes = [ \"e\" ]; password_file = \"p\"; } );");
	config = config_load("x.conf", &errors);
	cr_assert(config != NULL, "%s", text_string(&errors));
	cr_expect_str_eq(((const struct echo_settings *)config->targets[0].assignments[0].settings)->password, "mine");
	config_free(config);
	text_free(&errors);
}

/* --- pieces ------------------------------------------------------------------------------------------------------ */

Test(config_file, folder_and_resolve)
{
	static const struct {
		const char *file, *folder, *path, *resolved;
	} rows[] = {
		{"x.conf", ".", "p", "p"},         {"/etc/x.conf", "/etc", "p", "/etc/p"},
		{"/x.conf", "/", "p", "/p"},       {"a/b/x.conf", "a/b", "../p", "a/b/../p"},
		{"a/x.conf", "a", "/abs", "/abs"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *folder = file_folder(rows[i].file), *resolved = file_resolve(folder, rows[i].path);

		cr_expect_str_eq(folder, rows[i].folder);
		cr_expect_str_eq(resolved, rows[i].resolved);
		mem_free(folder);
		mem_free(resolved);
	}
}

Test(config_file, utf8)
{
	static const struct {
		const char *bytes;
		size_t n, good;
	} rows[] = {
		{"", 0, 0},
		{"abc", 3, 3},
		{"a\0c", 3, 1},
		{"\xc3\xa9", 2, 2},
		{"\xc3", 1, 0},
		{"x\xc3(", 3, 1},
		{"\xc1\xbf", 2, 0},     /* overlong */
		{"\xe0\x9f\xbf", 3, 0}, /* overlong */
		{"\xe0\xa0\x80", 3, 3},
		{"\xed\x9f\xbf", 3, 3},
		{"\xed\xa0\x80", 3, 0}, /* surrogate */
		{"\xe2\x82\xac", 3, 3},
		{"\xe2\x82", 2, 0},
		{"\xe2\x82x", 3, 0},
		{"\xf0\x8f\xbf\xbf", 4, 0}, /* overlong */
		{"\xf0\x9f\x98\x80", 4, 4},
		{"\xf4\x8f\xbf\xbf", 4, 4},
		{"\xf4\x90\x80\x80", 4, 0}, /* beyond U+10FFFF */
		{"\xf5\x80\x80\x80", 4, 0},
		{"\x80", 1, 0},
		{"\xff", 1, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(utf8_length(rows[i].bytes, rows[i].n), rows[i].good, "row %zu", i);
}
