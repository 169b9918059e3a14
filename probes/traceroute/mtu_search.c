#include "probes/traceroute/mtu_search.h"

#include <stddef.h>

#define ATTEMPTS     3    /* packets before a size counts as lost, where nobody says how many */
#define ATTEMPTS_MAX 12   /* more than these prove nothing, since too much is lost anyway */
#define DOUBT        0.01 /* how likely chance may be, when something is said not to be chance */
#define HINTS_MAX    8    /* MTUs that are believed enough to be tried: narrower and narrower links */
#define SILENT_HOPS  3    /* in a row, and packets are taken to end before them */
#define HOPS         64
#define ETHERNET     1500
#define IPV4_LEAST   68   /* RFC 791: every link takes these */
#define IPV6_LEAST   1280 /* RFC 8200 5 */

enum phase {
	PHASE_SIZES,   /* passing and failing close in on each other */
	PHASE_CONFIRM, /* they are next to each other: was it chance that the failing size was lost? */
	PHASE_HOPS,    /* how far do packets of the failing size get? */
	PHASE_DONE,
};

enum why {
	WHY_LIMIT,  /* nobody has tried: this host cannot send more */
	WHY_LOCAL,  /* this host refused */
	WHY_SAID,   /* a router refused */
	WHY_SILENT, /* lost without a word */
};

/* MTUs that are common: asked before any size between them. Least MTUs; Ethernet with tunnels, VPNs and PPPoE in it;
 * jumbo frames. */
static const uint32_t common[] = {576,  1006, 1280, 1380,     1400, 1420, 1440, 1454, 1460,  1472,
				  1476, 1480, 1492, ETHERNET, 2002, 4352, 4470, 9000, 16384, 32768};
#define COMMON (sizeof(common) / sizeof(*common))

static struct mtu_refusal limit_of(const struct mtu_path *path)
{
	return (struct mtu_refusal){.bytes = path->largest_bytes + 1, .why = WHY_LIMIT};
}

void mtu_search_begin(struct mtu_search *search, const struct mtu_path *path)
{
	*search = (struct mtu_search){.path = *path, .passing = path->passed_bytes};
	if (search->path.attempts == 0)
		search->path.attempts = ATTEMPTS;
	if (search->path.packets_max == 0)
		search->path.packets_max = MTU_SEARCH_PACKETS;
	if (search->path.largest_bytes < path->passed_bytes)
		search->path.largest_bytes = path->passed_bytes;
	search->failing = search->said = limit_of(&search->path);
	search->usual_sent = path->passed_sent;
	search->usual_answered = path->passed_answered;
	if (search->failing.bytes == search->passing + 1)
		search->phase = PHASE_DONE;
}

/* So many packets in a row are lost by chance with less than DOUBT, as much as is lost of sizes that pass (one more of
 * each kind than there was: few packets prove little). More than ATTEMPTS_MAX: no number proves anything. */
static unsigned enough_packets(const struct mtu_search *search)
{
	double answered = search->usual_answered < search->usual_sent ? search->usual_answered : search->usual_sent;
	double loss = (search->usual_sent - answered + 1) / (search->usual_sent + 2.0);
	double chance = loss;
	unsigned n = 1;
	for (; chance > DOUBT && n <= ATTEMPTS_MAX; n++)
		chance *= loss;
	return n > search->path.attempts ? n : search->path.attempts;
}

/* After so many lost packets the search goes on, be it proved or not. */
static unsigned packets_wanted(const struct mtu_search *search)
{
	unsigned enough = enough_packets(search);
	return enough < ATTEMPTS_MAX ? enough : ATTEMPTS_MAX;
}

static bool is_between(const struct mtu_search *search, uint32_t size)
{
	return size > search->passing && size < search->failing.bytes;
}

/* The most likely of the common sizes in between; 0 = there is none. */
static uint32_t find_common(const struct mtu_search *search)
{
	size_t first = 0, end = COMMON;
	if (is_between(search, ETHERNET))
		return ETHERNET;
	while (first < COMMON && common[first] <= search->passing)
		first++;
	while (end > first && common[end - 1] >= search->failing.bytes)
		end--;
	return first < end ? common[first + (end - first) / 2] : 0;
}

static bool is_common(uint32_t size)
{
	for (size_t i = 0; i < COMMON; i++)
		if (common[i] == size)
			return true;
	return false;
}

