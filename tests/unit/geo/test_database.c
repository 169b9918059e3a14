#include <criterion/criterion.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/mem.h"
#include "geo/database.h"
#include "geo/guard.h"

/* The databases are seeds of the fuzz target, made by tests/mmdb/write.pl. */
static char *path_of(const char *name)
{
	char *folder = file_folder(__FILE__), *path = mem_format("%s/../../fuzz/seeds/mmdb/%s", folder, name);

	mem_free(folder);
	return path;
}

static struct database *open_seed(const char *name)
{
	char *path = path_of(name);
	struct err err = {0};
	struct database *database = database_open(path, 1 << 20, &err);

	cr_assert_not_null(database, "%s: %s", path, err.text);
	mem_free(path);
	return database;
}

static struct text content_of(const char *name)
{
	struct text content = {.ceiling = 1 << 20};
	struct err err = {0};
	char *path = path_of(name);

	cr_assert_eq(file_read(path, &content, &err), 0, "%s: %s", path, err.text);
	mem_free(path);
	return content;
}

struct expected {
	const char *database, *address;
	enum place_field field;
	const char *text; /* NULL: absent */
};

static const struct expected cases[] = {
	{"city", "192.0.2.1", PLACE_COUNTRY, "DE"},
	{"city", "192.0.2.1", PLACE_COUNTRY_NAME, "Germany"},
	{"city", "192.0.2.1", PLACE_CITY, "Frankfurt"},
	{"city", "192.0.2.1", PLACE_REGION, "Hesse"},
	{"city", "192.0.2.1", PLACE_CONTINENT, "EU"},
	{"city", "192.0.2.1", PLACE_LATITUDE, "50.1109"},
	{"city", "192.0.2.1", PLACE_LONGITUDE, "8.6821"},
	{"city", "192.0.2.1", PLACE_GEOHASH, "u0yjj"},
	{"city", "192.0.2.1", PLACE_TIME_ZONE, "Europe/Berlin"},
	{"city", "192.0.2.1", PLACE_ASN, NULL},
	{"city", "::ffff:192.0.2.1", PLACE_COUNTRY, "DE"},
	{"city", "192.0.2.200", PLACE_COUNTRY, "SG"},
	{"city", "192.0.2.200", PLACE_CITY, NULL},
	{"city", "198.51.100.1", PLACE_COUNTRY, "XK"},
	{"city", "198.51.100.1", PLACE_LATITUDE, NULL}, /* 95 degrees north */
	{"city", "2001:db8::1", PLACE_COUNTRY, "US"},
	{"city", "2001:db8::1", PLACE_CITY, NULL}, /* in a language that nobody asked for */
	{"city", "2001:db8::1", PLACE_ASN, "64511"},
	{"city", "2001:db8::1", PLACE_ISP, "Nested ISP"},
	{"city", "2001:db8::1", PLACE_CONNECTION_TYPE, "Corporate"},
	{"asn", "192.0.2.1", PLACE_ASN, "64496"},
	{"asn", "192.0.2.1", PLACE_AS_ORG, "Example Networks"},
	{"asn", "198.51.100.1", PLACE_ASN, "64497"},
	{"asn", "198.51.100.1", PLACE_AS_ORG, NULL},
	{"asn", "203.0.113.1", PLACE_ASN, "4200000000"},
	{"asn", "203.0.113.1", PLACE_ISP, "Example ISP"},
	{"flat", "192.0.2.1", PLACE_COUNTRY, "NL"},
	{"flat", "192.0.2.1", PLACE_CITY, "Amsterdam"},
	{"flat", "192.0.2.1", PLACE_REGION, "North Holland"},
	{"flat", "192.0.2.1", PLACE_TIME_ZONE, "Europe/Amsterdam"},
	{"flat", "192.0.2.1", PLACE_ASN, "64498"},
	{"flat", "192.0.2.1", PLACE_AS_ORG, "Flat"},
	{"flat", "192.0.2.1", PLACE_LATITUDE, "52.37"},
	{"flat", "192.0.2.1", PLACE_CONNECTION_TYPE, "Cable/DSL"},
};

Test(database, fields_are_found_by_path)
{
	static char english[] = "en";
	char *items[] = {english};
	const struct option_list languages = {items, 1};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct expected *expected = &cases[i];
		struct database *database = open_seed(expected->database);
		struct place_draft draft = {0};
		struct place *place;
		struct address address;
		const char *text;

		cr_assert(address_parse(expected->address, &address));
		cr_assert_eq(database_find(database, &address, &languages, &draft), DATABASE_FOUND, "%s",
			     expected->address);
		place = place_create(&draft);
		text = place_text(place, expected->field);
		cr_expect((text == NULL) == (expected->text == NULL) && (!text || strcmp(text, expected->text) == 0),
			  "%s: %s of %s: %s, not %s", expected->database, place_field_name(expected->field),
			  expected->address, text ? text : "absent", expected->text ? expected->text : "absent");
		place_release(place);
		database_release(database);
	}
}

