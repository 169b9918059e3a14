/*
 * Sentences of menus, and which menus a router has.
 */
#include "probes/routeros/ros_menu.h"

#include <stdio.h>

#include "ros_table_fixture.h"

static struct catalogue *load(const char *sets)
{
	struct text errors = {0};
	struct catalogue *catalogue =
		sets ? ros_catalogue_load_string(sets, "test", &errors) : ros_catalogue_load(NULL, 0, false, &errors);

	cr_assert(catalogue, "%s", text_string(&errors));
	text_free(&errors);
	return catalogue;
}

/* The words of a sentence, with blanks between them. */
static void expect_words(const struct text *sentence, const char *expected)
{
	struct text words = {0};

	for (size_t at = 0; at < sentence->length;) {
		size_t n = (unsigned char)sentence->bytes[at++];

		if (n & 0x80)
			n = (n & 0x3f) << 8 | (unsigned char)sentence->bytes[at++];
		cr_assert(n > 0 && at + n <= sentence->length, "%s", expected);
		if (words.length)
			text_add_char(&words, ' ');
		text_add_bytes(&words, sentence->bytes + at, n);
		at += n;
	}
	cr_expect_str_eq(text_string(&words), expected);
	text_free(&words);
}

static void expect_sentence(const struct catalogue *catalogue, const char *name, size_t menu, const char *names,
			    const char *expected)
{
	const struct catalogue_set *set = catalogue_find(catalogue, name);
	struct text sentence = {0};
	struct err err = {0};

	cr_assert(set, "%s", name);
	cr_expect_eq(ros_menu_write(set, &set->menus[menu], names, NULL, 0, &sentence, &err), 0, "%s", err.text);
	expect_words(&sentence, expected);
	text_free(&sentence);
}

Test(ros_menu, sentences_of_the_built_in_sets)
{
	struct catalogue *catalogue = load(NULL);

	expect_sentence(catalogue, "identity", 0, NULL, "/system/identity/print =.proplist=name");
	expect_sentence(catalogue, "health", 1, NULL, "/system/health/print");
	expect_sentence(catalogue, "routes", 1, NULL, "/ip/route/print =count-only= ?active=true");
	expect_sentence(catalogue, "firewall_drops", 2, NULL,
			"/ipv6/firewall/filter/print =.proplist=action,bytes,packets ?action=drop ?action=reject ?#|");
	expect_sentence(catalogue, "lte", 1, "lte1",
			"/interface/lte/info =number=lte1 =once= =.proplist=current-operator,access-technology,"
			"data-class,primary-band,registration-status,pin-status,session-uptime,rssi,rsrp,rsrq,sinr,cqi,"
			"nr-rsrp,nr-rsrq,nr-sinr");
	expect_sentence(catalogue, "ethernet_module", 0, "ether1,sfp1",
			"/interface/ethernet/monitor =numbers=ether1,sfp1 =once= =.proplist=name,sfp-type,"
			"sfp-connector-type,sfp-vendor-name,sfp-vendor-part-number,sfp-vendor-revision,"
			"sfp-vendor-serial,sfp-manufacturing-date");
	catalogue_free(catalogue);
}

/* Every menu can be asked; what is written goes through our own reader. */
Test(ros_menu, every_built_in_menu_has_a_sentence)
{
	static const struct label parameters[] = {{"address", "192.0.2.1"}};
	struct catalogue *catalogue = load(NULL);
	struct ros_reader reader = {0};
	size_t menus = 0;

	for (size_t i = 0; i < catalogue->n; i++) {
		const struct catalogue_set *set = catalogue->sets[i];

		for (size_t k = 0; k < set->nmenus; k++) {
			const struct catalogue_menu *menu = &set->menus[k];
			struct text sentence = {0};
			struct ros_sentence read;
			struct err err = {0};

			cr_expect_eq(
				ros_menu_write(set, menu, menu->each.path ? "a" : NULL, parameters, 1, &sentence, &err),
				0, "%s: %s", set->name, err.text);
			text_add_char(&sentence, '\0');
			struct wire piece = wire_reader(sentence.bytes, sentence.length);
			cr_expect_eq(ros_reader_next(&reader, &piece, &read, &err), ROS_READ_SENTENCE);
			cr_expect(ros_word_starts_with(read.words[0], menu->path));
			cr_expect_eq(wire_left(&piece), 0);
			text_free(&sentence);
			cr_expect_eq(ros_menu_number(catalogue, set, k), menus++);
			cr_expect_eq(ros_menu_write_each(menu, &sentence, &err) == 0, menu->each.path != NULL);
			text_free(&sentence);
		}
	}
	cr_expect_eq(ros_menu_total(catalogue), menus);
	ros_reader_free(&reader);
	catalogue_free(catalogue);
}

