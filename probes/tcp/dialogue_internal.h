/*
 * What dialogue.c and talk.c share. Nobody else includes this.
 */
#ifndef NETSONDE_PROBES_TCP_DIALOGUE_INTERNAL_H
#define NETSONDE_PROBES_TCP_DIALOGUE_INTERNAL_H

#include "probes/tcp/dialogue.h"

enum step_kind {
	STEP_EXPECT,
	STEP_REJECT, /* of the STEP_EXPECT before it, as STEP_LABEL */
	STEP_LABEL,
	STEP_EXPECT_BYTES,
	STEP_SEND,
	STEP_SEND_RAW,
	STEP_STARTTLS,
};

struct step {
	enum step_kind kind;
	char *item;              /* as it was written */
	struct pattern *pattern; /* EXPECT, REJECT */
	char *bytes;             /* EXPECT_BYTES, SEND_RAW: length of them; SEND, LABEL: the form */
	size_t length;
	char *name; /* LABEL */
};

struct dialogue {
	struct step *steps; /* there is room for all that may come */
	size_t nsteps;
	size_t nlabels;
	bool has_starttls;
};

#endif