Test(database, languages_are_tried_in_order)
{
	static char french[] = "fr", german[] = "de", english[] = "en";
	char *items[] = {french, german, english};
	const struct option_list languages = {items, 3};
	struct database *database = open_seed("city");
	struct place_draft draft = {0};
	struct address address;

	address_parse("192.0.2.1", &address);
	database_find(database, &address, &languages, &draft);
	cr_expect_str_eq(draft.texts[PLACE_CITY], "Frankfurt am Main");
	cr_expect_str_eq(draft.texts[PLACE_REGION], "Hesse");
	cr_expect_str_eq(draft.texts[PLACE_COUNTRY_NAME], "Deutschland");
	database_release(database);
}

Test(database, who_has_no_name_has_a_code)
{
	const struct option_list none = {0};
	struct database *database = open_seed("city");
	struct place_draft draft = {0};
	struct address address;

	address_parse("192.0.2.1", &address);
	database_find(database, &address, &none, &draft);
	cr_expect_str_eq(draft.texts[PLACE_CITY], "");
	cr_expect_str_eq(draft.texts[PLACE_REGION], "HE");
	database_release(database);
}

Test(database, numbers_and_flags)
{
	const struct option_list none = {0};
	struct database *city = open_seed("city"), *flat = open_seed("flat");
	struct place_draft draft = {0}, flags = {0};
	struct address address;

	address_parse("192.0.2.1", &address);
	cr_assert_eq(database_find(city, &address, &none, &draft), DATABASE_FOUND);
	cr_expect(draft.has_point && draft.point.latitude == 50.1109 && draft.point.longitude == 8.6821);
	cr_expect_eq(draft.radius_meters, 20000);
	cr_expect_eq(draft.flags, 0);
	cr_assert_eq(database_find(flat, &address, &none, &flags), DATABASE_FOUND);
	cr_expect_eq(flags.flags, 1 << PLACE_IS_ANONYMOUS | 1 << PLACE_IS_TOR_EXIT_NODE);
	address_parse("2001:db8::1", &address);
	memset(&draft, 0, sizeof(draft));
	cr_assert_eq(database_find(city, &address, &none, &draft), DATABASE_FOUND);
	cr_expect_eq(draft.flags, 1 << PLACE_IS_ANYCAST);
	database_release(city);
	database_release(flat);
}

Test(database, what_is_not_there_is_not_found)
{
	static const char *const asked[][2] = {
		{"city", "8.8.8.8"}, {"city", "2a00::1"}, {"asn", "2001:db8::1"}, {"asn", "8.8.8.8"}};
	const struct option_list none = {0};
	struct address address = {0};

	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		struct database *database = open_seed(asked[i][0]);
		struct place_draft draft = {0}, empty = {0};

		cr_expect_eq(database_find(database, &address, &none, &draft), DATABASE_NOT_FOUND);
		address_parse(asked[i][1], &address);
		cr_expect_eq(database_find(database, &address, &none, &draft), DATABASE_NOT_FOUND, "%s", asked[i][1]);
		cr_expect_eq(memcmp(&draft, &empty, sizeof(draft)), 0);
		memset(&address, 0, sizeof(address));
		database_release(database);
	}
}

Test(database, tells_what_it_is)
{
	struct database *database = open_seed("asn");
	struct database_stamp stamp;

	cr_expect_str_eq(database_type(database), "ASN-Example");
	cr_expect_gt(database_built_seconds(database), 1700000000);
	cr_expect_eq(database_look(database_path(database), &stamp, NULL), 0);
	cr_expect(database_stamp_is_equal(&stamp, database_stamp(database)));
	cr_expect_eq(database_size_bytes(database), stamp.size);
	stamp.changed_ns++;
	cr_expect_not(database_stamp_is_equal(&stamp, database_stamp(database)));
	database_release(database_hold(database));
	database_release(database);
	database_release(NULL);
}

/* --- refusals ---------------------------------------------------------------------------------------------------- */

static void expect_refused(const char *path, int64_t size_max_bytes, const char *why)
{
	struct err err = {0};

	cr_expect_null(database_open(path, size_max_bytes, &err), "%s", path);
	cr_expect_not_null(strstr(err.text, why), "%s: %s", path, err.text);
}

