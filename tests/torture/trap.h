/*
 * System calls that fail when a test wants them to. Linked with --wrap for the calls in trap.c, which the sources under
 * test make.
 */
#ifndef NETSONDE_TESTS_TORTURE_TRAP_H
#define NETSONDE_TESTS_TORTURE_TRAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct trap {
	/* the n-th of all calls */
	bool is_armed;
	unsigned countdown; /* calls until the first that fails */
	bool is_lasting;    /* all further ones fail, too */
	int error;          /* 0: pwrite and pread do half of it */
	unsigned calls, failed;
	/* a place of the medium that cannot be read: bytes [bad_from, bad_to) of one file, always; 0 = none */
	ino_t bad_file;
	off_t bad_from, bad_to;
	/* a file that cannot be opened or, if bad_status, be looked at by fstat */
	const char *bad_path;
	bool bad_status;
	int bad_error;
};
extern struct trap trap;

/* The log goes nowhere, and writing it never fails. */
void trap_silence(void);

/* Nothing fails from now on. */
void trap_release(void);

/* The calls as they are, for the test itself. */
int __real_open(const char *path, int flags, ...);
int __real_fstat(int descriptor, struct stat *status);

#endif
