#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "daemon/ros_catalogue.h"

static struct catalogue *good(const char *text)
{
	struct text errors = {0};
	struct catalogue *catalogue = ros_catalogue_load_string(text, "x.conf", &errors);

	cr_assert(catalogue, "%s", text_string(&errors));
	cr_expect_eq(errors.length, 0);
	text_free(&errors);
	return catalogue;
}

static char *bad(const char *text)
{
	struct text errors = {0};

	cr_expect_null(ros_catalogue_load_string(text, "x.conf", &errors), "%s", text);
	return text_take(&errors);
}

static const char whole[] =
	"sets: { queue: {\n"
	"  help = \"A queue\"; tier = \"medium\"; cost = \"high\"; enabled = false; max_rows = 7; timeout = 1.5;\n"
	"  missing = \"failure\"; policy = \"test\"; keys = [ \"name\", \"peer=remote.address|remote-address\", "
	"\"mac-address\" ];\n"
	"  menus = (\n"
	"    { path = \"/queue/simple\"; since = \"6.40\"; before = \"7.1\"; filters = [ \"?disabled=false\", \"?#!\" "
	"];\n"
	"      labels = [ \"family=ipv4\" ]; packages = [ \"a\", \"b\" ]; arguments = [ \"stats=\" ]; },\n"
	"    { path = \"/interface/lte\"; command = \"monitor\"; once = true; since = \"7.1\"; labels = [ "
	"\"family=ipv6\" ];\n"
	"      each = \"/interface\"; each_property = \"id\"; each_argument = \"number\"; each_joined = false;\n"
	"      each_filters = [ \"?type=lte\" ]; proplist = [ \"*\" ]; } );\n"
	"  columns = (\n"
	"    { property = \"bytes\"; separator = \"/\"; part = 2; measure = \"download_bytes_total\"; unit = "
	"\"bytes\"; help = \"Bytes\"; },\n"
	"    { property = \"bytes\"; measure = \"download_bits_per_second\"; unit = \"bytes\"; rate = true; help = "
	"\"Rate\"; },\n"
	"    { property = \"state\"; measure = \"state\"; parse = \"word\"; words = [ \"2-way=3\", \"no thing=-1\" ]; "
	"when = [ \"type=C\", \"name=*x\" ]; help = \"State\"; },\n"
	"    { property = \"up\"; measure = \"up\"; parse = \"boolean\"; absent = \"0\"; help = \"Up\"; },\n"
	"    { property = \"t\"; measure = \"busy_seconds_total\"; parse = \"duration\"; help = \"Time\"; },\n"
	"    { property = \"where\"; measure = \"place\"; parse = \"text\"; help = \"Where\"; },\n"
	"    { property = \"port\"; measure = \"port\"; kind = \"integer\"; help = \"Port\"; },\n"
	"    { measure = \"info\"; help = \"Info\"; } );\n"
	"}; };\n";

Test(ros_catalogue, reads_a_set)
{
	struct catalogue *catalogue = good(whole);
	const struct catalogue_set *set = catalogue_find(catalogue, "queue");

	cr_assert_not_null(set);
	cr_expect_null(catalogue_find(catalogue, "queu"));
	cr_expect_str_eq(set->measure.name, "routeros_queue");
	cr_expect_str_eq(set->measure.help, "A queue");
	cr_expect_eq(set->tier, CATALOGUE_MEDIUM);
	cr_expect_eq(set->cost, CATALOGUE_HIGH);
	cr_expect_eq(set->missing, CATALOGUE_MISSING_IS_FAILURE);
	cr_expect_eq(set->policy, CATALOGUE_POLICY_TEST);
	cr_expect_not(set->is_enabled);
	cr_expect_eq(set->max_rows, 7);
	cr_expect_eq(set->timeout_ns, 1500000000);
	cr_assert_eq(set->nkeys, 3);
	cr_expect_str_eq(set->keys[1].label, "peer");
	cr_assert_eq(set->keys[1].property.n, 2);
	cr_expect_str_eq(set->keys[1].property.names[1], "remote-address");
	cr_expect_str_eq(set->keys[2].label, "mac_address");
	cr_expect_str_eq(set->measure.label_names[0], "family");
	cr_expect_str_eq(set->measure.label_names[3], "mac_address");
	cr_expect_null(set->measure.label_names[4]);
	catalogue_free(catalogue);
}

