/*
 * Tables of random items, held against a reference that compares everything with everything: the same rows, in the same
 * order, over several collections of which some fail.
 */
#include <stdio.h>

#include "ros_table_fixture.h"

#define ROUNDS      400
#define COLLECTIONS 6
#define ITEMS_MAX   40
#define ROWS_MAX    7 /* as in the catalogue */
#define VALUES      3

static const char sets[] =
	"sets: {\n"
	"items: { help = \"A\"; max_rows = 7; keys = [ \"a\", \"b\" ];\n"
	"  menus = ( { path = \"/x\"; labels = [ \"m=0\" ]; }, { path = \"/y\"; labels = [ \"m=1\" ]; } );\n"
	"  columns = ( { property = \"v0\"; measure = \"total_of\"; help = \"H\"; },\n"
	"    { property = \"v1\"; measure = \"largest\"; combine = \"largest\"; help = \"H\"; },\n"
	"    { property = \"v2\"; measure = \"smallest\"; combine = \"smallest\"; help = \"H\"; },\n"
	"    { property = \"v0\"; measure = \"v_per_second\"; rate = true; help = \"H\"; } ); };\n"
	"groups: { help = \"A\"; max_rows = 7; keys = [ \"a\", \"b\" ]; mode = \"group\"; count = \"items\"; "
	"count_help = "
	"\"C\";\n"
	"  menus = ( { path = \"/x\"; labels = [ \"m=0\" ]; }, { path = \"/y\"; labels = [ \"m=1\" ]; } );\n"
	"  columns = ( { property = \"v0\"; measure = \"total_of\"; help = \"H\"; },\n"
	"    { property = \"v1\"; measure = \"largest\"; combine = \"largest\"; help = \"H\"; },\n"
	"    { property = \"v2\"; measure = \"smallest\"; combine = \"smallest\"; help = \"H\"; },\n"
	"    { property = \"v0\"; measure = \"v_per_second\"; rate = true; help = \"H\"; } ); };\n"
	"};\n";

struct reference_row {
	int menu;
	char a, b; /* 0: the item lacks it, and the label is empty */
	bool has[VALUES];
	double values[VALUES];
	unsigned items;
	double at;
};

struct reference {
	struct reference_row rows[ITEMS_MAX], before[ITEMS_MAX];
	size_t n, nbefore, left_out, unreadable;
};

static uint64_t random_state;

static unsigned pick(unsigned n)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(random_state >> 33) % n;
}

static struct reference_row *find(struct reference_row *rows, size_t n, const struct reference_row *wanted)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].menu == wanted->menu && rows[i].a == wanted->a && rows[i].b == wanted->b)
			return &rows[i];
	return NULL;
}

static double combine(int column, double a, double b)
{
	if (column == 0)
		return a + b;
	return (column == 1) == (a > b) ? a : b;
}

static void reference_add(struct reference *reference, const struct reference_row *item, unsigned unreadable)
{
	struct reference_row *row = find(reference->rows, reference->n, item);

	if (!row && reference->n == ROWS_MAX) {
		reference->left_out++;
		return;
	}
	reference->unreadable += unreadable;
	if (!row) {
		reference->rows[reference->n++] = *item;
		return;
	}
	for (int i = 0; i < VALUES; i++) {
		if (item->has[i])
			row->values[i] = row->has[i] ? combine(i, row->values[i], item->values[i]) : item->values[i];
		row->has[i] = row->has[i] || item->has[i];
	}
	row->items++;
	row->at = item->at;
}

static void reference_print_row(struct reference *reference, const struct reference_row *row, bool is_group,
				struct text *out)
{
	static const char *const names[] = {"total_of", "largest", "smallest"};
	const struct reference_row *before = find(reference->before, reference->nbefore, row);
	bool is_empty = true;
	size_t begun = out->length;

	text_add_format(out, "{m=%d,a=%.*s,b=%.*s}", row->menu, row->a != 0, &row->a, row->b != 0, &row->b);
	for (int i = 0; i < VALUES; i++) {
		if (!row->has[i])
			continue;
		text_add_format(out, " %s=", names[i]);
		text_add_double(out, row->values[i]);
		is_empty = false;
	}
	if (before && before->items == row->items && before->has[0] && row->has[0] && row->at > before->at &&
	    row->values[0] >= before->values[0]) {
		text_add(out, " v_per_second=");
		text_add_double(out, (row->values[0] - before->values[0]) / (row->at - before->at));
	}
	if (is_group)
		text_add_format(out, " items=%u", row->items);
	text_add_char(out, '\n');
	if (is_empty && !is_group)
		out->length = begun;
}

