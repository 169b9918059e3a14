/*
 * A hashed timer wheel: entries wait in slots of equal length and come out together, in one batch a slot. Pure logic:
 * the caller says what time it is. Insert and remove are O(1); entries further away than the wheel is round stay in
 * their slot until their round comes.
 */
#ifndef NETSONDE_CORE_WHEEL_H
#define NETSONDE_CORE_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Embedded in whatever waits. Zero-initialised = not waiting. */
struct wheel_entry {
	struct wheel_entry *next, **link; /* link: the pointer that points here; NULL = not in a wheel */
	int64_t due_slot;
};

struct wheel;

/* slot_ns: length of a slot, > 0. start_ns: the time of slot 0. */
struct wheel *wheel_create(int64_t slot_ns, int64_t start_ns);
void wheel_free(struct wheel *wheel); /* entries still waiting are forgotten, not called */

/* due_ns is rounded up to the end of its slot: an entry never comes out early, and at most one slot late. A time in the
 * past comes out in the next slot. An entry that waits already is moved. */
void wheel_insert(struct wheel *wheel, struct wheel_entry *entry, int64_t due_ns);
void wheel_remove(struct wheel *wheel, struct wheel_entry *entry); /* harmless when not waiting */
bool wheel_holds(const struct wheel_entry *entry);

/* When the next slot in which anything waits ends, exactly; INT64_MAX when nothing waits. */
int64_t wheel_next_ns(const struct wheel *wheel);

/* Takes the next entry that is due at now_ns out of the wheel, or NULL. Entries come slot by slot, in the order of
 * insertion within a slot. Entries inserted meanwhile come out in a slot that ends after now_ns, so a caller that loops
 * until NULL ends, however far the time has jumped. */
struct wheel_entry *wheel_take(struct wheel *wheel, int64_t now_ns);

#endif
