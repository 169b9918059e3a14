#include "probes/traceroute/trail.h"
#include "tests/unit/probes/path_fixture.h"

/* A path as words: addresses, "*" silent, "!" an unreachable, "=" the target; several at a hop joined by "/". */
static const char *const *words;
static unsigned nwords;
static struct sim sim;

static struct sim_reply told(struct sim *of, struct path_packet packet)
{
	(void)of;
	if (packet.hop > nwords)
		return (struct sim_reply){.fate = SIM_LOST};
	const char *word = words[packet.hop - 1];
	if (word[0] == '*')
		return (struct sim_reply){.fate = SIM_LOST};
	if (word[0] == '!')
		return sim_hop("10.9.9.9", TRACE_UNREACHABLE, MS);
	if (word[0] == '=')
		return sim_hop("192.0.2.1", TRACE_ECHO_REPLY, MS);
	char from[ADDRESS_TEXT_SIZE];
	snprintf(from, sizeof(from), "10.0.0.%u", (unsigned)(word[packet.attempt % strlen(word)]));
	return sim_hop(from, TRACE_TTL_EXCEEDED, MS);
}

/* "a b * =": hops are letters; "ab" is a hop at which a and b answer in turn. */
static bool learn_text(struct trail *trail, const char *path, struct text *before)
{
	static char copy[256];
	static const char *list[PATH_HOPS_MAX];
	snprintf(copy, sizeof(copy), "%s", path);
	nwords = 0;
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		list[nwords++] = word;
	words = list;
	sim_init(&sim, 0);
	sim.network = told;
	sim_run(&sim);
	bool is_changed = trail_learn(trail, sim.path, 0, before);
	sim_free(&sim);
	return is_changed;
}

static bool learn(struct trail *trail, const char *path)
{
	return learn_text(trail, path, NULL);
}

Test(trail, what_is_a_change)
{
	static const struct {
		const char *first, *second;
		bool is_changed;
	} table[] = {
		{"a b c =", "a b c =", false},
		{"a b c =", "a d c =", true},
		{"a b c =", "a * c =", false},   /* silence */
		{"a * c =", "a b c =", false},   /* and its end */
		{"a b c =", "a b", false},       /* an outage */
		{"a b", "a b c =", false},       /* and its end */
		{"a b c =", "a !", false},       /* somebody knows no way on */
		{"a b c =", "a b c d =", true},  /* longer */
		{"a b c d =", "a b c =", true},  /* shorter */
		{"a b c =", "a b c * =", false}, /* a lost answer of the target */
		{"a b * c =", "a b c =", false}, /* a silent hop that is gone */
		{"a b c =", "a c * =", true},    /* b is gone */
		{"a b c =", "a b c d e", true},  /* beyond where the target was */
		{"a b c d", "a b =", true},      /* the target where a router was behind */
		{"a bc d =", "a c d =", false},  /* one of several */
		{"a bc d =", "a ce d =", false}, /* they meet */
		{"a bc d =", "a e d =", true},
		{"* * =", "* * =", false},
		{"*", "a =", false},
		{"a =", "*", false},
		{"a b a b a b", "a b a b a b", false},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct trail trail = {0};
		cr_assert_not(learn(&trail, table[i].first), "the first is no change");
		uint32_t hash = trail.hash;
		bool was_reached = trail.is_reached;
		cr_assert_eq(learn(&trail, table[i].second), table[i].is_changed, "%s -> %s", table[i].first,
			     table[i].second);
		if (was_reached)
			cr_assert_eq(trail.hash != hash, table[i].is_changed, "hash of %s -> %s", table[i].first,
				     table[i].second);
		trail_free(&trail);
	}
}

Test(trail, the_old_path_is_told)
{
	struct trail trail = {0};
	struct text before = {0}, after = {0};
	learn(&trail, "a * c =");
	cr_assert_not(learn_text(&trail, "a b c =", &before));
	cr_assert_eq(before.length, 0);
	cr_assert(learn_text(&trail, "a d * =", &before));
	cr_assert_str_eq(text_string(&before), "10.0.0.97 > 10.0.0.98 > 10.0.0.99 > 192.0.2.1");
	trail_print(&trail, 1, &after);
	cr_assert_str_eq(text_string(&after), "10.0.0.97 > 10.0.0.100 > * > 192.0.2.1");
	text_clear(&after);
	trail_print(&trail, 2, &after);
	cr_assert_str_eq(text_string(&after), "10.0.0.100 > * > 192.0.2.1");
	text_free(&before);
	text_free(&after);
	trail_free(&trail);
}

Test(trail, length_that_is_expected)
{
	struct trail trail = {0};
	cr_assert_eq(trail_expected(&trail), 0);
	learn(&trail, "a b c");
	cr_assert_eq(trail_expected(&trail), 0, "nobody knows where the target is");
	learn(&trail, "a b c =");
	cr_assert_eq(trail_expected(&trail), 4);
	learn(&trail, "a b");
	cr_assert_eq(trail_expected(&trail), 4);
	trail_forget(&trail);
	cr_assert_eq(trail_expected(&trail), 0);
	cr_assert_eq(trail.hash, 0);
	trail_free(&trail);
}

Test(trail, counters_stay)
{
	struct trail trail = {0};
	learn(&trail, "a b =");
	learn(&trail, "a * =");
	trail_forget(&trail);
	learn(&trail, "d e f =");
	cr_assert_eq(trail.hops[0].sent, 9);
	cr_assert_eq(trail.hops[1].received, 6);
	cr_assert_eq(trail.hops[3].received, 3);
	trail_free(&trail);
}

/* Between more routers than are remembered, nothing is certain; but it neither grows nor fails. */
Test(trail, balancing_between_many)
{
	struct trail trail = {0};
	unsigned changes = 0;
	learn(&trail, "abc =");
	for (unsigned i = 0; i < 50; i++)
		changes += learn(&trail, i % 2 ? "bcd =" : "dea =");
	cr_assert_eq(changes, 0);
	trail_free(&trail);
}

Test(trail, several_flows)
{
	struct trail trails[4] = {{0}, {0}, {0}, {0}};
	struct trail turned[4];
	unsigned distinct;
	cr_assert_eq(trail_hash_all(trails, 4, &distinct), 0);
	cr_assert_eq(distinct, 0);
	learn(&trails[0], "a b =");
	cr_assert_eq(trail_hash_all(trails, 1, &distinct), trails[0].hash);
	learn(&trails[1], "a c =");
	learn(&trails[2], "a b =");
	learn(&trails[3], "a d =");
	uint32_t hash = trail_hash_all(trails, 4, &distinct);
	cr_assert_eq(distinct, 3);
	for (unsigned i = 0; i < 4; i++)
		turned[i] = trails[3 - i];
	cr_assert_eq(trail_hash_all(turned, 4, &distinct), hash, "whatever their order");
	cr_assert_neq(trail_hash_all(trails, 3, &distinct), hash);
	for (unsigned i = 0; i < 4; i++)
		trail_free(&trails[i]);
}