Test(ros_menu, items_of_another_menu)
{
	struct catalogue *catalogue = load(NULL);
	const struct catalogue_set *set = catalogue_find(catalogue, "wireless_radio");
	struct text sentence = {0};
	struct err err = {0};

	text_add(&sentence, "x");
	cr_expect_eq(ros_menu_write(set, &set->menus[0], NULL, NULL, 0, &sentence, &err), -1);
	cr_expect_str_eq(err.text, "/interface/wireless/monitor cannot be asked without the items that it is for");
	cr_expect_eq(sentence.length, 1);
	text_clear(&sentence);
	cr_expect_eq(ros_menu_write_each(&set->menus[0], &sentence, &err), 0, "%s", err.text);
	expect_words(&sentence, "/interface/wireless/print =.proplist=name ?disabled=false");
	text_free(&sentence);
	catalogue_free(catalogue);
}

/* --- parameters ------------------------------------------------------------------------------------------------------
 */

static const char parameter_sets[] =
	"sets: { p: { help = \"A\"; parameters = [ \"address\", \"n\" ]; columns = ( { property = \"sent\"; measure = "
	"\"sent\"; help = \"H\"; } );\n"
	"menus = ( { path = \"/ping\"; command = \"\"; arguments = [ \"address={address}\", \"count={n}\", "
	"\"text=a{n}b{address}\", \"flag=\" ]; } ); }; };";

Test(ros_menu, parameters)
{
	static const struct label given[] = {{"n", "3"}, {"address", "=x,y"}, {"other", "z"}};
	struct catalogue *catalogue = load(parameter_sets);
	const struct catalogue_set *set = catalogue_find(catalogue, "p");
	struct text sentence = {0};
	struct err err = {0};

	cr_expect_eq(ros_menu_write(set, set->menus, NULL, given, 3, &sentence, &err), 0, "%s", err.text);
	expect_words(&sentence, "/ping =address==x,y =count=3 =text=a3b=x,y =flag= =.proplist=sent");
	text_clear(&sentence);
	text_add(&sentence, "before");
	cr_expect_eq(ros_menu_write(set, set->menus, NULL, given, 1, &sentence, &err), -1);
	cr_expect_str_eq(err.text, "the parameter \"address\" is missing: this data set needs it");
	cr_expect_str_eq(text_string(&sentence), "before");
	text_free(&sentence);
	catalogue_free(catalogue);
}

Test(ros_menu, what_cannot_be_sent)
{
	struct label given[] = {{"n", "3"}, {"address", NULL}};
	struct catalogue *catalogue = load(parameter_sets);
	const struct catalogue_set *set = catalogue_find(catalogue, "p");
	struct text sentence = {0};
	struct err err = {0};
	char *value = mem_alloc(ROS_WORD_MAX + 1);

	memset(value, 'x', ROS_WORD_MAX);
	value[ROS_WORD_MAX] = '\0';
	given[1].value = value;
	cr_expect_eq(ros_menu_write(set, set->menus, NULL, given, 2, &sentence, &err), -1);
	cr_expect_str_eq(err.text, "this command cannot be sent: a word is longer than 1 MiB");
	cr_expect_eq(sentence.length, 0);
	mem_free(value);
	text_free(&sentence);
	catalogue_free(catalogue);
}

/* No catalogue that is read has these. */
Test(ros_menu, arguments_without_end)
{
	char argument[400];
	const char *const nothing[] = {NULL}, *arguments[] = {argument, NULL};
	struct catalogue_menu menu = {.path = "/a", .command = "print", .proplist = nothing, .filters = nothing};
	struct catalogue_set set = {.menus = &menu, .nmenus = 1};
	struct text sentence = {0};
	struct err err = {0};

	menu.arguments = arguments;
	memset(argument, 'x', sizeof(argument));
	argument[sizeof(argument) - 1] = '\0';
	cr_expect_eq(ros_menu_write(&set, &menu, NULL, NULL, 0, &sentence, &err), -1);
	cr_expect_str_eq(err.text, "the name of an argument is longer than 256 bytes");
	strcpy(argument, "a");
	cr_expect_eq(ros_menu_write(&set, &menu, NULL, NULL, 0, &sentence, &err), 0);
	expect_words(&sentence, "/a/print =a=");
	text_clear(&sentence);
	strcpy(argument, "a={b");
	cr_expect_eq(ros_menu_write(&set, &menu, NULL, &(struct label){"b", "c"}, 1, &sentence, &err), 0);
	expect_words(&sentence, "/a/print =a=c");
	text_free(&sentence);
}

