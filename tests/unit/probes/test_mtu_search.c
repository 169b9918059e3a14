/* The search for the path MTU, on simulated paths. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "probes/traceroute/mtu_search.h"

#define HOPS 6 /* of the target: links 0..5, routers 1..5 */

/* What a node says when a packet is too big for the link behind it. */
enum manner {
	HONEST,
	SILENT,
	SAYS_ZERO,
	SAYS_MORE, /* than was asked */
	SAYS_SAME, /* as was asked */
	SAYS_TINY, /* below what every link takes */
	SAYS_LESS, /* than the link takes: too low by 100 */
	SAYS_ONE_LESS_THAN_ASKED,
	SPEAKS_SELDOM, /* honest, every fifth time */
	MANNERS
};

struct world {
	enum address_family family;
	uint32_t links[HOPS];
	enum manner manners[HOPS]; /* of the node before the link; [0] is this host, which always speaks */
	uint64_t mute;             /* bit n-1: router n answers nothing but too-big */
	unsigned loss_percent;     /* of each packet, on its whole way */
	uint64_t random;
	unsigned refused, asked, packets;
	unsigned mend_after; /* so many questions; then all links take everything. 0 = never */
};

static bool is_lost(struct world *world)
{
	world->random = world->random * 6364136223846793005u + 1442695040888963407u;
	return (world->random >> 33) % 100 < world->loss_percent;
}

static uint32_t told_mtu(struct world *world, unsigned link, uint32_t size)
{
	switch (world->manners[link]) {
	case SAYS_ZERO:
		return 0;
	case SAYS_MORE:
		return size + 1000;
	case SAYS_SAME:
		return size;
	case SAYS_TINY:
		return world->family == ADDRESS_IPV6 ? 1000 : 60;
	case SAYS_LESS:
		return world->links[link] - 100;
	case SAYS_ONE_LESS_THAN_ASKED:
		return size - 1;
	default:
		return world->links[link];
	}
}

static bool speaks(struct world *world, unsigned link)
{
	world->refused++;
	if (world->manners[link] == SPEAKS_SELDOM)
		return world->refused % 5 == 0;
	return world->manners[link] != SILENT;
}

static struct mtu_outcome refuse(struct world *world, unsigned link, uint32_t size)
{
	if (link == 0)
		return (struct mtu_outcome){.answer = MTU_LOCAL_TOO_BIG, .mtu_bytes = told_mtu(world, 0, size)};
	if (!speaks(world, link))
		return (struct mtu_outcome){.answer = MTU_SILENT};
	return (struct mtu_outcome){
		.answer = MTU_TOO_BIG, .mtu_bytes = told_mtu(world, link, size), .hop = (uint8_t)link};
}

static struct mtu_outcome send_one(struct world *world, const struct mtu_question *question)
{
	unsigned end = question->hop_limit ? question->hop_limit : HOPS;
	bool is_mended = world->mend_after && world->asked > world->mend_after;
	if (is_lost(world))
		return (struct mtu_outcome){.answer = MTU_SILENT};
	for (unsigned link = 0; link < end; link++)
		if (question->size_bytes > world->links[link] && !is_mended)
			return refuse(world, link, question->size_bytes);
	if (end < HOPS && world->mute >> (end - 1) & 1)
		return (struct mtu_outcome){.answer = MTU_SILENT};
	return (struct mtu_outcome){.answer = MTU_ANSWERED};
}

static struct mtu_outcome answer(struct world *world, const struct mtu_question *question)
{
	struct mtu_outcome outcome = {.answer = MTU_SILENT};
	world->asked++;
	for (unsigned i = 0; i < question->attempts; i++) {
		struct mtu_outcome one = send_one(world, question);
		world->packets++;
		one.sent = ++outcome.sent;
		one.answered = outcome.answered;
		if (one.answer != MTU_SILENT)
			one.answered++;
		outcome = one;
		if (outcome.answer != MTU_SILENT)
			break;
	}
	return outcome;
}

static struct world make_world(enum address_family family, unsigned link, uint32_t mtu, enum manner manner)
{
	struct world world = {.family = family, .random = 42};
	for (unsigned i = 0; i < HOPS; i++)
		world.links[i] = 9000;
	world.links[0] = 1500;
	world.links[link] = mtu;
	world.manners[link] = manner;
	return world;
}

