#include "qos/emodel.h"

#include <math.h>
#include <string.h>

#define NUMBER(field, minimum, maximum, fallback, help)                                                                \
	{                                                                                                              \
#field, OPTION_NUMBER, offsetof(struct emodel, field), minimum, maximum, fallback, NULL, help          \
	}

const struct option emodel_options[] = {
	NUMBER(slr, 0, 18, "8", "SLR: send loudness rating in dB"),
	NUMBER(rlr, -5, 14, "2", "RLR: receive loudness rating in dB"),
	NUMBER(stmr, 10, 20, "15", "STMR: sidetone masking rating in dB. LSTR is stmr + dr, which must be 13 to 23"),
	NUMBER(ds, -3, 3, "3", "Ds: D-value of the telephone, send side"),
	NUMBER(dr, -3, 3, "3", "Dr: D-value of the telephone, receive side"),
	NUMBER(telr, 5, 65, "65", "TELR: talker echo loudness rating in dB"),
	NUMBER(wepl, 5, 110, "110", "WEPL: weighted echo path loss in dB"),
	NUMBER(qdu, 1, 14, "1", "qdu: number of quantising distortion units"),
	NUMBER(nc, -80, -40, "-70", "Nc: circuit noise at the 0 dBr point in dBm0p"),
	NUMBER(nfor, -120, 0, "-64", "Nfor: noise floor at the receive side in dBmp"),
	NUMBER(ps, 35, 85, "35", "Ps: room noise at the send side in dB(A)"),
	NUMBER(pr, 35, 85, "35", "Pr: room noise at the receive side in dB(A)"),
	NUMBER(advantage, 0, 20, "0",
	       "A: advantage factor: 0 wire, 5 mobile in a building, 10 in a vehicle, 20 several satellite hops"),
	NUMBER(delay_base, 1, 500, "100",
	       "mT: one-way delay in milliseconds from which delay is felt: 100 by default, 120 for low, 150 for very "
	       "low sensitivity to delay"),
	NUMBER(delay_steepness, 0.1, 2, "1",
	       "sT: how steeply delay is felt: 1 by default, 0.55 for low, 0.4 for very low sensitivity to delay"),
};
const size_t emodel_noptions = sizeof(emodel_options) / sizeof(emodel_options[0]);

void emodel_set_defaults(struct emodel *model)
{
	memset(model, 0, sizeof(*model));
	option_set_defaults(emodel_options, emodel_noptions, model);
}

int emodel_check(const struct emodel *model, struct err *err)
{
	double lstr = model->stmr + model->dr;

	if (lstr >= 13 && lstr <= 23)
		return 0;
	err_set(err, "stmr + dr (LSTR) is %g dB: must be between 13 and 23", lstr);
	return -1;
}

struct emodel_call emodel_call_of(double one_way_ms)
{
	return (struct emodel_call){
		.ta_ms = one_way_ms, .t_ms = one_way_ms, .tr_ms = 2 * one_way_ms, .bpl = 4.3, .burst_ratio = 1};
}

static double power_of(double decibels)
{
	return pow(10, decibels / 10);
}

/* (1 + x^n)^(1/n) */
static double soft_step(double x, double n)
{
	return pow(1 + pow(x, n), 1 / n);
}

/* --- what does not depend on the call ---------------------------------------------------------------------------- */

/* No, clause 7.2: the noises, added up as powers. */
static double total_noise(const struct emodel *m)
{
	double lstr = m->stmr + m->dr;
	double olr = m->slr + m->rlr;
	double loud = m->ps - olr - m->ds - 14;
	double nos = m->ps - m->slr - m->ds - 100 + 0.004 * loud * loud;
	double pre = m->pr + 10 * log10(1 + pow(10, (10 - lstr) / 10));
	double nor = m->rlr - 121 + pre + 0.008 * (pre - 35) * (pre - 35);
	double nfo = m->nfor + m->rlr;

	return 10 * log10(power_of(m->nc) + power_of(nos) + power_of(nor) + power_of(nfo));
}

/* Iolr: too loud a connection. */
static double loudness_impairment(const struct emodel *m, double no)
{
	double xolr = m->slr + m->rlr + 0.2 * (64 + no - m->rlr);

	return 20 * (soft_step(xolr / 8, 8) - xolr / 8);
}

/* Iq: quantising distortion. */
static double quantising_impairment(const struct emodel *m, double ro)
{
	double q = 37 - 15 * log10(m->qdu);
	double g = 1.07 + 0.258 * q + 0.0602 * q * q;
	double y = (ro - 100) / 15 + 46 / 8.4 - g / 9;
	double z = 46.0 / 30 - g / 40;

	return 15 * log10(1 + pow(10, y) + pow(10, z));
}

void emodel_prepare(const struct emodel *model, struct emodel_base *base)
{
	base->model = *model;
	base->no = total_noise(model);
	base->ro = 15 - 1.5 * (model->slr + base->no);
	base->iolr = loudness_impairment(model, base->no);
	base->iq = quantising_impairment(model, base->ro);
	base->roe = -1.5 * (base->no - model->rlr);
	base->sidetone = power_of(-model->stmr);
	base->echo = power_of(-model->telr);
}

