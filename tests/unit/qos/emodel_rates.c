/*
 * Reads calls, one a line, as numbers: the options of the model in the order of their table, then ta, t, tr, ie, bpl,
 * loss in percent, BurstR. Prints R of each with 17 digits. For emodel_reference.py.
 */
#include <stdio.h>

#include "qos/emodel.h"

static int read_numbers(double *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (scanf("%lf", &out[i]) != 1)
			return -1;
	return 0;
}

int main(void)
{
	double options[64], c[7];

	while (read_numbers(options, emodel_noptions) == 0 && read_numbers(c, 7) == 0) {
		struct emodel_call call = {c[0], c[1], c[2], c[3], c[4], c[5], c[6]};
		struct emodel_base base;
		struct emodel model;

		for (size_t i = 0; i < emodel_noptions; i++)
			*(double *)((char *)&model + emodel_options[i].offset) = options[i];
		emodel_prepare(&model, &base);
		printf("%.17g\n", emodel_rate(&base, &call, NULL));
	}
	return 0;
}