static struct mtu_path make_path(const struct world *world)
{
	return (struct mtu_path){.family = world->family,
				 .largest_bytes = world->links[0],
				 .passed_bytes = 84,
				 .passed_sent = 3,
				 .passed_answered = 3,
				 .answering_hops = 0x1f & ~world->mute};
}

static struct mtu_result search_path(struct world *world, const struct mtu_path *path)
{
	struct mtu_search search;
	struct mtu_question question, again;
	struct mtu_result result;
	mtu_search_begin(&search, path);
	while (mtu_search_next(&search, &question)) {
		cr_assert(mtu_search_next(&search, &again));
		cr_assert_eq(again.size_bytes, question.size_bytes, "asked twice, the same question");
		cr_assert_gt(question.attempts, 0);
		cr_assert(question.size_bytes > path->passed_bytes);
		cr_assert(question.size_bytes <= path->largest_bytes);
		struct mtu_outcome outcome = answer(world, &question);
		mtu_search_note(&search, &outcome);
		mtu_search_result(&search, &result);
		cr_assert_geq(result.mtu_bytes, path->passed_bytes);
	}
	mtu_search_result(&search, &result);
	cr_assert_leq(result.packets, path->packets_max ? path->packets_max : MTU_SEARCH_PACKETS);
	cr_assert_geq(result.packets, world->packets);
	return result;
}

static struct mtu_result search_world(struct world *world)
{
	struct mtu_path path = make_path(world);
	return search_path(world, &path);
}

Test(mtu_search, nothing_narrow)
{
	struct world world = make_world(ADDRESS_IPV4, 3, 9000, HONEST);
	struct mtu_result result = search_world(&world);
	cr_assert_eq(result.mtu_bytes, 1500);
	cr_assert(result.is_exact && result.is_local && !result.is_black_hole && !result.has_hop);
	cr_assert_eq(world.packets, 1, "one packet proves it");
}

Test(mtu_search, nothing_to_find)
{
	struct world world = make_world(ADDRESS_IPV4, 3, 9000, HONEST);
	struct mtu_path path = make_path(&world);
	path.largest_bytes = 20; /* less than what has passed */
	struct mtu_result result = search_path(&world, &path);
	cr_assert_eq(result.mtu_bytes, 84);
	cr_assert(result.is_exact && result.is_local);
	cr_assert_eq(result.packets, 0);
}

static const uint32_t sizes[] = {100,  576,  577,  1000, 1280, 1281, 1300, 1380, 1399, 1400, 1401,
				 1420, 1460, 1472, 1473, 1480, 1490, 1492, 1493, 1498, 1499};
#define SIZES (sizeof(sizes) / sizeof(*sizes))

/* Every size, link and manner: found to the byte, told apart, and who it is. */
Test(mtu_search, every_manner)
{
	for (enum address_family family = ADDRESS_IPV4; family <= ADDRESS_IPV6; family++)
		for (size_t i = 0; i < SIZES; i++)
			for (unsigned link = 1; link < HOPS; link++)
				for (enum manner manner = 0; manner < MANNERS; manner++) {
					struct world world = make_world(family, link, sizes[i], manner);
					struct mtu_result result = search_world(&world);
					char what[100];
					snprintf(what, sizeof(what), "family %d, %u bytes, link %u, manner %d", family,
						 sizes[i], link, manner);
					cr_assert_eq(result.mtu_bytes, sizes[i], "%s: %u", what, result.mtu_bytes);
					cr_assert(result.is_exact && !result.is_lossy && !result.is_local, "%s", what);
					bool is_silent =
						manner == SILENT || (manner == SPEAKS_SELDOM && world.refused < 5);
					cr_assert_eq(result.is_black_hole, is_silent, "%s", what);
					cr_assert(result.has_hop, "%s", what);
					cr_assert_eq(result.hop, link, "%s: hop %u", what, result.hop);
				}
}

/* What honest routers say is tried, proved by one byte more, and that is all. */
Test(mtu_search, a_hint_saves_packets)
{
	struct world world = make_world(ADDRESS_IPV4, 4, 1437, HONEST);
	struct mtu_result result = search_world(&world);
	cr_assert_eq(result.mtu_bytes, 1437);
	cr_assert_eq(result.packets, 3);
	cr_assert(!result.is_hint_wrong);
}

