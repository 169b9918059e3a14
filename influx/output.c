#include "influx/output.h"

#include <string.h>
#include <sys/stat.h>

#include "core/mem.h"

bool output_is_server(const struct output *output)
{
	return influx_kind(output->settings) != INFLUX_FILE;
}

static int open_file(struct output *output, struct err *err)
{
	output->file = mem_zero(1, sizeof(*output->file));
	if (file_output_open(output->file, output->settings, &output->figures, err) == 0)
		return 0;
	mem_free(output->file);
	output->file = NULL;
	return -1;
}

struct output *output_open(const struct influx_settings *settings, struct err *err)
{
	struct output *output = mem_zero(1, sizeof(*output));
	output->settings = option_copy_settings(influx_options, influx_noptions, sizeof(*settings), settings);
	output->figures.is_server = output_is_server(output);
	if (output->figures.is_server || open_file(output, err) == 0)
		return output;
	output_close(output);
	return NULL;
}

void output_close(struct output *output)
{
	if (output == NULL)
		return;
	sender_free(output->sender);
	if (output->file != NULL)
		file_output_close(output->file);
	mem_free(output->file);
	option_free_settings(influx_options, influx_noptions, output->settings);
	mem_free(output);
}

/* By their paths: what the outputs have open belongs to the influx thread. */
static bool is_same_file(const struct output *a, const struct output *b)
{
	struct stat first, second;
	return a->file != NULL && b->file != NULL && stat(a->settings->path, &first) == 0 &&
	       stat(b->settings->path, &second) == 0 && S_ISREG(first.st_mode) && first.st_dev == second.st_dev &&
	       first.st_ino == second.st_ino;
}

int output_check_pair(const struct output *a, const struct output *b, struct err *err)
{
	if (strcmp(a->settings->name, b->settings->name) == 0)
		return err_set(err, "two outputs have the name %s", b->settings->name);
	if (is_same_file(a, b))
		return err_set(err, "%s: %s: is the file of %s too", b->settings->name, b->settings->path,
			       a->settings->name);
	return 0;
}