static void reference_end(struct reference *reference, bool is_group, struct text *out)
{
	text_clear(out);
	for (size_t i = 0; i < reference->n; i++)
		reference_print_row(reference, &reference->rows[i], is_group, out);
	memcpy(reference->before, reference->rows, sizeof(reference->rows));
	reference->nbefore = reference->n;
	reference->n = 0;
}

/* A value of the item as a pair, or none; the rate's column reads v0 once more. */
static void pick_value(struct reference_row *item, int i, char word[32], unsigned *unreadable)
{
	switch (pick(8)) {
	case 0:
		word[0] = '\0';
		return;
	case 1:
		snprintf(word, 32, "v%d=", i);
		return;
	case 2:
		snprintf(word, 32, "v%d=1e5", i);
		*unreadable += i == 0 ? 2 : 1;
		return;
	default:
		item->has[i] = true;
		item->values[i] = pick(100);
		snprintf(word, 32, "v%d=%d", i, (int)item->values[i]);
	}
}

static void add_random(struct table_fixture *fixture, struct reference *reference, int64_t now_ns)
{
	struct reference_row item = {.menu = (int)pick(2), .items = 1, .at = (double)(now_ns / SECOND)};
	struct ros_pair pairs[8];
	struct ros_reply reply = {.kind = ROS_REPLY_ROW, .pairs = pairs};
	char words[5][32] = {"", ""};
	unsigned unreadable = 0;

	item.a = pick(6) ? (char)('p' + pick(3)) : '\0';
	item.b = pick(6) ? (char)('x' + pick(2)) : '\0';
	if (item.a)
		snprintf(words[0], sizeof(words[0]), "a=%c", item.a);
	if (item.b)
		snprintf(words[1], sizeof(words[1]), "b=%c", item.b);
	for (int i = 0; i < VALUES; i++)
		pick_value(&item, i, words[2 + i], &unreadable);
	/* in any order */
	for (size_t i = 0, from = pick(5); i < 5; i++) {
		const char *word = words[(from + i * 3) % 5], *equals = strchr(word, '=');

		if (equals)
			pairs[reply.npairs++] =
				(struct ros_pair){{word, (size_t)(equals - word)}, ros_word_of(equals + 1)};
	}
	ros_table_add(fixture->table, &fixture->set->menus[item.menu], NULL, &reply, now_ns);
	reference_add(reference, &item, unreadable);
}

static void collect(struct table_fixture *fixture, struct reference *reference, int64_t *now_ns, bool is_group)
{
	struct text expected = {0};
	unsigned items = pick(ITEMS_MAX);

	ros_table_begin(fixture->table, *now_ns, 0);
	for (unsigned i = 0; i < items; i++) {
		*now_ns += pick(3) * SECOND;
		add_random(fixture, reference, *now_ns);
	}
	if (pick(5) == 0) {
		ros_table_abandon(fixture->table);
		reference->n = 0;
	} else {
		reference_end(reference, is_group, &expected);
		cr_assert_str_eq(end_rows(fixture), text_string(&expected));
	}
	if (pick(8) == 0) {
		ros_table_forget(fixture->table);
		reference->nbefore = 0;
	}
	if (pick(2) == 0)
		ros_table_rest(fixture->table);
	*now_ns += pick(10) * SECOND;
	cr_assert_eq(figures_of(fixture).left_out, reference->left_out);
	cr_assert_eq(figures_of(fixture).unreadable, reference->unreadable);
	text_free(&expected);
}

static void compare(const char *set, bool is_group)
{
	for (uint64_t round = 0; round < ROUNDS; round++) {
		struct table_fixture fixture = table_open(sets, set, (struct ros_table_plan){0});
		struct reference reference = {0};
		int64_t now_ns = SECOND;

		random_state = round * 2 + is_group;
		for (int i = 0; i < COLLECTIONS; i++)
			collect(&fixture, &reference, &now_ns, is_group);
		table_close(&fixture);
	}
}

Test(ros_table_reference, rows)
{
	compare("items", false);
}

Test(ros_table_reference, groups)
{
	compare("groups", true);
}