Test(mtu_search, wrong_hints_are_told)
{
	static const struct {
		enum address_family family;
		enum manner manner;
		bool is_wrong;
	} cases[] = {
		{ADDRESS_IPV4, HONEST, false},   {ADDRESS_IPV4, SAYS_ZERO, false}, /* as before RFC 1191 */
		{ADDRESS_IPV6, SAYS_ZERO, true}, {ADDRESS_IPV4, SAYS_MORE, true},  {ADDRESS_IPV4, SAYS_SAME, true},
		{ADDRESS_IPV4, SAYS_TINY, true}, {ADDRESS_IPV6, SAYS_TINY, true},  {ADDRESS_IPV4, SAYS_LESS, true},
		{ADDRESS_IPV4, SILENT, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct world world = make_world(cases[i].family, 2, 1390, cases[i].manner);
		struct mtu_result result = search_world(&world);
		cr_assert_eq(result.mtu_bytes, 1390);
		cr_assert_eq(result.is_hint_wrong, cases[i].is_wrong, "case %zu", i);
	}
}

Test(mtu_search, narrower_and_narrower)
{
	struct world world = make_world(ADDRESS_IPV4, 1, 1492, HONEST);
	world.links[3] = 1450;
	world.links[4] = 1400;
	world.links[5] = 1333;
	struct mtu_result result = search_world(&world);
	cr_assert_eq(result.mtu_bytes, 1333);
	cr_assert_eq(result.hop, 5);
	cr_assert_eq(result.packets, 6);
	/* The last one says nothing. */
	world = make_world(ADDRESS_IPV4, 1, 1492, HONEST);
	world.links[4] = 1400;
	world.manners[4] = SILENT;
	result = search_world(&world);
	cr_assert_eq(result.mtu_bytes, 1400);
	cr_assert(result.is_black_hole && result.is_exact);
	cr_assert_eq(result.hop, 4);
	/* Said at a smaller size, swallowed at larger ones: no black hole at the limit. */
	world = make_world(ADDRESS_IPV4, 1, 1492, SILENT);
	world.links[4] = 1400;
	result = search_world(&world);
	cr_assert_eq(result.mtu_bytes, 1400);
	cr_assert(!result.is_black_hole && result.is_exact);
	cr_assert_eq(result.hop, 4);
}

/* With its MTU, without, or with one that cannot be. */
Test(mtu_search, this_host_refuses)
{
	static const enum manner manners[] = {HONEST, SAYS_ZERO, SAYS_MORE, SAYS_TINY};
	for (size_t i = 0; i < sizeof(manners) / sizeof(*manners); i++)
		for (enum address_family family = ADDRESS_IPV4; family <= ADDRESS_IPV6; family++) {
			struct world world = make_world(family, 0, 1400, manners[i]);
			struct mtu_path path = make_path(&world);
			path.largest_bytes = 65535;
			struct mtu_result result = search_path(&world, &path);
			cr_assert_eq(result.mtu_bytes, 1400);
			cr_assert(result.is_exact && result.is_local && !result.is_black_hole && !result.has_hop);
			cr_assert(!result.is_hint_wrong, "it is no router's");
			cr_assert_leq(result.packets, manners[i] == HONEST ? 3 : 20, "%u packets", result.packets);
		}
}

Test(mtu_search, jumbo_frames)
{
	static const uint32_t limits[] = {1500, 1501, 2002, 4352, 5000, 8999, 9000, 16000, 65534, 65535};
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		for (enum manner manner = HONEST; manner <= SILENT; manner++) {
			struct world world = make_world(ADDRESS_IPV4, 3, limits[i], manner);
			for (unsigned link = 0; link < HOPS; link++)
				if (link != 3)
					world.links[link] = 65535;
			struct mtu_result result = search_world(&world);
			cr_assert_eq(result.mtu_bytes, limits[i]);
			cr_assert(result.is_exact);
			cr_assert_eq(result.is_black_hole, manner == SILENT && limits[i] < 65535);
			cr_assert_leq(result.packets, 90, "%u packets for %u", result.packets, limits[i]);
		}
}

/* A black hole costs a bounded number of questions: each silent one costs a wait. */
Test(mtu_search, questions_of_a_black_hole)
{
	unsigned most = 0;
	for (uint32_t mtu = 100; mtu < 1500; mtu++) {
		struct world world = make_world(ADDRESS_IPV4, 3, mtu, SILENT);
		struct mtu_result result = search_world(&world);
		cr_assert_eq(result.mtu_bytes, mtu);
		cr_assert(result.is_black_hole && result.has_hop);
		cr_assert_eq(result.hop, 3);
		most = world.asked > most ? world.asked : most;
	}
	cr_assert_leq(most, 24, "%u", most);
}

/* Routers that never answer say nothing about where packets end; the last that does is named. */
Test(mtu_search, hops_that_never_answer)
{
	static const struct {
		uint64_t mute;
		unsigned link;
		bool has_hop;
		uint8_t hop;
	} cases[] = {
		{0x02, 4, true, 4}, {0x0c, 4, true, 2}, {0x1e, 4, true, 1}, {0x0f, 3, true, 0},
		{0x1f, 3, true, 0}, {0x00, 1, true, 1}, {0x01, 1, true, 0}, {0x00, 5, true, 5},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct world world = make_world(ADDRESS_IPV4, cases[i].link, 1400, SILENT);
		world.mute = cases[i].mute;
		struct mtu_result result = search_world(&world);
		cr_assert(result.is_black_hole);
		cr_assert_eq(result.has_hop, cases[i].has_hop, "case %zu", i);
		cr_assert_eq(result.hop, cases[i].hop, "case %zu: %u", i, result.hop);
	}
}

/* A hop far behind the black hole is not asked. */
Test(mtu_search, ends_after_silent_hops)
{
	struct world world = make_world(ADDRESS_IPV4, 1, 1400, SILENT);
	struct mtu_path path = make_path(&world);
	struct mtu_search search;
	struct mtu_question question;
	mtu_search_begin(&search, &path);
	uint8_t farthest = 0;
	while (mtu_search_next(&search, &question)) {
		if (question.hop_limit > farthest)
			farthest = question.hop_limit;
		struct mtu_outcome outcome = answer(&world, &question);
		mtu_search_note(&search, &outcome);
	}
	cr_assert_eq(farthest, 4);
}

/* While the place is looked for, somebody speaks after all: no black hole, a router that seldom says anything. */
Test(mtu_search, a_word_at_last)
{
	struct world world = make_world(ADDRESS_IPV4, 3, 1400, SILENT);
	struct mtu_path path = make_path(&world);
	struct mtu_search search;
	struct mtu_question question;
	struct mtu_result result;
	mtu_search_begin(&search, &path);
	while (mtu_search_next(&search, &question)) {
		struct mtu_outcome outcome = answer(&world, &question);
		if (question.hop_limit == 4)
			outcome = (struct mtu_outcome){.answer = MTU_TOO_BIG, .mtu_bytes = 1400, .hop = 3, .sent = 1};
		mtu_search_note(&search, &outcome);
	}
	mtu_search_result(&search, &result);
	cr_assert_eq(result.mtu_bytes, 1400);
	cr_assert(result.is_exact && !result.is_black_hole && result.has_hop);
	cr_assert_eq(result.hop, 3);
}

struct tally {
	unsigned runs, right, black_holes, lossy, inexact, packets;
};

static struct tally run_lossy(unsigned loss_percent, uint32_t mtu, enum manner manner)
{
	struct tally tally = {0};
	for (unsigned seed = 1; seed <= 400; seed++) {
		struct world world = make_world(ADDRESS_IPV4, 1 + seed % 5, mtu, manner);
		struct mtu_path path = make_path(&world);
		world.loss_percent = loss_percent;
		world.random = seed * 0x9e3779b97f4a7c15u;
		path.passed_sent = 10;
		path.passed_answered = 10 - (loss_percent + 5) / 10;
		struct mtu_result result = search_path(&world, &path);
		tally.runs++;
		tally.right += result.mtu_bytes == (mtu < 1500 ? mtu : 1500);
		tally.black_holes += result.is_black_hole;
		tally.lossy += result.is_lossy;
		tally.inexact += !result.is_exact;
		tally.packets += result.packets;
	}
	return tally;
}

/* Loss is no black hole, and hides none. The numbers are the same in every run. */
Test(mtu_search, loss)
{
	static const unsigned losses[] = {1, 5, 10, 20, 30, 40};
	for (size_t i = 0; i < sizeof(losses) / sizeof(*losses); i++) {
		struct tally none = run_lossy(losses[i], 9000, HONEST);
		cr_assert_leq(none.black_holes, 8, "%u %%: %u black holes that are none", losses[i], none.black_holes);
		cr_assert_geq(none.right, 390, "%u %%: %u right", losses[i], none.right);
		struct tally said = run_lossy(losses[i], 1437, HONEST);
		cr_assert_leq(said.black_holes, 8, "%u %%: %u", losses[i], said.black_holes);
		cr_assert_geq(said.right, 390, "%u %%: %u right", losses[i], said.right);
		struct tally silent = run_lossy(losses[i], 1437, SILENT);
		cr_assert_geq(silent.black_holes, 380, "%u %%: %u black holes", losses[i], silent.black_holes);
		cr_assert_geq(silent.right, 380, "%u %%: %u right", losses[i], silent.right);
	}
}

/* Where hardly anything comes through, nothing is claimed. */
Test(mtu_search, loss_beyond_all_proof)
{
	struct tally none = run_lossy(80, 9000, HONEST);
	cr_assert_leq(none.black_holes, 4, "%u", none.black_holes);
	cr_assert_gt(none.lossy + none.inexact, 0);
	struct tally silent = run_lossy(80, 1400, SILENT);
	cr_assert_geq(silent.lossy, 300, "%u", silent.lossy);
}

/* The path changes in between, for the better: what was lost or refused passes. */
Test(mtu_search, a_path_that_is_mended)
{
	for (unsigned after = 1; after < 12; after++)
		for (enum manner manner = HONEST; manner < MANNERS; manner++) {
			struct world world = make_world(ADDRESS_IPV4, 2, 1437, manner);
			world.mend_after = after;
			struct mtu_result result = search_world(&world);
			cr_assert(result.mtu_bytes >= 1437, "%u, manner %d: %u", after, manner, result.mtu_bytes);
			if (manner == HONEST)
				cr_assert(result.mtu_bytes == 1500 || result.mtu_bytes == 1437, "%u: %u", after,
					  result.mtu_bytes);
			cr_assert(!result.is_black_hole || manner == SILENT || manner == SPEAKS_SELDOM);
		}
}

/* Packets are bounded, and what is known by then is told. */
Test(mtu_search, few_packets)
{
	for (uint16_t packets = 1; packets < 60; packets++)
		for (enum manner manner = HONEST; manner < MANNERS; manner++) {
			struct world world = make_world(ADDRESS_IPV4, 3, 1437, manner);
			struct mtu_path path = make_path(&world);
			path.packets_max = packets;
			struct mtu_result result = search_path(&world, &path);
			cr_assert_leq(result.mtu_bytes, 1437);
			cr_assert_leq(result.packets, packets);
			cr_assert(!result.is_exact || result.mtu_bytes == 1437);
			cr_assert(!result.is_black_hole || manner == SILENT || manner == SPEAKS_SELDOM);
			cr_assert(!result.has_hop || result.hop == 3);
		}
}

/* An outcome that nobody asked for changes nothing. */
Test(mtu_search, outcomes_without_question)
{
	struct world world = make_world(ADDRESS_IPV4, 3, 1437, HONEST);
	struct mtu_path path = make_path(&world);
	struct mtu_search search;
	struct mtu_result result;
	static const struct mtu_outcome outcome = {.answer = MTU_ANSWERED};
	mtu_search_begin(&search, &path);
	mtu_search_note(&search, &outcome);
	mtu_search_result(&search, &result);
	cr_assert_eq(result.mtu_bytes, 84);
	cr_assert(!result.is_exact);
	struct mtu_question question;
	cr_assert(mtu_search_next(&search, &question));
	mtu_search_note(&search, &outcome); /* without counts: one packet, one answer */
	mtu_search_result(&search, &result);
	cr_assert_eq(result.mtu_bytes, 1500);
	cr_assert(result.is_exact);
	cr_assert_not(mtu_search_next(&search, &question));
	mtu_search_note(&search, &outcome);
}

/* A caller that could send nothing gets to an end all the same. */
Test(mtu_search, nothing_is_ever_sent)
{
	struct world world = make_world(ADDRESS_IPV4, 3, 1437, HONEST);
	struct mtu_path path = make_path(&world);
	struct mtu_search search;
	struct mtu_question question;
	static const struct mtu_outcome outcome = {.answer = MTU_SILENT};
	unsigned asked = 0;
	mtu_search_begin(&search, &path);
	while (mtu_search_next(&search, &question) && asked++ < 1000)
		mtu_search_note(&search, &outcome);
	cr_assert_leq(asked, MTU_SEARCH_PACKETS);
}