Test(ros_catalogue, reads_menus)
{
	struct catalogue *catalogue = good(whole);
	const struct catalogue_menu *menu = catalogue->sets[0]->menus;
	static const char *const asked[] = {
		"name", "remote.address", "remote-address", "mac-address", "bytes", "state", "type", "up", "t", "where",
		"port"};

	cr_assert_eq(catalogue->sets[0]->nmenus, 2);
	cr_expect_str_eq(menu->path, "/queue/simple");
	cr_expect_str_eq(menu->command, "print");
	cr_expect_eq(menu->since, 6040000);
	cr_expect_eq(menu->before, 7001000);
	cr_expect_str_eq(menu->filters[1], "?#!");
	cr_expect_null(menu->filters[2]);
	cr_expect_str_eq(menu->arguments[0], "stats=");
	cr_expect_str_eq(menu->labels[0].value, "ipv4");
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		cr_expect_str_eq(menu->proplist[i], asked[i]);
	cr_expect_null(menu->proplist[sizeof(asked) / sizeof(asked[0])]);
	cr_expect_null(menu->each.path);
	menu++;
	cr_expect(menu->is_once);
	cr_expect_eq(menu->before, INT64_MAX);
	cr_expect_str_eq(menu->each.path, "/interface");
	cr_expect_str_eq(menu->each.property, "id");
	cr_expect_str_eq(menu->each.argument, "number");
	cr_expect_str_eq(menu->each.filters[0], "?type=lte");
	cr_expect_not(menu->each.is_joined);
	cr_expect_null(menu->proplist[0]);
	catalogue_free(catalogue);
}

Test(ros_catalogue, reads_columns)
{
	static const enum measure_kind kinds[] = {
		MEASURE_COUNTER,         MEASURE_GAUGE, MEASURE_GAUGE,   MEASURE_GAUGE,
		MEASURE_COUNTER_SECONDS, MEASURE_TEXT,  MEASURE_INTEGER, MEASURE_INFO};
	struct catalogue *catalogue = good(whole);
	const struct catalogue_set *set = catalogue->sets[0];
	const struct catalogue_column *column = set->columns;

	cr_assert_eq(set->ncolumns, 8);
	for (size_t i = 0; i < set->ncolumns; i++)
		cr_expect_eq(set->measure.measures[i].kind, kinds[i], "%zu", i);
	cr_expect_eq(column[0].separator, '/');
	cr_expect_eq(column[0].part, 1);
	cr_expect_eq(column[1].factor, 8);
	cr_expect_null(column[1].router_unit);
	cr_expect(column[1].is_rate);
	cr_assert_eq(column[2].nwords, 2);
	cr_expect_str_eq(column[2].words[1].word, "no thing");
	cr_expect_eq(column[2].words[1].value, -1);
	cr_assert_eq(column[2].nconditions, 2);
	cr_expect_str_eq(column[2].conditions[1].pattern, "*x");
	cr_expect(column[3].has_absent);
	cr_expect_eq(column[7].property.n, 0);
	catalogue_free(catalogue);
}