/* --- what a router has -----------------------------------------------------------------------------------------------
 */

static void add_package(struct ros_facts *facts, ...)
{
	struct ros_pair pairs[PAIRS_MAX];
	va_list words;

	va_start(words, facts);
	struct ros_reply reply = reply_of(pairs, words);
	va_end(words);
	ros_facts_add_package(facts, &reply);
}

Test(ros_menu, menus_that_fit)
{
	struct catalogue *catalogue = load(NULL);
	const struct catalogue_set *radio = catalogue_find(catalogue, "wireless_radio");
	const struct catalogue_set *address = catalogue_find(catalogue, "address");
	struct ros_facts facts = {0};

	/* nothing is known: what every router has */
	cr_expect(ros_menu_fits(&facts, &address->menus[0]));
	cr_expect(ros_menu_fits(&facts, &radio->menus[0]));
	cr_expect_not(ros_menu_fits(&facts, &radio->menus[1]));
	cr_expect_not(ros_menu_fits(&facts, &catalogue_find(catalogue, "health")->menus[1]));
	facts.version = catalogue_parse_version("7.12");
	cr_expect(ros_menu_fits(&facts, &radio->menus[1]));
	cr_expect_not(ros_menu_fits(&facts, &radio->menus[2]));
	add_package(&facts, "name=routeros", "version=7.12", "disabled=false", NULL);
	cr_expect(ros_menu_fits(&facts, &radio->menus[0]));
	cr_expect_not(ros_menu_fits(&facts, &radio->menus[1]));
	add_package(&facts, "name=wifiwave2", "disabled=true", NULL);
	add_package(&facts, "name=wifiwave2", "available=true", NULL);
	add_package(&facts, "version=7", NULL);
	add_package(&facts, "name=", NULL);
	cr_expect_not(ros_menu_fits(&facts, &radio->menus[1]));
	ros_facts_forget_packages(&facts);
	cr_expect(ros_menu_fits(&facts, &radio->menus[1]));
	ros_facts_forget_packages(&facts);
	add_package(&facts, "name=container", "disabled=yes", NULL);
	cr_expect_not(ros_menu_fits(&facts, &radio->menus[0]));
	ros_facts_free(&facts);
	cr_expect_eq(facts.version, 0);
	catalogue_free(catalogue);
}

Test(ros_menu, packages_have_a_ceiling)
{
	struct ros_facts facts = {0};
	char name[32];
	size_t n = 0;

	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "name=p%d", i);
		add_package(&facts, name, NULL);
	}
	while (facts.packages[n])
		n++;
	cr_expect_eq(n, ROS_PACKAGES_MAX);
	cr_expect_str_eq(facts.packages[255], "p255");
	ros_facts_free(&facts);
}

Test(ros_menu, menus_that_are_absent)
{
	struct ros_absent absent = {0};

	cr_expect_not(ros_absent_has(&absent, 0));
	cr_expect(ros_absent_note(&absent, 130));
	cr_expect_not(ros_absent_note(&absent, 130));
	cr_expect(ros_absent_note(&absent, 0));
	cr_expect(ros_absent_note(&absent, 63));
	for (size_t i = 0; i < 300; i++)
		cr_expect_eq(ros_absent_has(&absent, i), i == 0 || i == 63 || i == 130, "%zu", i);
	ros_absent_forget(&absent);
	cr_expect_not(ros_absent_has(&absent, 130));
	cr_expect(ros_absent_note(&absent, 130));
	ros_absent_free(&absent);
	cr_expect(ros_menu_is_missing(ROS_TRAP_NO_MENU));
	cr_expect(ros_menu_is_missing(ROS_TRAP_NO_COMMAND));
	cr_expect_not(ros_menu_is_missing(ROS_TRAP_PERMISSION));
	cr_expect_not(ros_menu_is_missing(ROS_TRAP_NO_ITEM));
}
