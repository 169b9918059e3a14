#include <criterion/criterion.h>
#include <string.h>

#include "core/mem.h"
#include "daemon/dialect_reader.h"

#define HEAD "name = \"x\"; prefix = \"dev\"; target = \"device\";\n"

static struct dialect *read_well(const char *string)
{
	struct text errors = {0};
	struct dialect *dialect = dialect_read(string, "x.conf", &errors);

	cr_assert(dialect, "%s", text_string(&errors));
	text_free(&errors);
	return dialect;
}

Test(dialect_reader, reads_everything)
{
	struct dialect *dialect = read_well(
		HEAD "labels = [ \"addr=address.address\" ];\n"
		     "joins = ( { name = \"address\"; set = \"target\"; },\n"
		     "  { name = \"about\"; set = \"routeros_about\"; here = \"name\"; there = \"port\"; } );\n"
		     "groups: { g: { labels = [ \"name\" ]; metrics = (\n"
		     "  { name = \"z_info\"; type = \"info\"; from = \"two.info\"; note = \"why\";\n"
		     "    labels = [ \"a=b|about.c|@d(1=up 0=down -1=not)\", \"e=@f(duration)\", \"g='h i'\",\n"
		     "               \"j=| {k} | {@l}\", \"m=\" ]; },\n"
		     "  { name = \"a_total\"; type = \"counter\"; from = \"one.a_total\"; where = [ \"v=w|x\", \"y=z\" "
		     "]; },\n"
		     "  { name = \"b\"; from = \"one.b\"; factor = 1000.0; good = 2; differ = [ \"p\", \"q\" ]; alike "
		     "= \"sum\"; "
		     "},\n"
		     "  { name = \"c\"; alike = \"first\"; note = \"it is not there\"; } ); }; };\n");
	const struct dialect_metric *a = &dialect->metrics[0], *b = a + 1, *c = a + 2, *z = a + 3;

	cr_expect_str_eq(dialect->name, "x");
	cr_expect_str_eq(dialect->prefix, "dev");
	cr_expect_str_eq(dialect->target, "device");
	cr_expect_eq(dialect->nlabels, 1);
	cr_expect_eq(dialect->njoins, 2);
	cr_expect_null(dialect->joins[0].here);
	cr_expect_str_eq(dialect->joins[1].there, "port");
	cr_assert_eq(dialect->n, 4);
	cr_assert_eq(dialect->nsets, 2);
	cr_expect_str_eq(a->name, "a_total");
	cr_expect_str_eq(a->group, "g");
	cr_expect_eq(a->kind, MEASURE_COUNTER);
	cr_expect(a->is_summed);
	cr_expect_str_eq(dialect->sets[a->set], "routeros_one");
	cr_expect_str_eq(a->measure, "a_total");
	cr_expect_eq(a->factor, 1);
	cr_expect_eq(a->nconditions, 2);
	cr_expect_eq(a->conditions[0].nvalues, 2);
	cr_expect_str_eq(a->conditions[0].values[1], "x");
	cr_expect_eq(a->nlabels, 1);
	cr_expect_str_eq(a->labels[0].sources[0].name, "name");
	cr_expect_eq(b->kind, MEASURE_GAUGE);
	cr_expect(b->is_summed && b->has_good && b->good == 2 && b->factor == 1000);
	cr_expect_str_eq(b->differ[1], "q");
	cr_expect_null(c->measure);
	cr_expect_not(c->is_summed);
	cr_expect_str_eq(c->note, "it is not there");
	cr_assert_eq(z->nlabels, 5);
	dialect_free(dialect);
}