Test(ros_catalogue, counts_groups)
{
	struct catalogue *catalogue = good("sets: { a: { help = \"H\"; mode = \"group\"; count = \"leases\"; "
					   "count_help = \"L\"; keys = [ \"server\" ];\n"
					   "menus = ( { path = \"/ip/x\"; } ); columns = ( { property = \"t\"; measure "
					   "= \"t\"; combine = \"largest\"; help = \"T\"; } ); };\n"
					   "b: { help = \"H\"; mode = \"count\"; count = \"n\"; count_help = \"L\"; "
					   "menus = ( { path = \"/ip/y\"; } ); }; };\n");
	const struct catalogue_set *set = catalogue->sets[0];

	cr_assert_eq(set->ncolumns, 2);
	cr_expect_eq(set->columns[0].combine, CATALOGUE_LARGEST);
	cr_expect(set->columns[1].is_count);
	cr_expect_eq(set->measure.measures[1].kind, MEASURE_INTEGER);
	cr_expect_eq(catalogue->sets[1]->ncolumns, 1);
	cr_expect_null(catalogue->sets[1]->menus[0].proplist[0]);
	catalogue_free(catalogue);
}

Test(ros_catalogue, knows_units)
{
	struct catalogue *catalogue =
		good("sets: { a: { help = \"H\"; menus = ( { path = \"/x\"; } ); columns = ( { property = \"i\"; "
		     "measure = \"bias_amperes\"; unit = \"milliamperes\"; parse = \"number\"; help = \"I\"; }, { "
		     "property = \"l\"; measure = \"load_ratio\"; unit = \"percent\"; help = \"L\"; } ); }; };\n");
	const struct catalogue_column *column = catalogue->sets[0]->columns;

	cr_expect_str_eq(column[0].router_unit, "mA");
	cr_expect_eq(column[0].factor, 0.001);
	cr_expect_null(column[1].router_unit);
	cr_expect_eq(column[1].factor, 0.01);
	catalogue_free(catalogue);
}

/* --- errors ----------------------------------------------------------------------------------------------------------
 */

#define SET(members)    "sets: { a: { help = \"H\"; " members " }; };\n"
#define MENU(members)   SET("menus = ( { " members " } ); columns = ( " GOOD_COLUMN " );")
#define COLUMN(members) SET("menus = ( { path = \"/x\"; } ); columns = ( { help = \"H\"; " members " } );")
#define GOOD_COLUMN     "{ property = \"c\"; measure = \"c\"; help = \"C\"; }"
#define REST            "menus = ( { path = \"/x\"; } ); columns = ( " GOOD_COLUMN " );"

