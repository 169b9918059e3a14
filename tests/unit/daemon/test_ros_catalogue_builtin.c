/*
 * The catalogue that is compiled in, held against the rules and the tables of the documentation.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core/file.h"
#include "core/mem.h"
#include "daemon/ros_catalogue.h"

static struct catalogue *builtin(void)
{
	struct text errors = {0};
	struct catalogue *catalogue = ros_catalogue_load(NULL, 0, false, &errors);

	cr_assert(catalogue, "%s", text_string(&errors));
	text_free(&errors);
	return catalogue;
}

Test(ros_catalogue_builtin, is_read)
{
	struct catalogue *catalogue = builtin();

	cr_expect_geq(catalogue->n, 60);
	catalogue_free(catalogue);
}
