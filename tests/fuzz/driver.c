/*
 * Runs a fuzz target without a fuzzer: every seed file of the folders given, each seed cut at every length, and each
 * seed with bytes changed in a fixed order. The same inputs at every run.
 *
 * fuzz_<what> FOLDER|FILE ... [--seeds-only]
 */
#include <errno.h>
#include <fts.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CUTS_MAX  4096
#define FLIPS_MAX 1024      /* positions in one seed; they are spread over it */
#define SEED_MAX  (1 << 20) /* bytes */

struct driver {
	unsigned long seeds, inputs;
	bool seeds_only;
};

/* A block of exactly this size, so that a sanitizer sees the first byte that is read beyond it. */
static void run_input(struct driver *driver, const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy) {
		fprintf(stderr, "no memory for an input of %zu bytes\n", size);
		exit(1);
	}
	if (size)
		memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	driver->inputs++;
}

static void run_cuts(struct driver *driver, const uint8_t *data, size_t size)
{
	for (size_t length = 0; length < size && length <= CUTS_MAX; length++)
		run_input(driver, data, length);
}

static void run_flips(struct driver *driver, uint8_t *data, size_t size)
{
	static const uint8_t masks[] = {0x01, 0x20, 0x80, 0xff};
	size_t step = size > FLIPS_MAX ? size / FLIPS_MAX : 1;

	for (size_t at = 0, n = 0; at < size; at += step, n++) {
		uint8_t was = data[at];

		data[at] = (uint8_t)(was ^ masks[n % sizeof(masks)]);
		run_input(driver, data, size);
		data[at] = n % 2 ? 0x00 : 0xff;
		run_input(driver, data, size);
		data[at] = was;
	}
}

static int run_seed(struct driver *driver, const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(SEED_MAX);
	size_t size;
	int status = -1;

	if (!file || !data) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		goto out;
	}
	size = fread(data, 1, SEED_MAX, file);
	if (ferror(file) || !feof(file)) {
		fprintf(stderr, "%s: cannot be read, or is longer than %d bytes\n", path, SEED_MAX - 1);
		goto out;
	}
	run_input(driver, data, size);
	if (!driver->seeds_only) {
		run_cuts(driver, data, size);
		run_flips(driver, data, size);
	}
	driver->seeds++;
	status = 0;
out:
	free(data);
	if (file)
		fclose(file);
	return status;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* All files below path; -1 when there is none, or one cannot be read. */
static int run_folder(struct driver *driver, char *path)
{
	unsigned long before = driver->seeds;
	FTS *tree = fts_open((char *[]){path, NULL}, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	FTSENT *entry;
	int status = 0;

	if (!tree) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	while ((entry = fts_read(tree)))
		if (entry->fts_info == FTS_F && run_seed(driver, entry->fts_path) != 0)
			status = -1;
	fts_close(tree);
	if (driver->seeds == before) {
		fprintf(stderr, "%s: no seeds there\n", path);
		status = -1;
	}
	return status;
}

int main(int argc, char **argv)
{
	struct driver driver = {0};
	int folders = 0, status = 0;

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--seeds-only") == 0)
			driver.seeds_only = true;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--seeds-only") == 0)
			continue;
		folders++;
		if (run_folder(&driver, argv[i]) != 0)
			status = 1;
	}
	if (folders == 0) {
		fprintf(stderr, "usage: %s FOLDER ... [--seeds-only]\n", argv[0]);
		return 2;
	}
	printf("%lu seeds, %lu inputs\n", driver.seeds, driver.inputs);
	return status;
}