Test(database, refuses_what_is_no_file)
{
	char path[] = "/tmp/test_database_XXXXXX";
	char *seed = path_of("city");
	int file = mkstemp(path);

	expect_refused("/nonexistent/x.mmdb", 1 << 20, "cannot be opened: No such file or directory");
	expect_refused("/dev/null", 1 << 20, "is no regular file");
	expect_refused("/tmp", 1 << 20, "is no regular file");
	expect_refused(path, 1 << 20, "is empty");
	expect_refused(seed, 100, "which is more than the 100 that are allowed (geo.max_size)");
	cr_assert_eq(write(file, "no database", 11), 11);
	expect_refused(path, 1 << 20, "is no MaxMind database, or its end is missing");
	close(file);
	unlink(path);
	mem_free(seed);
}

static void expect_refused_bytes(const struct text *content, const char *why)
{
	struct err err = {0};
	struct database *database = database_open_bytes("bytes", content->bytes, content->length, &err);

	cr_expect_null(database, "%s", why);
	cr_expect_not_null(strstr(err.text, why), "%s, not %s", err.text, why);
	database_release(database);
}

/* Where the value of a member of the metadata begins. */
static unsigned char *member(struct text *content, const char *name)
{
	char *found = memmem(content->bytes, content->length, name, strlen(name));

	cr_assert_not_null(found, "%s", name);
	return (unsigned char *)found + strlen(name);
}

Test(database, refuses_metadata_that_lies)
{
	struct text content = content_of("city"), copy = {0};

	expect_refused_bytes(&copy, "is empty");
#define AGAIN() (text_clear(&copy), text_add_bytes(&copy, content.bytes, content.length))
	AGAIN();
	member(&copy, "node_count")[1] = 0xff; /* more nodes than there is room for */
	member(&copy, "record_size")[1] = 32;
	expect_refused_bytes(&copy, "for which the file is too small");
	AGAIN();
	member(&copy, "record_size")[1] = 25;
	expect_refused_bytes(&copy, "a record_size of 25");
	AGAIN();
	member(&copy, "ip_version")[1] = 5;
	expect_refused_bytes(&copy, "an ip_version of 5");
	AGAIN();
	member(&copy, "binary_format_major_version")[1] = 3;
	expect_refused_bytes(&copy, "does not name version 2");
	AGAIN();
	member(&copy, "ip_version")[-1] = 'm';
	expect_refused_bytes(&copy, "no node_count, record_size or ip_version");
	AGAIN();
	member(&copy, "build_epoch")[-1] = 'k';
	expect_refused_bytes(&copy, "no build_epoch");
	AGAIN();
	member(&copy, "database_type")[0] = 0x5f; /* longer than the file */
	expect_refused_bytes(&copy, "metadata is damaged");
	text_free(&copy);
	text_free(&content);
}

/* Each cut, each byte changed: refused, or asked without harm (the sanitizers see to that). */
Test(database, survives_damage)
{
	static const char *const asked[] = {"192.0.2.1", "192.0.2.200", "2001:db8::1", "198.51.100.1"};
	const struct option_list none = {0};
	struct text content = content_of("city");
	unsigned opened = 0;

	for (size_t i = 0; i < content.length; i++) {
		struct database *database = database_open_bytes("cut", content.bytes, i, NULL);

		cr_expect_null(database, "cut at %zu", i);
		database_release(database);
	}
	for (size_t i = 0; i < content.length; i++) {
		struct database *database;

		content.bytes[i] = (char)(content.bytes[i] ^ 0xff);
		database = database_open_bytes("changed", content.bytes, content.length, NULL);
		opened += database != NULL;
		for (size_t k = 0; database && k < sizeof(asked) / sizeof(asked[0]); k++) {
			struct place_draft draft = {0};
			struct address address;

			address_parse(asked[k], &address);
			database_find(database, &address, &none, &draft);
		}
		database_release(database);
		content.bytes[i] = (char)(content.bytes[i] ^ 0xff);
	}
	cr_expect(opened > 100 && opened < content.length, "%u", opened);
	text_free(&content);
}

