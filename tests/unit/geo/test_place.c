#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "geo/place.h"

static void set(struct place_draft *draft, enum place_field field, const char *text)
{
	place_draft_text(draft, field, text, strlen(text));
}

Test(place, who_comes_first_wins)
{
	struct place_draft draft = {0};

	set(&draft, PLACE_CITY, "Ulm");
	set(&draft, PLACE_CITY, "Bonn");
	place_draft_asn(&draft, 1);
	place_draft_asn(&draft, 2);
	place_draft_point(&draft, (struct distance_point){1, 2}, 3000, false);
	place_draft_point(&draft, (struct distance_point){4, 5}, 6000, true);
	cr_expect_str_eq(draft.texts[PLACE_CITY], "Ulm");
	cr_expect_str_eq(draft.texts[PLACE_ASN], "1");
	cr_expect_str_eq(draft.texts[PLACE_LATITUDE], "1");
	cr_expect_str_eq(draft.texts[PLACE_LONGITUDE], "2");
	cr_expect_eq(draft.radius_meters, 3000);
}

Test(place, texts_that_cannot_be_shown_are_left_out)
{
	static const struct {
		const char *bytes;
		size_t n;
	} bad[] = {{"", 0},     {"a\nb", 3}, {"\x01", 1}, {"\x7f", 1},
		   {"a\0b", 3}, {"\xff", 1}, {"\xc3", 1}, {"a\xe2\x82", 3}};
	struct place_draft draft = {0};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		place_draft_text(&draft, PLACE_CITY, bad[i].bytes, bad[i].n);
		cr_expect_str_eq(draft.texts[PLACE_CITY], "", "%zu", i);
	}
	set(&draft, PLACE_CITY, "M\xc3\xbcnchen");
	cr_expect_str_eq(draft.texts[PLACE_CITY], "M\xc3\xbcnchen");
}

Test(place, long_texts_are_cut_between_characters)
{
	char text[400];

	for (size_t shift = 0; shift < 4; shift++) {
		struct place_draft draft = {0};
		size_t n;

		memset(text, 'a', shift);
		for (size_t at = shift; at + 4 <= sizeof(text); at += 4)
			memcpy(text + at, "\xf0\x9f\x8c\x8d", 4);
		place_draft_text(&draft, PLACE_CITY, text, shift + 4 * 60);
		n = strlen(draft.texts[PLACE_CITY]);
		cr_expect(n < PLACE_TEXT_SIZE && n > PLACE_TEXT_SIZE - 5 && (n - shift) % 4 == 0, "%zu: %zu", shift, n);
	}
	{
		struct place_draft draft = {0};

		memset(text, 'a', sizeof(text));
		text[50] = '\x80';
		place_draft_text(&draft, PLACE_CITY, text, sizeof(text));
		cr_expect_str_eq(draft.texts[PLACE_CITY], "");
	}
}

Test(place, points_that_are_none_are_left_out)
{
	static const struct distance_point bad[] = {{90.1, 0}, {-91, 0}, {0, 180.1},   {0, -181},
						    {NAN, 0},  {0, NAN}, {INFINITY, 0}};
	struct place_draft draft = {0};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		place_draft_point(&draft, bad[i], 0, false);
	cr_expect_not(draft.has_point);
	place_draft_point(&draft, (struct distance_point){90, -180}, -5, false);
	cr_expect(draft.has_point);
	cr_expect_eq(draft.radius_meters, 0);
}

Test(place, keeps_what_the_draft_has)
{
	struct place_draft draft = {.flags = 1 << PLACE_IS_ANYCAST};
	struct distance_point point;
	struct place *place;
	uint32_t asn;

	set(&draft, PLACE_COUNTRY, "DE");
	set(&draft, PLACE_SITE, "hall 7");
	place_draft_asn(&draft, 4200000000);
	place_draft_point(&draft, (struct distance_point){57.64911, 10.40744}, 0, true);
	place = place_create(&draft);
	place_release(place_hold(place));
	memset(&draft, 0xff, sizeof(draft));
	cr_expect_str_eq(place_text(place, PLACE_COUNTRY), "DE");
	cr_expect_str_eq(place_text(place, PLACE_SITE), "hall 7");
	cr_expect_str_eq(place_text(place, PLACE_ASN), "4200000000");
	cr_expect_str_eq(place_text(place, PLACE_GEOHASH), "u4pruyd");
	cr_expect_null(place_text(place, PLACE_CITY));
	cr_expect(place_asn(place, &asn) && asn == 4200000000);
	cr_expect(place_point(place, &point) && point.latitude == 57.64911);
	cr_expect(place_has_flag(place, PLACE_IS_ANYCAST));
	cr_expect_not(place_has_flag(place, PLACE_IS_ANONYMOUS));
	cr_expect_eq(place_radius_meters(place), 0);
	cr_expect(place_is_known(place));
	cr_expect_lt(place_bytes(place), 300);
	place_release(place);
	place_release(NULL);
}

Test(place, of_nothing)
{
	struct place_draft draft = {0};
	struct distance_point point;
	struct place *place;
	uint32_t asn;

	set(&draft, PLACE_SCOPE, "private");
	place = place_create(&draft);
	cr_expect_not(place_is_known(place));
	cr_expect_not(place_point(place, &point));
	cr_expect_not(place_asn(place, &asn));
	place_release(place);
}

Test(place, geohashes)
{
	static const struct {
		double latitude, longitude;
		const char *hash;
	} cases[] = {{57.64911, 10.40744, "u4pruydqqvj"},
		     {42.6, -5.6, "ezs42"},
		     {0, 0, "s0000"},
		     {90, 180, "zzzzz"},
		     {-90, -180, "00000"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct distance_point point = {cases[i].latitude, cases[i].longitude};
		char out[PLACE_GEOHASH_MAX + 1];

		place_geohash(point, (unsigned)strlen(cases[i].hash), out);
		cr_expect_str_eq(out, cases[i].hash);
	}
}

Test(place, names)
{
	for (unsigned i = 0; i < PLACE_FIELDS; i++)
		cr_expect_eq(place_field_find(place_field_name((enum place_field)i)), i);
	cr_expect_eq(place_field_find("nowhere"), PLACE_FIELDS);
	cr_expect_str_eq(place_flag_name(PLACE_IS_TOR_EXIT_NODE), "is_tor_exit_node");
}
