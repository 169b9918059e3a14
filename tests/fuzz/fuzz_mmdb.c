/* A whole file as a database: whatever it is, opening and asking end, within bounds, with texts that can be shown. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/utf8.h"
#include "geo/database.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check_draft(const struct place_draft *draft)
{
	struct place *place = place_create(draft);

	for (unsigned i = 0; i < PLACE_FIELDS; i++) {
		const char *text = place_text(place, (enum place_field)i);

		if (text && (strlen(text) >= PLACE_TEXT_SIZE || utf8_length(text, strlen(text)) != strlen(text)))
			abort();
	}
	if (draft->has_point && !(draft->point.latitude >= -90 && draft->point.latitude <= 90))
		abort();
	place_release(place);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const char *const asked[] = {"192.0.2.1",       "192.0.2.129", "198.51.100.1", "203.0.113.1", "0.0.0.0",
					    "255.255.255.255", "2001:db8::1", "::",           "ffff:ffff::1"};
	static char english[] = "en", german[] = "de";
	char *items[] = {german, english};
	const struct option_list languages = {items, 2};
	struct err err = {0};
	struct database *database = database_open_bytes("fuzz", bytes, n, &err);

	if (!database && !err.text[0])
		abort();
	for (size_t i = 0; database && i < sizeof(asked) / sizeof(asked[0]); i++) {
		struct place_draft draft = {0};
		struct address address;

		address_parse(asked[i], &address);
		if (database_find(database, &address, &languages, &draft) == DATABASE_FOUND)
			check_draft(&draft);
	}
	database_release(database);
	return 0;
}