/* A file that is overwritten and cut while it is in use changes nothing for those who use it. */
Test(database, is_a_copy)
{
	char path[] = "/tmp/test_database_XXXXXX";
	struct text content = content_of("asn");
	const struct option_list none = {0};
	struct place_draft draft = {0};
	struct database *database;
	struct address address;
	int file = mkstemp(path);

	cr_assert_eq(write(file, content.bytes, content.length), (ssize_t)content.length);
	database = database_open(path, 1 << 20, NULL);
	cr_assert_not_null(database);
	memset(content.bytes, 0xff, content.length);
	cr_assert_eq(pwrite(file, content.bytes, content.length, 0), (ssize_t)content.length);
	cr_assert_eq(ftruncate(file, 0), 0);
	address_parse("192.0.2.1", &address);
	cr_expect_eq(database_find(database, &address, &none, &draft), DATABASE_FOUND);
	cr_expect_eq(draft.asn, 64496);
	database_release(database);
	close(file);
	unlink(path);
	text_free(&content);
}

/* --- records ----------------------------------------------------------------------------------------------------- */

static bool is_good(const void *bytes, size_t n)
{
	/* A block of exactly this size, so that a sanitizer sees what is read beyond. */
	void *copy = mem_copy(bytes, n);
	const struct guard_file file = {.bytes = copy, .size = n, .data_size = n};
	bool result = guard_check_record(&file, 0);

	mem_free(copy);
	return result;
}

#define GOOD(bytes) cr_expect(is_good(bytes, sizeof(bytes) - 1), #bytes)
#define BAD(bytes)  cr_expect_not(is_good(bytes, sizeof(bytes) - 1), #bytes)

Test(guard, values)
{
	GOOD("\x43"
	     "abc");
	BAD("\x43"
	    "ab");
	GOOD("\x40");
	GOOD("\x68\0\0\0\0\0\0\0\0"); /* a double is of 8 bytes */
	BAD("\x67\0\0\0\0\0\0\0");
	GOOD("\x82xy");    /* bytes */
	BAD("\xa3\0\0\0"); /* uint16 */
	GOOD("\xa2\0\0");
	BAD("\xc5\0\0\0\0\0");
	GOOD("\x00\x07"); /* a boolean: its size is its value */
	GOOD("\x01\x07");
	BAD("\x02\x07");
	GOOD("\x04\x08\0\0\0\0"); /* a float */
	BAD("\x03\x08\0\0\0");
	GOOD("\x08\x02\0\0\0\0\0\0\0\0");
	BAD("\x09\x02\0\0\0\0\0\0\0\0\0");
	GOOD("\x10\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
	BAD("\x00\x00"); /* no such type */
	BAD("\x00\x05"); /* a container for caches, never in a record */
	BAD("\x00\x06"); /* an end marker, likewise */
	BAD("\x00\x09");
	BAD("\x00");
	BAD("");
}

Test(guard, lists_and_maps)
{
	GOOD("\xe0");
	GOOD("\xe1\x41k\x41v");
	BAD("\xe1\x41k");
	BAD("\xe1\xa1\x01\x41v"); /* a key is a text */
	GOOD("\x02\x04\x41"
	     "a\x41"
	     "b");
	BAD("\x03\x04\x41"
	    "a\x41"
	    "b");
	BAD("\x1f\x04\xff\xff\xff"); /* a list of 16 million */
	BAD("\xff\xff\xff\xff");
	BAD("\xfe\xff");
}

Test(guard, pointers)
{
	GOOD("\x20\x02\x41z");
	BAD("\x20\x02");              /* behind the end */
	BAD("\x20\x00");              /* to itself */
	BAD("\x20\x02\x20\x04\x41z"); /* to a pointer */
	GOOD("\x02\x04\x20\x06\x41x\x41y");
	BAD("\x01\x04\x20\x00"); /* a list that has itself */
	BAD("\xe1\x41k\x20\x00");
	BAD("\x28\x00\x00"); /* at 2048 and behind */
	BAD("\x30\x00\x00\x00");
	BAD("\x38\xff\xff\xff\xff");
	BAD("\x38\x00\x00");
}

Test(guard, depth_and_number)
{
	unsigned char nested[2 * 40], wide[3 + 3000];

	for (unsigned depth = 0; depth < 40; depth++) {
		for (unsigned i = 0; i <= depth; i++) {
			nested[2 * i] = i < depth; /* lists of one, the last of none */
			nested[2 * i + 1] = 4;
		}
		cr_expect_eq(is_good(nested, 2 * depth + 2), depth <= GUARD_DEPTH_MAX, "%u", depth);
	}
	for (unsigned n = 300; n < 2800; n += 100) {
		memset(wide, 0x40, sizeof(wide)); /* empty texts */
		wide[0] = 0x1e;
		wide[1] = 4;
		wide[2] = (unsigned char)((n - 285) >> 8);
		wide[3] = (unsigned char)(n - 285);
		cr_expect_eq(is_good(wide, 4 + n), n < GUARD_VALUES_MAX, "%u", n);
	}
}