static const struct {
	const char *text, *error;
} errors[] = {
	{"", "x.conf: sets: is missing"},
	{"set: { };", "set: unknown key, did you mean sets?"},
	{"sets: 3;", "sets: must be a group { }"},
	{"sets: { a: 3; };", "sets.a: must be a group { }"},
	{"sets: { a: { help = \"H\"; }; };", "sets.a.menus: is missing: say where the set is read"},
	{"sets: { a: { help = \"H\"; }; };", "sets.a.columns: is missing"},
	{"sets: { a: { " REST " }; };", "sets.a.help: is missing: say in one sentence"},
	{"sets: { a: { help = \"H.\"; " REST " }; };", "sets.a.help: must not end with a full stop"},
	{"sets: { a: { help = \"H\\nx\"; " REST " }; };", "sets.a.help: must be one line"},
	{"sets: { A-b: { help = \"H\"; " REST " }; };", "sets.A-b: \"A-b\" is no name"},
	{"sets: { a__b: { help = \"H\"; " REST " }; };", "write one _ between words only"},
	{SET("teir = \"long\"; " REST), "sets.a.teir: unknown key, did you mean tier?"},
	{SET("zzzzzzzz = 1; " REST), "unknown key (docs/routeros-catalogue.md lists them)"},
	{SET("tier = \"often\"; " REST), "sets.a.tier: must be one of realtime, short, medium, long, extended"},
	{SET("max_rows = 0; " REST), "sets.a.max_rows: must be between 1 and 100000"},
	{SET("max_rows = 99999999999; " REST), "does not fit 32 bits"},
	{SET("count = \"n\"; " REST), "sets.a.count: is for mode"},
	{SET("mode = \"group\"; " REST), "sets.a.count: is missing"},
	{SET("mode = \"group\"; count = \"n\"; " REST), "sets.a.count_help: is missing"},
	{SET("mode = \"group\"; count = \"n_total\"; count_help = \"N\"; " REST), "it has no unit, and can fall"},
	{SET("mode = \"group\"; count = \"N\"; count_help = \"N\"; " REST), "sets.a.count: \"N\" is no name"},
	{SET("mode = \"count\"; count = \"n\"; count_help = \"N\"; " REST), "mode = \"count\" has no columns"},
	{SET("mode = \"count\"; count = \"n\"; count_help = \"N\"; keys = [ \"k\" ]; menus = ( { path = \"/x\"; } );"),
	 "sets.a.keys: mode = \"count\" has no keys"},
	{SET("mode = \"count\"; count = \"n\"; count_help = \"N\"; menus = ( { path = \"/x\"; command = \"info\"; } "
	     ");"),
	 "mode = \"count\" takes print only"},
	{SET("take = \"last_section\"; " REST), "sets.a.section: section = \"property\" and take"},
	{SET("section = \"a b\"; take = \"last_section\"; " REST), "sets.a.section: \"a b\" must have no blanks"},
	{SET("parameters = [ \"A\" ]; " REST), "sets.a.parameters: \"A\" is no name"},
	{SET("keys = [ \"target\" ]; " REST), "the label \"target\" is reserved: give it another name"},
	{SET("keys = [ \"c\" ]; " REST), "the label c has the name of a measure"},
	{SET("keys = [ \"k\", \"k=l\" ]; " REST), "the label k is there twice"},
	{SET("keys = [ \"k=a||b\" ]; " REST), "has an empty name"},
	{SET("keys = [ \"k=?b\" ]; " REST), "\"?b\" is no name of a property"},
	{SET("keys = [ \"k=@x\" ]; " REST), "\"@x\" is no name of a property"},
	{SET("keys = [ \"k=@each\" ]; " REST), "a key is @each: write each"},
	{SET("keys = [ \"k=\" ]; " REST), "sets.a.keys: is empty"},
	{SET("menus = ( ); columns = ( " GOOD_COLUMN " );"), "sets.a.menus: is missing"},
	{SET("menus = 3; columns = ( " GOOD_COLUMN " );"), "sets.a.menus: must be a list ( )"},
	{SET("menus = ( 3 ); columns = ( " GOOD_COLUMN " );"), "sets.a.menus[0]: must be a group { }"},
	{SET("menus = ( { path = \"/x\"; labels = [ \"a=1\" ]; }, { path = \"/y\"; labels = [ \"b=1\" ]; } ); columns "
	     "= ( " GOOD_COLUMN " );"),
	 "sets.a.menus[1].labels: must be those of the first menu"},
	{MENU("command = \"print\";"), "sets.a.menus[0].path: is missing"},
	{MENU("path = \"x\";"), "sets.a.menus[0].path: \"x\" is no menu"},
	{MENU("path = \"/x/\";"), "\"/x/\" is no menu"},
	{MENU("path = \"/X y\";"), "\"/X y\" is no menu"},
	{MENU("path = \"/x\"; pathh = 1;"), "pathh: unknown key, did you mean path?"},
	{MENU("path = \"/system\"; command = \"reboot\";"), "\"reboot\" is not allowed"},
	{MENU("path = \"/system/reboot\"; command = \"\";"), "\"\" is for the paths /ping"},
	{MENU("path = \"/ping\"; arguments = [ \"count=1\" ];"), "and these take no other"},
	{MENU("path = \"/ping\"; command = \"\";"), "must have \"count=number\""},
	{MENU("path = \"/ping\"; command = \"\"; arguments = [ \"count=1\", \"address={to}\" ];"),
	 "{to} is none of the set's parameters"},
	{MENU("path = \"/ping\"; command = \"\"; arguments = [ \"count=1\", \"address={to\" ];"), "{to} is none"},
	{MENU("path = \"/x\"; command = \"monitor\";"), "sets.a.menus[0].once: must be true"},
	{MENU("path = \"/x\"; since = \"x\";"), "since: is no version"},
	{MENU("path = \"/x\"; before = \"x\";"), "before: is no version"},
	{MENU("path = \"/x\"; since = \"7.1\"; before = \"7.1\";"), "must be a later version than since"},
	{MENU("path = \"/x\"; filters = [ \"a=b\" ];"), "\"a=b\" is no query word"},
	{MENU("path = \"/x\"; each = \"y\";"), "each: \"y\" is no menu"},
	{MENU("path = \"/x\"; each = \"/y\"; each_filters = [ \"y\" ];"), "each_filters: \"y\" is no query word"},
	{MENU("path = \"/x\"; each = \"/y\"; each_property = \"\";"), "each_property: is empty"},
	{MENU("path = \"/x\"; arguments = [ \"follow=\" ];"), "follow must not be written here"},
	{MENU("path = \"/x\"; arguments = [ \"stats\" ];"), "\"stats\" must be of the form \"name=value\""},
	{MENU("path = \"/x\"; labels = [ \"job=x\" ];"), "the label \"job\" is reserved"},
	{MENU("path = \"/x\"; labels = [ \"job\" ];"), "\"job\" must be of the form"},
	{MENU("path = \"/x\"; proplist = [ \"a b\" ];"), "\"a b\" must have no blanks"},
	{MENU("path = \"/x\"; proplist = [ \"a,b\" ];"), "\"a,b\" is no name of a property"},
	{SET("menus = ( { path = \"/x\"; } ); columns = 3;"), "sets.a.columns: must be a list ( )"},
	{SET("menus = ( { path = \"/x\"; } ); columns = ( 3 );"), "sets.a.columns[0]: must be a group { }"},
	{SET("menus = ( { path = \"/x\"; } ); columns = ( " GOOD_COLUMN ", " GOOD_COLUMN " );"),
	 "two of them make the measure c"},
	{COLUMN("property = \"b\";"), "sets.a.columns[0].measure: is missing"},
	{COLUMN("measure = \"b\";"), "sets.a.columns[0].property: is missing"},
	{COLUMN("property = \"b\"; measure = \"info\";"), "an info is always 1: make the property a key"},
	{COLUMN("property = \"b\"; measure = \"B\";"), "measure: \"B\" is no name"},
	{COLUMN("property = \"b\"; measure = \"b\"; kind = \"counter\";"), "must end in _total: it is a counter"},
	{COLUMN("property = \"b\"; measure = \"count\";"), "\"count\" must not end in count"},
	{COLUMN("property = \"b\"; measure = \"b_sum\";"), "\"b_sum\" must not end in sum"},
	{SET("mode = \"group\"; count = \"count\"; count_help = \"N\"; " REST), "sets.a.count: \"count\" must not"},
	{COLUMN("property = \"b\"; measure = \"b_total\"; kind = \"gauge\";"), "must not end in _total"},
	{COLUMN("property = \"b\"; measure = \"b_bytes\";"), "ends in _bytes: write with unit"},
	{COLUMN("property = \"b\"; measure = \"b\"; unit = \"percent\";"), "must end in _ratio: its unit says so"},
	{COLUMN("property = \"b\"; measure = \"b_total\"; unit = \"bytes\";"), "must end in _bytes_total"},
	{COLUMN("property = \"b\"; measure = \"b\"; parse = \"duration\";"), "must end in _seconds"},
	{COLUMN("property = \"b\"; measure = \"b_seconds\"; parse = \"duration\"; unit = \"milliseconds\";"),
	 "this way of parsing gives the unit"},
	{COLUMN("property = \"b\"; measure = \"b\"; rate = true;"), "must end in _per_second"},
	{COLUMN("property = \"b\"; measure = \"b_per_second\"; rate = true; parse = \"number\";"),
	 "a rate is made of integers"},
	{COLUMN("property = \"b\"; measure = \"b_total\"; rate = true;"), "a rate is a gauge"},
	{COLUMN("property = \"b\"; measure = \"b\"; kind = \"text\";"), "belong together"},
	{COLUMN("property = \"b\"; measure = \"b\"; kind = \"integer\"; parse = \"number\";"), "takes integers only"},
	{COLUMN("property = \"b\"; measure = \"b\"; parse = \"word\";"), "words = [ \"word=number\" ] and parse"},
	{COLUMN("property = \"b\"; measure = \"b\"; parse = \"word\"; words = [ \"x=y\" ];"),
	 "\"x=y\" must be of the form"},
	{COLUMN("property = \"b\"; measure = \"b\"; parse = \"word\"; words = [ \"x\" ];"),
	 "\"x\" must be of the form"},
	{COLUMN("property = \"b\"; measure = \"b\"; when = [ \"x\" ];"), "when: \"x\" must be of the form"},
	{COLUMN("property = \"b\"; measure = \"b\"; part = 2;"), "part: needs separator"},
	{COLUMN("property = \"b\"; measure = \"b\"; separator = \"//\";"), "separator: must be one character"},
	{COLUMN("property = \"b\"; measure = \"b\"; absent = \"0\";"), "what is absent is not known"},
	{COLUMN("property = \"b\"; measure = \"b\"; parse = \"boolean\"; absent = \"no\";"),
	 "absent: must be a number"},
	{SET("mode = \"group\"; count = \"n\"; count_help = \"N\"; menus = ( { path = \"/x\"; } ); columns = ( { "
	     "property = \"t\"; measure = \"t\"; parse = \"text\"; help = \"T\"; } );"),
	 "a group has no texts"},
	{"sets: { a: { help = \"H\"; menus = ( { path = \"/x\"; } ); columns = ( { property = \"p\"; measure = "
	 "\"b_c\"; help = \"C\"; } ); };\n"
	 "a_b: { help = \"H\"; menus = ( { path = \"/x\"; } ); columns = ( { property = \"p\"; measure = \"c\"; help = "
	 "\"C\"; } ); }; };",
	 "x.conf:2: sets.a_b: the metric netsonde_routeros_a_b_c is also one of the set a"},
	{"sets: { collection: { help = \"H\"; menus = ( { path = \"/x\"; } ); columns = ( { property = \"p\"; measure "
	 "= "
	 "\"b\"; help = \"C\"; } ); }; };",
	 "sets.collection: routeros_collection is a set of netsonde's own"},
	{"sets: { health: { help = \"H\"; menus = ( { path = \"/x\"; } ); columns = ( { property = \"p\"; measure = "
	 "\"score\"; help = \"C\"; } ); }; };",
	 "sets.health: the metric netsonde_routeros_health_score is one of netsonde's own"},
	{"sets: {\n a: {", "syntax: \"{\" is never closed"},
};

