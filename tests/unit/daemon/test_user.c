#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "daemon/user.h"

/* root is 0:0 on every machine. */
Test(user, is_found_by_name_and_number)
{
	static const struct {
		const char *text;
		uid_t uid;
		gid_t gid;
		const char *name;
	} rows[] = {
		{"root", 0, 0, "root"},
		{"0", 0, 0, "root"},
		{"root:root", 0, 0, "root"},
		{"root:12", 0, 12, "root"},
		{"4294000001:12", 4294000001, 12, ""},
		{"4294967294:4294967294", 4294967294, 4294967294, ""},
		{"4294000001:root", 4294000001, 0, ""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = {0};
		struct user user;

		cr_expect_eq(user_find(rows[i].text, &user, &err), 0, "%s: %s", rows[i].text, err.text);
		cr_expect_eq(user.uid, rows[i].uid, "%s", rows[i].text);
		cr_expect_eq(user.gid, rows[i].gid, "%s", rows[i].text);
		cr_expect_str_eq(user.name, rows[i].name, "%s", rows[i].text);
	}
}

Test(user, that_is_none)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"", "must be a user, or \"user:group\""},
		{":", "must be a user, or \"user:group\""},
		{"root:", "must be a user, or \"user:group\""},
		{":root", "must be a user, or \"user:group\""},
		{"no-such-user", "there is no user \"no-such-user\" on this machine (adduser --system makes one)"},
		{"root:no-such-group", "there is no group \"no-such-group\" on this machine"},
		{"root:root:root", "there is no group \"root:root\" on this machine"},
		{"4294000001", "no user has the number 4294000001, so its group must be given: \"4294000001:GROUP\""},
		/* (uid_t)-1 means "no change" to the kernel. */
		{"4294967295:1", "there is no user \"4294967295\" on this machine (adduser --system makes one)"},
		{"99999999999:1", "there is no user \"99999999999\" on this machine (adduser --system makes one)"},
		{"-1:1", "there is no user \"-1\" on this machine (adduser --system makes one)"},
		{"1:4294967295", "there is no group \"4294967295\" on this machine"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = {0};
		struct user user;

		cr_expect_eq(user_find(rows[i].text, &user, &err), -1, "%s", rows[i].text);
		cr_expect_str_eq(err.text, rows[i].error);
	}
}

/* The test is run by root, by nobody in particular, or by a root that is none: who cannot be refused is not tried. */
Test(user, may_keep_files_in_a_folder_or_is_told_what_to_do)
{
	char folder[] = "/tmp/netsonde-user-XXXXXX", *missing, *file;
	struct user user = {.uid = 12, .gid = 13};
	struct err err = {0};

	cr_assert(mkdtemp(folder));
	missing = mem_format("%s/a/b/", folder);
	file = mem_format("%s/a", folder);
	cr_expect_eq(user_check_folder(&user, folder, &err), 0, "%s", err.text);
	cr_expect_eq(user_check_folder(&user, missing, &err), 0, "%s", err.text);
	cr_expect_eq(user_check_folder(&user, "not-there/at-all", &err), 0, "%s", err.text);
	close(open(file, O_CREAT | O_WRONLY, 0));
	if (access(file, W_OK) == -1) {
		cr_expect_eq(user_check_folder(&user, folder, &err), -1);
		cr_expect(strstr(err.text, "chown -R 12:13 /tmp/netsonde-user-"), "%s", err.text);
	}
	unlink(file);
	chmod(folder, 0500);
	if (access(folder, W_OK) == -1) {
		cr_expect_eq(user_check_folder(&user, folder, &err), -1);
		cr_expect(strstr(err.text, "chown -R 12:13 /tmp/netsonde-user-"), "%s", err.text);
		cr_expect_eq(user_check_folder(&user, missing, &err), -1);
		cr_expect(strstr(err.text, "install -d -o 12 -g 13 /tmp/netsonde-user-"), "%s", err.text);
	}
	chmod(folder, 0700);
	rmdir(folder);
	mem_free(missing);
	mem_free(file);
}