static uint32_t choose_size(const struct mtu_search *search)
{
	if (search->failing.why == WHY_LIMIT)
		return search->path.largest_bytes;
	if (is_between(search, search->hint))
		return search->hint;
	/* What was told, or is the commonest, and passes is likely the limit: one byte more proves it. */
	if (search->hint == search->passing || search->passing == ETHERNET)
		return search->passing + 1;
	uint32_t size = find_common(search);
	if (size)
		return size;
	if (is_common(search->passing))
		return search->passing + 1;
	return search->passing + (search->failing.bytes - search->passing) / 2;
}

/* The next hop that answered the trace's own packets; 0 = there is none. */
static uint8_t find_hop(const struct mtu_search *search, unsigned after)
{
	for (unsigned hop = after + 1; hop <= HOPS; hop++)
		if (search->path.answering_hops >> (hop - 1) & 1)
			return (uint8_t)hop;
	return 0;
}

static void next_hop(struct mtu_search *search)
{
	search->silent = 0;
	search->hop = search->silent_hops < SILENT_HOPS ? find_hop(search, search->hop) : 0;
	search->phase = search->hop ? PHASE_HOPS : PHASE_DONE;
	search->is_hop_known = search->hop == 0;
}

static bool is_proved(const struct mtu_search *search)
{
	return search->failing.why == WHY_SILENT && search->failing.silent >= enough_packets(search);
}

/* Where the search goes on, after passing or failing has moved. */
static void go_on(struct mtu_search *search)
{
	search->silent = 0;
	if (search->failing.bytes > search->passing + 1)
		search->phase = PHASE_SIZES;
	else if (search->failing.why != WHY_SILENT)
		search->phase = PHASE_DONE;
	else if (is_proved(search))
		next_hop(search);
	else
		search->phase = search->failing.silent < ATTEMPTS_MAX ? PHASE_CONFIRM : PHASE_DONE;
}

/* A size that was taken for failing has passed: by chance it was lost, or the path is another. The search begins again
 * below what somebody has said. */
static void forget_failing(struct mtu_search *search)
{
	search->usual_sent += search->failing.silent;
	if (search->said.bytes <= search->passing) {
		search->is_hint_wrong |= search->said.why == WHY_SAID;
		search->said = limit_of(&search->path);
	}
	search->failing = search->said;
}

/* More passes than was told: then the refusal may be wrong, or the path another, as well. */
static void forget_hint(struct mtu_search *search)
{
	search->is_hint_wrong |= search->said.why == WHY_SAID;
	search->hint = 0;
	search->said = limit_of(&search->path);
	if (search->failing.why != WHY_SILENT)
		search->failing = search->said;
}

static void note_passed(struct mtu_search *search, const struct mtu_outcome *outcome)
{
	search->usual_sent += (outcome->sent ? outcome->sent : 1u) + search->silent;
	search->usual_answered += outcome->answered ? outcome->answered : 1u;
	search->passing = search->asked.size_bytes;
	if (search->hint != 0 && search->passing > search->hint)
		forget_hint(search);
	if (search->passing >= search->failing.bytes)
		forget_failing(search);
	go_on(search);
}

/* Takes the MTU that was told as one to be tried, if it can be one. */
static void take_hint(struct mtu_search *search, const struct mtu_outcome *outcome)
{
	uint32_t mtu = outcome->mtu_bytes;
	uint32_t least = search->path.family == ADDRESS_IPV6 ? IPV6_LEAST : IPV4_LEAST;
	search->hint = 0;
	if (mtu == 0 && (search->path.family == ADDRESS_IPV4 || outcome->answer == MTU_LOCAL_TOO_BIG))
		return; /* routers older than RFC 1191 do not tell; nor do raw sockets */
	if (mtu < least || mtu < search->passing || mtu >= search->asked.size_bytes)
		search->is_hint_wrong |= outcome->answer == MTU_TOO_BIG;
	else if (search->hints++ < HINTS_MAX)
		search->hint = mtu;
}

static void note_refused(struct mtu_search *search, const struct mtu_outcome *outcome)
{
	bool is_local = outcome->answer == MTU_LOCAL_TOO_BIG;
	search->failing = (struct mtu_refusal){.bytes = search->asked.size_bytes,
					       .why = is_local ? WHY_LOCAL : WHY_SAID,
					       .hop = is_local ? 0 : outcome->hop,
					       .told = outcome->mtu_bytes};
	search->said = search->failing;
	take_hint(search, outcome);
	go_on(search);
}

