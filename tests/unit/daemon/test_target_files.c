/* Files of targets, on a real loop in a folder of the test's own. */
#include "config_fixture.h"

#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/loop.h"
#include "daemon/target_files.h"
#include "daemon/targets.h"

#define PATIENCE_NS (20 * NS_PER_SECOND)

struct scene {
	char folder[64];
	struct config *config;
	struct loop *loop;
	struct target_files *files;
	unsigned changes, wanted;
	struct alarm patience;
};

static void changed(void *arg)
{
	struct scene *scene = arg;

	scene->changes++;
	if (scene->changes >= scene->wanted)
		loop_stop(scene->loop);
}

static void write_file(const struct scene *scene, const char *name, const char *text)
{
	char *path = mem_format("%s/%s", scene->folder, name), *new = mem_format("%s/.new", scene->folder);
	FILE *file = fopen(new, "w");

	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
	cr_assert_eq(rename(new, path), 0);
	mem_free(new);
	mem_free(path);
}

static struct config *make_config(const struct scene *scene, const char *labels)
{
	char *text = mem_format("probes: { e: { type = \"echo\"; }; l: { type = \"look\"; }; };\n"
				"targets: ( { name = \"own\"; address = \"::1\"; probes = [ \"e\" ]; } );\n"
				"target_files: ( { path = \"%s/*.json\"; probes = [ \"e\" ]; labels = { %s }; } );\n",
				scene->folder, labels);
	struct text errors = {0};
	struct config *config = config_load_string(text, "x.conf", &errors);

	cr_assert_not_null(config, "%s", text_string(&errors));
	mem_free(text);
	return config;
}

static struct scene *setup(void)
{
	struct scene *scene = mem_zero(1, sizeof(*scene));

	strcpy(scene->folder, "/tmp/netsonde-files-XXXXXX");
	cr_assert_not_null(mkdtemp(scene->folder));
	scene->config = make_config(scene, "");
	scene->loop = loop_create(0, NULL);
	return scene;
}

static void open_files(struct scene *scene)
{
	scene->files = target_files_open(scene->config, NULL, scene->loop, changed, scene);
}

static void teardown(struct scene *scene)
{
	char *command = mem_format("rm -rf %s", scene->folder);

	target_files_close(scene->files);
	alarm_cancel(scene->loop, &scene->patience);
	loop_free(scene->loop);
	config_free(scene->config);
	cr_assert_eq(system(command), 0);
	mem_free(command);
	mem_free(scene);
}

static void give_up(void *arg)
{
	(void)arg;
	cr_assert(false, "the change is not noticed");
}

/* Until there was one change more. */
static void run(struct scene *scene)
{
	scene->wanted = scene->changes + 1;
	alarm_prepare(&scene->patience, give_up, scene);
	alarm_set(scene->loop, &scene->patience, clock_monotonic_ns() + PATIENCE_NS);
	cr_assert_eq(loop_run(scene->loop, NULL), 0);
}

static void stop(void *arg)
{
	loop_stop(arg);
}

static void run_for(struct scene *scene, int64_t ns)
{
	struct alarm alarm;

	alarm_prepare(&alarm, stop, scene->loop);
	alarm_set(scene->loop, &alarm, clock_monotonic_ns() + ns);
	cr_assert_eq(loop_run(scene->loop, NULL), 0);
}

/* "target/probe ..." of all that is wanted, the configuration first. */
static void expect(struct scene *scene, const char *expected)
{
	struct spec_table *specs = spec_table_create();
	struct desired_set set = {.specs = specs};
	struct text text = {0};

	desired_set_add_config(&set, scene->config);
	target_files_add(scene->files, &set);
	for (size_t i = 0; i < set.n; i++)
		text_add_format(&text, "%s%s/%s", i ? " " : "", target_name(set.items[i].target),
				set.items[i].spec->name);
	cr_expect_str_eq(text_string(&text), expected);
	text_free(&text);
	desired_set_free(&set);
	spec_table_free(specs);
}

static void expect_errors(struct scene *scene, size_t n, const char *part)
{
	struct text text = {0};

	cr_expect_eq(target_files_errors(scene->files, &text), n, "%s", text_string(&text));
	cr_expect(strstr(text_string(&text), part) != NULL, "%s", text_string(&text));
	text_free(&text);
}

Test(target_files, are_read_and_watched)
{
	struct scene *scene = setup();

	write_file(scene, "a.json", "[{\"targets\":[\"one\",\"two\"]}]");
	open_files(scene);
	expect(scene, "own/e one/e two/e");
	write_file(scene, "b.json", "[{\"targets\":[\"three\"]}]");
	run(scene);
	expect(scene, "own/e one/e two/e three/e");
	write_file(scene, "a.json", "[{\"targets\":[\"one\"]}]");
	run(scene);
	expect(scene, "own/e one/e three/e");
	char *path = mem_format("%s/b.json", scene->folder);
	cr_assert_eq(unlink(path), 0);
	mem_free(path);
	run(scene);
	expect(scene, "own/e one/e");
	cr_expect_eq(target_files_count(scene->files).probes, 1);
	teardown(scene);
}