Test(ros_catalogue, says_what_is_wrong)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		char *said = bad(errors[i].text);

		cr_expect(strstr(said, errors[i].error), "%s\nsaid: %swanted: %s", errors[i].text, said,
			  errors[i].error);
		mem_free(said);
	}
}

Test(ros_catalogue, says_all_errors_in_one_go)
{
	char *said = bad(
		"sets: {\na: { help = \"H\";\n menus = ( { path = \"x\"; } );\n columns = ( { } );\n};\nb: { };\n};\n");

	cr_expect_str_eq(said,
			 "x.conf:3: sets.a.menus[0].path: \"x\" is no menu: write it as \"/interface/ethernet\", small "
			 "letters and no blanks\n"
			 "x.conf:4: sets.a.columns[0].measure: is missing: our name for it\n"
			 "x.conf:6: sets.b.help: is missing: say in one sentence what it is\n"
			 "x.conf:6: sets.b.columns: is missing: say what the set measures\n"
			 "x.conf:6: sets.b.menus: is missing: say where the set is read\n");
	mem_free(said);
}

/* --- ceilings --------------------------------------------------------------------------------------------------------
 */

/* text with n times the element, separated by commas, between head and tail. {} in the element is its number. */
static char *repeat(const char *head, const char *element, const char *tail, unsigned n)
{
	struct text out = {0};

	text_add(&out, head);
	for (unsigned i = 0; i < n; i++) {
		const char *number = strchr(element, '#');

		if (i)
			text_add(&out, ", ");
		text_add_format(&out, "%.*s%u%s", (int)(number - element), element, i, number + 1);
	}
	text_add(&out, tail);
	return text_take(&out);
}

