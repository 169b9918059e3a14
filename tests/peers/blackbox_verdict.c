/*
 * What netsonde makes of files of blackbox_exporter: a line for each file that is named, "valid" with the modules that
 * are refused, or "error" with the text.
 */
#include <stdio.h>

#include "daemon/modules.h"

static void print_verdict(const char *path)
{
	struct modules modules;
	struct err err = {0};
	if (blackbox_config_load(path, &modules, &err) != 0) {
		printf("error %s\n", err.text);
		return;
	}
	printf("valid");
	for (size_t i = 0; i < modules.n; i++) {
		if (modules.items[i].refused)
			printf(" [%s: %s]", modules.items[i].name, modules.items[i].refused);
	}
	printf("\n");
	modules_free(&modules);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		print_verdict(argv[i]);
	return 0;
}