Test(target_files, what_is_the_same_is_no_change)
{
	struct scene *scene = setup();

	write_file(scene, "a.json", "[{\"targets\":[\"one\"]}]");
	open_files(scene);
	write_file(scene, "a.json", "[{\"targets\":[\"one\"]}]");
	write_file(scene, ".hidden.json", "[{\"targets\":[\"two\"]}]");
	write_file(scene, "other.txt", "[{\"targets\":[\"two\"]}]");
	run_for(scene, 400 * NS_PER_MS);
	cr_expect_eq(scene->changes, 0);
	teardown(scene);
}

Test(target_files, a_broken_file_keeps_its_last_good_content)
{
	struct scene *scene = setup();

	write_file(scene, "a.json", "[{\"targets\":[\"one\"]}]");
	open_files(scene);
	write_file(scene, "a.json", "[{\"targets\":[\"one\",");
	run_for(scene, 400 * NS_PER_MS);
	cr_expect_eq(scene->changes, 0);
	expect(scene, "own/e one/e");
	expect_errors(scene, 1, "/a.json:1: syntax: ");

	/* also when the configuration is read again meanwhile */
	struct config *before = scene->config;
	struct target_files *files = scene->files;
	scene->config = make_config(scene, "");
	scene->files = target_files_open(scene->config, files, scene->loop, changed, scene);
	target_files_close(files);
	config_free(before);
	expect(scene, "own/e one/e");
	expect_errors(scene, 1, "/a.json:1: syntax: ");

	write_file(scene, "a.json", "[{\"targets\":[\"two\"]}]");
	run(scene);
	expect(scene, "own/e two/e");
	expect_errors(scene, 0, "");
	teardown(scene);
}

Test(target_files, broken_from_the_start)
{
	struct scene *scene = setup();

	write_file(scene, "a.json", "");
	open_files(scene);
	expect(scene, "own/e");
	expect_errors(scene, 1, "/a.json:1: syntax: ");
	teardown(scene);
}

Test(target_files, collisions)
{
	struct scene *scene = setup();

	write_file(scene, "a.json", "[{\"targets\":[\"one\"]},{\"targets\":[\"x\"],\"labels\":{\"name\":\"own\"}}]");
	write_file(scene, "b.json", "[{\"targets\":[\"one\",\"two\"]}]");
	open_files(scene);
	expect(scene, "own/e one/e two/e");
	teardown(scene);
}

Test(target_files, contents_live_as_long_as_they_are_held)
{
	struct scene *scene = setup();
	size_t n;

	write_file(scene, "a.json", "[{\"targets\":[\"one\"]}]");
	open_files(scene);
	struct spec_table *specs = spec_table_create();
	struct desired_set set = {.specs = specs};
	target_files_add(scene->files, &set);
	struct target_content **held = target_files_hold(scene->files, &n);
	cr_expect_eq(n, 1);
	write_file(scene, "a.json", "[{\"targets\":[\"two\"]}]");
	run(scene);
	target_files_close(scene->files);
	scene->files = NULL;
	cr_expect_str_eq(target_name(set.items[0].target), "one");
	cr_expect_str_eq(strrchr(set.items[0].source, '/'), "/a.json");
	desired_set_free(&set);
	spec_table_free(specs);
	for (size_t i = 0; i < n; i++)
		target_content_release(held[i]);
	mem_free(held);
	teardown(scene);
}

/* As Kubernetes changes a ConfigMap: a link to a folder of links is put in the place of another. */
Test(target_files, swapped_links)
{
	struct scene *scene = setup();
	char *command =
		mem_format("cd %s && mkdir ..1 ..2 && echo '[{\"targets\":[\"one\"]}]' > ..1/a.json && echo "
			   "'[{\"targets\":[\"two\"]}]' > ..2/a.json && ln -s ..1 ..data && ln -s ..data/a.json a.json",
			   scene->folder);

	cr_assert_eq(system(command), 0);
	mem_free(command);
	open_files(scene);
	expect(scene, "own/e one/e");
	command = mem_format("cd %s && ln -s ..2 ..tmp && mv -T ..tmp ..data", scene->folder);
	cr_assert_eq(system(command), 0);
	mem_free(command);
	run(scene);
	expect(scene, "own/e two/e");
	teardown(scene);
}

static void count_rows(void *arg, const char *file, const struct reading *readings, size_t n)
{
	cr_expect(strstr(file, "/a.json") != NULL);
	cr_expect_eq(n, target_files_set.n);
	cr_expect_eq(readings[0].value.integer, 1);
	cr_expect_eq(readings[1].value.integer, 2);
	++*(int *)arg;
}

Test(target_files, figures)
{
	struct scene *scene = setup();
	int rows = 0;

	write_file(scene, "a.json", "[{\"targets\":[\"one\",\"two\"]}]");
	open_files(scene);
	target_files_read(scene->files, count_rows, &rows);
	cr_expect_eq(rows, 1);
	cr_expect_gt(target_files_count(scene->files).series, 2);
	teardown(scene);
}
