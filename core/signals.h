/*
 * Which signals the threads beside main have: none, but for those that the kernel sends for what the thread itself did.
 */
#ifndef NETSONDE_CORE_SIGNALS_H
#define NETSONDE_CORE_SIGNALS_H

#include <signal.h>

/* Blocks all signals of the calling thread but SIGSYS; a thread has the mask of its maker. SIGSYS is how a filter of
 * system calls says what it refused: blocked, the kernel would kill without a word. Returns the mask that was there,
 * for signals_restore. */
sigset_t signals_block(void);
void signals_restore(const sigset_t *before);

#endif
