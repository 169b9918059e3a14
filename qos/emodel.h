/*
 * The E-model of ITU-T G.107 (06/2015): from what is known of a telephone call to the transmission rating R, and from
 * R to what people would say. Also its echo-free wideband and fullband forms (G.107.1, G.107.2). Pure.
 */
#ifndef NETSONDE_QOS_EMODEL_H
#define NETSONDE_QOS_EMODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/option.h"

/* Everything of G.107 that a network does not change: its table 2, with the names in small letters. Zero is not a
 * default: emodel_set_defaults. */
struct emodel {
	double slr, rlr;        /* send and receive loudness ratings, dB */
	double stmr;            /* sidetone masking rating, dB; the listener's (LSTR) is stmr + dr */
	double ds, dr;          /* D-values of the telephone, send and receive side */
	double telr;            /* talker echo loudness rating, dB */
	double wepl;            /* weighted echo path loss, dB */
	double qdu;             /* quantising distortion units */
	double nc;              /* circuit noise at the 0 dBr point, dBm0p */
	double nfor;            /* noise floor at the receive side, dBmp */
	double ps, pr;          /* room noise at the send and receive side, dB(A) */
	double advantage;       /* A: what people put up with for convenience */
	double delay_base;      /* mT: one-way delay from which it is felt, ms; 100, 120 or 150 by delay class */
	double delay_steepness; /* sT: 1, 0.55 or 0.4 by delay class */
};

/* One row a field, with the default and the permitted range. */
extern const struct option emodel_options[];
extern const size_t emodel_noptions;

void emodel_set_defaults(struct emodel *model);

/* What holds between fields: LSTR = stmr + dr within 13..23 dB. -1 with err. */
int emodel_check(const struct emodel *model, struct err *err);

/* What the network and the codec make of a call. Loss is in PERCENT. Permitted: ta, t 0..500, tr 0..1000, ie 0..40, bpl
 * 4.3..40 (what is not known is not computed: see qos/codec.h), loss 0..20, burst ratio 1..8; the formulas go on beyond
 * these. */
struct emodel_call {
	double ta_ms; /* absolute delay, mouth to ear */
	double t_ms;  /* one-way delay of the echo path */
	double tr_ms; /* round trip in the closed four-wire loop */
	double ie, bpl;
	double loss_percent;
	double burst_ratio;
};

/* A call over a path with this delay from mouth to ear: T = Ta, Tr = 2 T; no loss, Ie 0, Bpl 4.3, BurstR 1. */
struct emodel_call emodel_call_of(double one_way_ms);

/* The terms of R = Ro - Is - Id - Ie,eff + A, with those that they are made of. */
struct emodel_terms {
	double no, ro;
	double iolr, ist, iq, is;
	double idte, idle, idd, id;
	double ie_eff;
	double r;
};

/* What of the model does not depend on the call: made once, used for many calls. */
struct emodel_base {
	struct emodel model;
	double no, ro, iolr, iq, roe;
	double sidetone, echo; /* 10^(-STMR/10) and 10^(-TELR/10) */
};

void emodel_prepare(const struct emodel *model, struct emodel_base *base);

/* R of G.107, clause 7; not clamped. terms may be NULL. */
double emodel_rate(const struct emodel_base *base, const struct emodel_call *call, struct emodel_terms *terms);

/* Idd, clause 7.4: what absolute delay alone takes from R. */
double emodel_delay_impairment(const struct emodel *model, double ta_ms);

/* Ie,eff = Ie + (95 - Ie) Ppl / (Ppl / BurstR + Bpl). */
double emodel_equipment_impairment(const struct emodel_call *call);

/* G.107.1 (06/2019, Cor. 1) without echo and noise: R,WB = 129 - 1.29 Idd - Ie,eff,WB; 0..129. The constants of its
 * echo terms are not known to us, so echo is taken to be cancelled. Loss is taken to be random: eq. 7-15 has no
 * BurstR. */
double emodel_rate_wideband(const struct emodel *model, const struct emodel_call *call);
/* G.107.2, likewise: R,FB = 148 - 1.48 Idd - Ie,eff,FB. */
double emodel_rate_fullband(const struct emodel *model, const struct emodel_call *call);

/* The largest R of each scale: 100 for the mapping below, 129, 148. */
#define EMODEL_SCALE_WIDEBAND 1.29
#define EMODEL_SCALE_FULLBAND 1.48

/* G.107 Annex B: 1 for R <= 0, 4.5 from 100 on, the cubic between; never below 1 (it dips there for R < 6.5). For the
 * wider bands divide R by its scale first; such MOS are not comparable with narrowband ones. */
double emodel_mos(double r);

/* G.107 Appendix I: the R that has this MOS, for 1..4.5 (clamped); always >= 6.5, since below that the cubic is not
 * unique. */
double emodel_rate_of_mos(double mos);

/* Percentage that would say "good or better", "poor or worse" (G.107 Annex B). */
double emodel_good_or_better(double r);
double emodel_poor_or_worse(double r);

/* Category of speech transmission quality by R (G.109): "best", "high", "medium", "low", "poor", and "not recommended"
 * below 50. Narrowband only. */
const char *emodel_band(double r);

#endif