/* --- the terms that do ------------------------------------------------------------------------------------------- */

/* Ist: sidetone, and echo that is so early that it is heard as sidetone. */
static double sidetone_impairment(const struct emodel_base *base, double t_ms)
{
	double stmro = -10 * log10(base->sidetone + exp(-t_ms / 4) * base->echo);

	return 12 * soft_step((stmro - 13) / 6, 8) - 28 * soft_step((stmro + 1) / 19.4, 35) -
	       13 * soft_step((stmro - 3) / 33, 13) + 29;
}

/* Idte, clause 7.4: the talker hears himself. */
static double talker_echo_impairment(const struct emodel_base *base, double t_ms, double ist)
{
	const struct emodel *m = &base->model;
	double terv, half, idte;

	if (t_ms < 1)
		return 0;
	terv = m->telr - 40 * log10((1 + t_ms / 10) / (1 + t_ms / 150)) + 6 * exp(-0.3 * t_ms * t_ms);
	if (m->stmr < 9)
		terv += ist / 2;
	half = (base->roe - (80 + 2.5 * (terv - 14))) / 2;
	idte = (half + sqrt(half * half + 100) - 1) * (1 - exp(-t_ms));
	return m->stmr > 20 ? sqrt(idte * idte + ist * ist) : idte;
}

/* Idle: the listener hears the talker twice. */
static double listener_echo_impairment(const struct emodel_base *base, double tr_ms)
{
	double rle = 10.5 * (base->model.wepl + 7) / sqrt(sqrt(tr_ms + 1));
	double half = (base->ro - rle) / 2;

	return half + sqrt(half * half + 169);
}

double emodel_delay_impairment(const struct emodel *model, double ta_ms)
{
	double n = 6 * model->delay_steepness, x;

	if (ta_ms <= model->delay_base)
		return 0;
	x = log2(ta_ms / model->delay_base);
	return 25 * (soft_step(x, n) - 3 * soft_step(x / 3, n) + 2);
}

/* full: what remains of the scale when nothing is left of the codec: 95, or 132 for fullband. */
static double impairment_by_loss(const struct emodel_call *call, double full, double burst_ratio)
{
	double loss = call->loss_percent;

	/* Without loss Bpl does not matter, and may be unknown. */
	if (loss <= 0)
		return call->ie;
	return call->ie + (full - call->ie) * loss / (loss / burst_ratio + call->bpl);
}

double emodel_equipment_impairment(const struct emodel_call *call)
{
	return impairment_by_loss(call, 95, call->burst_ratio);
}

double emodel_rate(const struct emodel_base *base, const struct emodel_call *call, struct emodel_terms *terms)
{
	struct emodel_terms t = {.no = base->no, .ro = base->ro, .iolr = base->iolr, .iq = base->iq};

	t.ist = sidetone_impairment(base, call->t_ms);
	t.is = t.iolr + t.ist + t.iq;
	t.idte = talker_echo_impairment(base, call->t_ms, t.ist);
	t.idle = listener_echo_impairment(base, call->tr_ms);
	t.idd = emodel_delay_impairment(&base->model, call->ta_ms);
	t.id = t.idte + t.idle + t.idd;
	t.ie_eff = emodel_equipment_impairment(call);
	t.r = t.ro - t.is - t.id - t.ie_eff + base->model.advantage;
	if (terms)
		*terms = t;
	return t.r;
}

double emodel_rate_wideband(const struct emodel *model, const struct emodel_call *call)
{
	return 129 - EMODEL_SCALE_WIDEBAND * emodel_delay_impairment(model, call->ta_ms) -
	       impairment_by_loss(call, 95, 1);
}

double emodel_rate_fullband(const struct emodel *model, const struct emodel_call *call)
{
	return 148 - EMODEL_SCALE_FULLBAND * emodel_delay_impairment(model, call->ta_ms) -
	       impairment_by_loss(call, 132, 1);
}

/* --- what people would say --------------------------------------------------------------------------------------- */

double emodel_mos(double r)
{
	if (r <= 0)
		return 1;
	if (r >= 100)
		return 4.5;
	return fmax(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6);
}

double emodel_rate_of_mos(double mos)
{
	double m = fmin(fmax(mos, 1), 4.5);
	/* Rounding may take it below 0 at either end. */
	double root = sqrt(fmax(0, -903522 + 1113960 * m - 202500 * m * m));
	double h = atan2(15 * root, 18566 - 6750 * m) / 3;

	return 20.0 / 3 * (8 - sqrt(226) * cos(h + acos(-1) / 3));
}

static double normal(double x)
{
	return 50 * erfc(-x / sqrt(2));
}

double emodel_good_or_better(double r)
{
	return normal((r - 60) / 16);
}

double emodel_poor_or_worse(double r)
{
	return normal((45 - r) / 16);
}

const char *emodel_band(double r)
{
	static const char *const bands[] = {"poor", "low", "medium", "high", "best"};

	if (!(r >= 50))
		return "not recommended";
	return r >= 90 ? bands[4] : bands[(int)((r - 50) / 10)];
}