static uint16_t count_lost(const struct mtu_search *search, const struct mtu_outcome *outcome)
{
	return (uint16_t)(search->silent + (outcome->sent ? outcome->sent : 1));
}

static void note_silent(struct mtu_search *search, const struct mtu_outcome *outcome)
{
	search->silent = count_lost(search, outcome);
	if (search->phase == PHASE_CONFIRM) {
		search->failing.silent = (uint16_t)(search->failing.silent + search->silent);
		go_on(search);
	} else if (search->silent >= packets_wanted(search)) {
		search->failing = (struct mtu_refusal){
			.bytes = search->asked.size_bytes, .why = WHY_SILENT, .silent = search->silent};
		go_on(search);
	}
}

static void note_hop(struct mtu_search *search, const struct mtu_outcome *outcome)
{
	if (outcome->answer == MTU_SILENT) {
		search->silent = count_lost(search, outcome);
		if (search->silent < packets_wanted(search))
			return;
		search->silent_hops++;
	} else {
		search->hop_reached = search->hop;
		search->silent_hops = 0;
	}
	next_hop(search);
}

void mtu_search_note(struct mtu_search *search, const struct mtu_outcome *outcome)
{
	if (search->phase == PHASE_DONE || search->asked.attempts == 0)
		return;
	search->packets = (uint16_t)(search->packets + search->asked.attempts);
	search->asked.attempts = 0;
	if (outcome->answer == MTU_TOO_BIG || outcome->answer == MTU_LOCAL_TOO_BIG)
		note_refused(search,
			     outcome); /* also of a hop: then there is no black hole, but a router that seldom speaks */
	else if (search->phase == PHASE_HOPS)
		note_hop(search, outcome);
	else if (outcome->answer == MTU_ANSWERED)
		note_passed(search, outcome);
	else
		note_silent(search, outcome);
}

/* One packet is enough for what passes. What nobody has answered is asked again with the rest at once; so is everything
 * as soon as there is something that swallows packets, since each wait costs time. */
static unsigned choose_attempts(const struct mtu_search *search)
{
	if (search->phase == PHASE_CONFIRM)
		return packets_wanted(search) > search->failing.silent ? packets_wanted(search) - search->failing.silent
								       : 1;
	if (search->silent == 0 && search->failing.why != WHY_SILENT)
		return 1;
	return packets_wanted(search) > search->silent ? packets_wanted(search) - search->silent : 1;
}

bool mtu_search_next(struct mtu_search *search, struct mtu_question *question)
{
	unsigned left = search->path.packets_max > search->packets ? search->path.packets_max - search->packets : 0;
	if (search->phase == PHASE_DONE || left == 0)
		return false;
	unsigned attempts = choose_attempts(search);
	search->asked = (struct mtu_question){.size_bytes = search->phase == PHASE_SIZES ? choose_size(search)
											 : search->failing.bytes,
					      .hop_limit = search->phase == PHASE_HOPS ? search->hop : 0,
					      .attempts = (uint8_t)(attempts < left ? attempts : left)};
	*question = search->asked;
	return true;
}

/* Has the router that packets end at, or one that knows the limit, said anything about a larger size? */
static bool is_seldom_said(const struct mtu_search *search)
{
	const struct mtu_refusal *said = &search->said;
	if (said->why != WHY_SAID)
		return false;
	return said->told == search->passing || (search->is_hop_known && said->hop && said->hop == search->hop_reached);
}

void mtu_search_result(const struct mtu_search *search, struct mtu_result *result)
{
	const struct mtu_refusal *failing = &search->failing;
	bool is_next = failing->bytes == search->passing + 1;
	bool is_told = failing->why == WHY_SAID || (is_proved(search) && is_seldom_said(search));
	uint8_t told_hop = failing->why == WHY_SAID ? failing->hop : search->said.hop;
	*result = (struct mtu_result){.mtu_bytes = search->passing,
				      .is_exact = is_next && (failing->why != WHY_SILENT || is_proved(search)),
				      .is_black_hole = is_proved(search) && !is_told,
				      .is_lossy = is_next && failing->why == WHY_SILENT && !is_proved(search),
				      .is_local = is_next && failing->why <= WHY_LOCAL,
				      .is_hint_wrong = search->is_hint_wrong,
				      .packets = search->packets};
	result->has_hop = is_told ? told_hop != 0 : result->is_black_hole && search->is_hop_known;
	if (result->has_hop)
		result->hop = is_told ? told_hop : search->hop_reached;
}