Test(ros_catalogue, has_ceilings)
{
	static const struct {
		const char *head, *element, *tail, *error;
		unsigned n;
	} cases[] = {
		{"sets: { a: { help = \"H\"; menus = ( { path = \"/x\"; } ); columns = ( ",
		 "{ property = \"c\"; measure = \"c#\"; help = \"C\"; }", " ); }; };\n", "has more than 128 elements",
		 129},
		{"sets: { a: { help = \"H\"; menus = ( ", "{ path = \"/x#\"; }",
		 " ); columns = ( " GOOD_COLUMN " ); }; };\n", "has more than 64 elements", 65},
		{"sets: { a: { help = \"H\"; keys = [ ", "\"k#\"", " ]; " REST " }; };\n", "keys: has more than 24",
		 25},
		{"sets: { a: { help = \"H\"; menus = ( { path = \"/x\"; labels = [ ", "\"k#=1\"",
		 " ]; } ); columns = ( " GOOD_COLUMN " ); }; };\n", "labels: has more than 24", 25},
		{"sets: { a: { help = \"H\"; keys = [ \"x\" ]; menus = ( { path = \"/x\"; labels = [ ", "\"k#=1\"",
		 " ]; } ); columns = ( " GOOD_COLUMN " ); }; };\n", "with the menus' labels, more than 24", 24},
		{"sets: { a: { help = \"H\"; menus = ( { path = \"/x\"; filters = [ ", "\"?k#\"",
		 " ]; } ); columns = ( " GOOD_COLUMN " ); }; };\n", "filters: has more than 64", 65},
		{"sets: { a: { help = \"H\"; menus = ( { path = \"/x\"; arguments = [ ", "\"k#=1\"",
		 " ]; } ); columns = ( " GOOD_COLUMN " ); }; };\n", "arguments: has more than 64", 65},
		{"sets: { a: { help = \"H\"; menus = ( { path = \"/x\"; proplist = [ ", "\"k#\"",
		 " ]; } ); columns = ( " GOOD_COLUMN " ); }; };\n", "proplist: has more than 160", 161},
		{"sets: { a: { help = \"H\"; menus = ( { path = \"/x\"; } ); columns = ( { property = \"c\"; measure = "
		 "\"c\"; help = \"C\"; parse = \"word\"; words = [ ",
		 "\"k#=1\"", " ]; } ); }; };\n", "words: has more than 64", 65},
		{"sets: { a: { help = \"H\"; menus = ( { path = \"/x\"; } ); columns = ( { property = \"c\"; measure = "
		 "\"c\"; help = \"C\"; when = [ ",
		 "\"k#=1\"", " ]; } ); }; };\n", "when: has more than 64", 65},
		{"sets: { ", "a#: { help = \"H\"; " REST " }", " };\n", "sets: has more than 512 data sets", 513},
		{"sets: { a: { help = \"H\"; keys = [ \"k=x", "p#|", "\" ]; " REST " }; };\n",
		 "is longer than 256 bytes", 90},
		{"sets: { a: { menus = ( { path = \"/x\"; } ); columns = ( " GOOD_COLUMN " ); help = \"x", "p#|",
		 "\"; }; };\n", "help: is longer than 512 bytes", 200},
		{"sets: { a: { help = \"H\"; menus = ( { path = \"/x\"; } ); columns = ( { property = \"c\"; measure = "
		 "\"c\"; help = \"C\"; when = [ ",
		 "\"k#=1\"",
		 " ]; }, { property = \"d|e|f|g|h|i|j|k|l|m|n|o|p|q|r|s|t|u|v|w|x|y|z|a|b\"; measure = \"d\"; help = "
		 "\"D\"; when = [ \"A=1\" ] } ); keys = [ "
		 "\"l=a0|a1|a2|a3|a4|a5|a6|a7|a8|a9|b0|b1|b2|b3|b4|b5|b6|b7|b8|b9|c0|c1|c2|c3|c4|c5|c6|c7|c8|c9|d0|d1|"
		 "d2|d3|d4|d5|d6|d7|d8|d9\", "
		 "\"m=e0|e1|e2|e3|e4|e5|e6|e7|e8|e9|f0|f1|f2|f3|f4|f5|f6|f7|f8|f9|g0|g1|g2|g3|g4|g5|g6|g7|g8|g9|h0|h1|"
		 "h2|h3|h4|h5|h6|h7|h8|h9\" ]; }; };\n",
		 "need more than 160 properties", 64},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = repeat(cases[i].head, cases[i].element, cases[i].tail, cases[i].n), *said = bad(text);

		cr_expect(strstr(said, cases[i].error), "said: %.300s\nwanted: %s", said, cases[i].error);
		mem_free(said);
		mem_free(text);
	}
}

