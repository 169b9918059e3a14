#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/err.h"

Test(err, set)
{
	struct err err = {0};

	cr_expect_eq(err_set(&err, "line %d: %s", 7, "no"), -1);
	cr_expect_str_eq(err.text, "line 7: no");
	cr_expect_eq(err_set(&err, "again"), -1);
	cr_expect_str_eq(err.text, "again");
}

Test(err, null_is_harmless)
{
	cr_expect_eq(err_set(NULL, "x"), -1);
	cr_expect_eq(err_set_errno(NULL, "x"), -1);
	cr_expect_eq(err_prefix(NULL, "x"), -1);
}

Test(err, errno_follows_and_is_kept)
{
	struct err err = {0};

	errno = ENOENT;
	cr_expect_eq(err_set_errno(&err, "open %s", "/x"), -1);
	cr_expect_str_eq(err.text, "open /x: No such file or directory");
	cr_expect_eq(errno, ENOENT);
}

Test(err, prefix)
{
	struct err err = {0};

	err_set(&err, "why");
	cr_expect_eq(err_prefix(&err, "targets[%d]", 3), -1);
	cr_expect_str_eq(err.text, "targets[3]: why");
	err_prefix(&err, "file");
	cr_expect_str_eq(err.text, "file: targets[3]: why");
}

Test(err, may_quote_itself)
{
	struct err err = {0};

	err_set(&err, "inner");
	err_set(&err, "outer (%s)", err.text);
	cr_expect_str_eq(err.text, "outer (inner)");
	err_prefix(&err, "%s", err.text);
	cr_expect_str_eq(err.text, "outer (inner): outer (inner)");
}

/* A message of every length around the size: always terminated, always the beginning of the whole. */
Test(err, long_messages_are_cut)
{
	char message[2 * ERR_TEXT_SIZE], whole[4 * ERR_TEXT_SIZE];

	for (size_t n = ERR_TEXT_SIZE - 10; n < ERR_TEXT_SIZE + 10; n++) {
		struct err err;

		memset(message, 'm', n);
		message[n] = '\0';
		memset(&err, 'x', sizeof(err));
		err_set(&err, "%s", message);
		cr_assert_eq(strlen(err.text), n < ERR_TEXT_SIZE ? n : ERR_TEXT_SIZE - 1);
		err_prefix(&err, "ab");
		snprintf(whole, sizeof(whole), "ab: %s", message);
		cr_assert_eq(strncmp(err.text, whole, strlen(err.text)), 0);
		cr_assert_eq(strlen(err.text), ERR_TEXT_SIZE - 1 < n + 4 ? ERR_TEXT_SIZE - 1 : n + 4);
		err_prefix(&err, "%s", message);
		cr_assert_eq(strlen(err.text), ERR_TEXT_SIZE - 1);
		errno = EPERM;
		err_set_errno(&err, "%s", message);
		cr_assert_eq(strlen(err.text), ERR_TEXT_SIZE - 1);
	}
}

Test(err, a_failing_format_gives_no_text)
{
	struct err err = {0};

	cr_expect_eq(err_set(&err, "%ls", L"\x110000"), -1);
	cr_expect_str_eq(err.text, "");
}
