/*
 * What the first server of test_day got: which runs of each target, and what the last line of each says.
 *
 * A target may have several lives: probes that were opened again, each of which counts its runs from 1. Their lines
 * have a tag "life".
 */
#ifndef NETSONDE_TESTS_DAY_LEDGER_H
#define NETSONDE_TESTS_DAY_LEDGER_H

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LEDGER_LIFE_RUNS 320 /* more than a probe with several lives makes in one */
#define LEDGER_LIVES     300
#define LEDGER_RUNS_MAX  100000

struct ledger {
	unsigned char seen[LEDGER_RUNS_MAX / 8 + 1]; /* bits: by life and run */
	unsigned highest[LEDGER_LIVES];              /* run of each life */
	unsigned lines, repeated;                    /* repeated: taken again, after an answer that was lost */
	int64_t sent, received, late, duplicates;    /* of the highest run of the last life */
};

/* The number behind name, which begins with the character before it; -1 when the line has none. */
static inline int64_t ledger_number(const char *line, const char *name)
{
	const char *at = strstr(line, name);
	return at ? strtoll(at + strlen(name), NULL, 10) : -1;
}

static inline bool ledger_has(const struct ledger *ledger, size_t place)
{
	return (ledger->seen[place / 8] >> place % 8) & 1;
}

/* line: NUL-terminated, of the set ping. */
static inline void ledger_book(struct ledger *ledger, const char *line)
{
	int64_t run = ledger_number(line, ",run="), life = ledger_number(line, ",life=");

	if (life < 0)
		life = 0;
	size_t place = (size_t)(life * LEDGER_LIFE_RUNS + run);
	cr_assert(run > 0 && life < LEDGER_LIVES && place < LEDGER_RUNS_MAX, "%s", line);
	ledger->lines++;
	ledger->repeated += ledger_has(ledger, place);
	ledger->seen[place / 8] |= (unsigned char)(1 << place % 8);
	if (run < ledger->highest[life])
		return;
	ledger->highest[life] = (unsigned)run;
	ledger->sent = ledger_number(line, "sent_total=");
	ledger->received = ledger_number(line, "received_total=");
	ledger->late = ledger_number(line, "late_total=");
	ledger->duplicates = ledger_number(line, "duplicates_total=");
}

/* Runs of a life that are not there, of those up to its last. */
static inline unsigned ledger_missing(const struct ledger *ledger, unsigned life)
{
	unsigned missing = 0;

	for (unsigned run = 1; run <= ledger->highest[life]; run++)
		missing += !ledger_has(ledger, (size_t)life * LEDGER_LIFE_RUNS + run);
	return missing;
}

#endif