/* --- several texts ---------------------------------------------------------------------------------------------------
 */

static char *write_file(const char *text)
{
	char *path = mem_copy_string("/tmp/netsonde-catalogue-XXXXXX");
	int fd = mkstemp(path);

	cr_assert(fd >= 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	return path;
}

Test(ros_catalogue, files_add_and_replace)
{
	char *first = write_file(SET(REST)),
	     *second = write_file("sets: { a: { help = \"Mine\"; " REST " };\n identity: { help = \"Mine too\"; " REST
				  " }; };\n");
	const char *files[] = {first, second};
	struct text said = {0};
	struct catalogue *plain = ros_catalogue_load(NULL, 0, false, &said),
			 *catalogue = ros_catalogue_load(files, 2, false, &said), *alone;

	cr_assert(plain && catalogue, "%s", text_string(&said));
	cr_expect_eq(catalogue->n, plain->n + 1);
	cr_expect_str_eq(catalogue_find(catalogue, "a")->measure.help, "Mine");
	cr_expect_str_eq(catalogue_find(catalogue, "identity")->measure.help, "Mine too");
	alone = ros_catalogue_load(files, 1, true, &said);
	cr_assert_not_null(alone);
	cr_expect_eq(alone->n, 1);
	catalogue_free(alone);
	catalogue_free(catalogue);
	catalogue_free(plain);
	unlink(first);
	unlink(second);
	mem_free(first);
	mem_free(second);
}

Test(ros_catalogue, errors_of_files_name_them)
{
	char *path = write_file("sets: { a: 1; };\n");
	const char *files[] = {path, "/nowhere/x.conf"};
	struct text said = {0};

	cr_expect_null(ros_catalogue_load(files, 2, false, &said));
	cr_expect(strstr(text_string(&said), path), "%s", text_string(&said));
	cr_expect(strstr(text_string(&said), "/nowhere/x.conf"), "%s", text_string(&said));
	text_free(&said);
	unlink(path);
	mem_free(path);
}

Test(ros_catalogue, sets_of_all_texts_have_one_ceiling)
{
	struct text said = {0};
	char *full = repeat("sets: { ", "a#: { help = \"H\"; " REST " }", " };\n", CATALOGUE_SETS_MAX);
	struct catalogue *catalogue = good(full);

	cr_expect_eq(ros_catalogue_add_string(catalogue, "sets: { a1: { help = \"H\"; " REST " }; };\n", "y", &said),
		     0);
	cr_expect_eq(ros_catalogue_add_string(catalogue, "sets: { b: { help = \"H\"; " REST " }; };\n", "y", &said),
		     -1);
	cr_expect(strstr(text_string(&said), "y:1: sets.b: there are more than 512 data sets"), "%s",
		  text_string(&said));
	text_free(&said);
	catalogue_free(catalogue);
	mem_free(full);
}