Test(dialect_reader, reads_labels)
{
	struct dialect *dialect = read_well(
		HEAD "joins = ( { name = \"about\"; set = \"routeros_about\"; here = \"name\"; there = \"port\"; } );\n"
		     "groups: { g: { metrics = ( { name = \"z\"; from = \"two.info\"; labels = [\n"
		     "  \"a=b|about.c|@d(1=up 0=down -1=not)\", \"e=@f(duration)\", \"g='h i'\", \"j=| {k} | {@l}\", "
		     "\"m=\" ]; "
		     "} ); }; };\n");
	const struct dialect_label *labels = dialect->metrics[0].labels;

	cr_assert_eq(labels[0].nsources, 3);
	cr_expect_not(labels[0].is_composed);
	cr_expect_eq(labels[0].sources[0].origin, DIALECT_LABEL);
	cr_expect_eq(labels[0].sources[1].origin, DIALECT_JOINED);
	cr_expect_str_eq(labels[0].sources[1].name, "c");
	cr_expect_eq(labels[0].sources[2].origin, DIALECT_MEASURE);
	cr_expect_str_eq(labels[0].sources[2].name, "d");
	cr_assert_eq(labels[0].sources[2].nwords, 3);
	cr_expect_str_eq(labels[0].sources[2].words[2].ours, "-1");
	cr_expect_str_eq(labels[0].sources[2].words[2].theirs, "not");
	cr_expect(labels[1].sources[0].is_duration);
	cr_expect_str_eq(labels[1].sources[0].name, "f");
	cr_expect_eq(labels[2].sources[0].origin, DIALECT_TEXT);
	cr_expect_str_eq(labels[2].sources[0].name, "h i");
	cr_assert_eq(labels[3].nsources, 4);
	cr_expect(labels[3].is_composed);
	cr_expect_str_eq(labels[3].sources[0].name, "| ");
	cr_expect_str_eq(labels[3].sources[1].name, "k");
	cr_expect_eq(labels[3].sources[3].origin, DIALECT_MEASURE);
	cr_expect_eq(labels[4].nsources, 0);
	dialect_free(dialect);
}

#define METRIC(members) HEAD "groups: { g: { metrics = ( { " members " } ); }; };\n"
#define LABEL(label)    METRIC("name = \"a\"; from = \"b.c\"; labels = [ \"" label "\" ];")

Test(dialect_reader, says_what_is_wrong)
{
	static const struct {
		const char *string, *why;
	} rows[] = {
		{"prefix = \"a\"; target = \"b\";\n", "name, prefix and target must be there"},
		{"name = ;\n", "x.conf:1"},
		{HEAD "colour = 1;\n", "colour"},
		{HEAD "joins = 1;\n", "joins"},
		{HEAD "joins = ( 1 );\n", "joins"},
		{HEAD "joins = ( { name = \"a\"; } );\n", "must have name and set"},
		{HEAD "joins = ( { name = \"a\"; set = \"b\"; here = \"c\"; } );\n", "both or none of here and there"},
		{HEAD "groups = 1;\n", "groups"},
		{HEAD "groups: { g = 1; };\n", "groups.g"},
		{HEAD "groups: { g: { }; };\n", "groups.g.metrics: is missing"},
		{HEAD "groups: { g: { metrics = 1; }; };\n", "groups.g.metrics"},
		{HEAD "groups: { g: { metrics = ( 1 ); }; };\n", "groups.g.metrics"},
		{METRIC("from = \"a.b\";"), "name: is missing"},
		{METRIC("name = \"a-b\"; from = \"a.b\";"), "no name of a metric"},
		{METRIC("name = \"a\"; from = \"ab\";"), "must be set.measure"},
		{METRIC("name = \"a\"; type = \"text\";"), "must be one of gauge, counter, info"},
		{METRIC("name = \"a\"; differ = [ \"b\" ];"), "must be two labels"},
		{METRIC("name = \"a\"; where = [ \"b\" ];"), "must be label=value"},
		{METRIC("name = \"a\"; sum = true;"), "sum"},
		{LABEL("a-b"), "is no name of a label"},
		{LABEL("a\", \"a"), "the label a is there twice"},
		{LABEL("a=b.c"), "there is no such join"},
		{LABEL("a=b(up down)"), "must be words such as"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct text errors = {0};
		struct dialect *dialect = dialect_read(rows[i].string, "x.conf", &errors);

		cr_expect_null(dialect, "%s", rows[i].string);
		cr_expect(strstr(text_string(&errors), rows[i].why), "%s: %s", rows[i].string, text_string(&errors));
		dialect_free(dialect);
		text_free(&errors);
	}
}

Test(dialect_reader, has_room_for_so_much)
{
	struct text string = {0}, errors = {0};

	text_add(&string, HEAD "groups: { g: { labels = [ \"l0\"");
	for (int i = 1; i <= DIALECT_LABELS_MAX; i++)
		text_add_format(&string, ", \"l%d\"", i);
	text_add(&string, " ]; metrics = ( { name = \"m\"; from = \"s.m\"; }");
	for (int i = 0; i < DIALECT_SETS_MAX; i++)
		text_add_format(&string, ", { name = \"m%d\"; from = \"s%d.m\"; }", i, i);
	text_add(&string, " ); }; };\n");
	cr_expect_null(dialect_read(text_string(&string), "x.conf", &errors));
	cr_expect(strstr(text_string(&errors), "labels: are more than 32"), "%s", text_string(&errors));
	cr_expect(strstr(text_string(&errors), "from: there are more than 256 data sets"));
	text_free(&errors);
	text_free(&string);
}
