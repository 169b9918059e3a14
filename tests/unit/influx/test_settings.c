#include <criterion/criterion.h>

#include <string.h>

#include "core/mem.h"
#include "influx/influx.h"

Test(settings, defaults)
{
	struct influx_settings settings = {0};
	option_set_defaults(influx_options, influx_noptions, &settings);
	cr_expect_str_eq(settings.name, "main");
	cr_expect_null(settings.path);
	cr_expect_eq(settings.rotate_bytes, 64 * 1024 * 1024);
	cr_expect_eq(settings.keep, 5);
	option_free(influx_options, influx_noptions, &settings);
}

Test(settings, written)
{
	static const struct {
		const char *name, *value;
		int result;
	} cases[] = {
		{"rotate_size", "1GiB", 0}, {"rotate_size", "0", 0}, {"rotate_size", "-1", -1}, {"keep", "0", 0},
		{"keep", "1000", 0},        {"keep", "1001", -1},    {"keep", "-1", -1},
	};
	struct influx_settings settings = {0};
	option_set_defaults(influx_options, influx_noptions, &settings);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = {0};
		const struct option *option = option_find(influx_options, influx_noptions, cases[i].name);
		cr_assert_not_null(option);
		cr_expect_eq(option_set_text(option, &settings, cases[i].value, &err), cases[i].result, "%s = %s: %s",
			     cases[i].name, cases[i].value, err.text);
	}
	option_free(influx_options, influx_noptions, &settings);
}

struct rule {
	const char *options; /* "name=value name=value ..." */
	const char *why;     /* NULL: accepted */
};

static const struct rule rules[] = {
	{"path=/b", NULL},
	{"name=", "name: must not be empty"},
	{"", "path, or url with bucket or database: must be given"},
	{"path=", "path: must not be empty"},
	{"path=/b database=d", "path, bucket, database: only one of them"},
	{"bucket=b database=d", "path, bucket, database: only one of them"},
	{"path=/b url=http://x", "url: needs bucket (InfluxDB 2) or database (InfluxDB 1)"},
	{"url=http://x", "url: needs bucket (InfluxDB 2) or database (InfluxDB 1)"},
	{"path=/b token=t", "token: is for url only"},
	{"path=/b user=t", "user: is for url only"},
	{"path=/b ca_file=t", "ca_file: is for url only"},
	{"path=/b certificate_file=t", "certificate_file: is for url only"},
	{"database=d url=http://x:8086", NULL},
	{"database=d", "url: must be given beside database"},
	{"database= url=http://x", "database: must not be empty"},
	{"database=d url=http://x org=o", "org: is for bucket (InfluxDB 2) only"},
	{"database=d url=http://x?a", "url: must not have a query or fragment: it is the server's address only"},
	{"database=d url=http://x user=u token=t", "user: does not go with token"},
	{"database=d url=http://x password=u", "password: needs user"},
	{"database=d url=http://x user=u password=p retention_policy=r", NULL},
	{"database=d url=https://x key_file=/k", "key_file: needs certificate_file"},
	{"bucket=b url=https://x org=o token=t ca_file=/c certificate_file=/d key_file=/k", NULL},
	{"bucket=b", "url: must be given beside bucket"},
	{"bucket=b url=https://x", "org: must be given beside bucket"},
	{"bucket= url=https://x org=o", "bucket: must not be empty"},
	{"bucket=b url=https://x org=o retention_policy=r", "retention_policy: is for database (InfluxDB 1) only"},
};

static void set_options(struct influx_settings *settings, const char *options)
{
	char *copy = mem_copy_string(options), *rest = copy;
	for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL;) {
		char *value = strchr(word, '=');
		struct err err = {0};
		*value++ = '\0';
		const struct option *option = option_find(influx_options, influx_noptions, word);
		cr_assert_not_null(option, "%s", word);
		cr_assert_eq(option_set_text(option, settings, value, &err), 0, "%s", err.text);
	}
	mem_free(copy);
}

Test(settings, rules)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct influx_settings settings = {0};
		struct err err = {0};
		option_set_defaults(influx_options, influx_noptions, &settings);
		set_options(&settings, rules[i].options);
		cr_expect_eq(influx_check(&settings, &err), rules[i].why != NULL ? -1 : 0, "%s", rules[i].options);
		cr_expect_str_eq(err.text, rules[i].why != NULL ? rules[i].why : "", "%s: %s", rules[i].options,
				 err.text);
		option_free(influx_options, influx_noptions, &settings);
	}
}

Test(settings, kinds)
{
	struct influx_settings settings = {.path = (char[]){"/a"}};
	cr_expect_eq(influx_kind(&settings), INFLUX_FILE);
	settings = (struct influx_settings){.bucket = (char[]){"b"}};
	cr_expect_eq(influx_kind(&settings), INFLUX_V2);
	settings = (struct influx_settings){.database = (char[]){"b"}};
	cr_expect_eq(influx_kind(&settings), INFLUX_V1);
}
