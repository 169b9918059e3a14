#include "daemon/target_files.h"

#include <errno.h>
#include <glob.h>
#include <pthread.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "daemon/config.h"
#include "daemon/file_sd.h"
#include "daemon/shared_catalogue.h"
#include "daemon/targets.h"

#define FILES_MAX     1000 /* of one pattern */
#define QUIET_NS      (100 * NS_PER_MS)
#define QUIET_MOST_NS NS_PER_SECOND

/* What a file said when it was good last. */
struct target_content {
	size_t holders;
	char *path;       /* of the file, for those who hold this longer than the file is read */
	uint64_t hash[2]; /* of its bytes, and of what was made of the labels */
	struct file_targets targets;
};

/* A file that a pattern has found. */
struct file {
	char *path;
	const struct config_target_files *entry;
	struct target_content *content; /* held; NULL: it was never good */
	char *error;                    /* what is wrong now, "PATH:LINE: what: why"; or NULL */
	bool is_found;                  /* in the scan under way */
	struct log_fault fault, collision_fault, reserved_fault;
	int64_t read_ns; /* wall clock: when it was good last */
	size_t collisions;
};

/* A row as other threads see it. */
struct shown {
	char *path;
	struct reading readings[4];
};

struct target_files {
	const struct config *config;
	pthread_mutex_t lock; /* of what is shown */
	struct shown *shown;
	size_t nshown;
	struct file *files;
	size_t n, room;
	/* watching */
	struct loop *loop;
	void (*changed)(void *arg);
	void *arg;
	int inotify; /* -1: none */
	struct watch *watch;
	struct alarm refresh, settle;
	int64_t first_event_ns; /* since when events come; 0 = none */
	struct log_fault watch_fault;
};

enum { TARGET_FILE_SUCCESS, TARGET_FILE_TARGETS, TARGET_FILE_TIME, TARGET_FILE_COLLISIONS, TARGET_FILE_MEASURES };

static const struct measure measures[TARGET_FILE_MEASURES] = {
	[TARGET_FILE_SUCCESS] = {"last_read_successful", MEASURE_INTEGER,
				 "1 if the file as it is now is good, 0 if its last good content is in force"},
	[TARGET_FILE_TARGETS] = {"targets", MEASURE_INTEGER, "Targets of the content that is in force"},
	[TARGET_FILE_TIME] = {"last_success_timestamp_seconds", MEASURE_GAUGE, "When the file was found good last"},
	[TARGET_FILE_COLLISIONS] = {"collisions", MEASURE_INTEGER,
				    "Probes left out because another source has the target already"},
};
static const char *const label_names[] = {"file", NULL};
const struct measure_set target_files_set = {
	.name = "target_file",
	.measures = measures,
	.n = TARGET_FILE_MEASURES,
	.label_names = label_names,
	.help = "A file of targets",
};

/* --- contents ---------------------------------------------------------------------------------------------------- */

void target_content_release(struct target_content *content)
{
	if (!content || --content->holders > 0)
		return;
	file_targets_free(&content->targets);
	mem_free(content->path);
	mem_free(content);
}

static struct target_content *hold(struct target_content *content)
{
	if (content)
		content->holders++;
	return content;
}

struct target_content **target_files_hold(const struct target_files *files, size_t *n)
{
	struct target_content **held = mem_zero(files->n, sizeof(struct target_content *));

	*n = 0;
	for (size_t i = 0; i < files->n; i++)
		if (files->files[i].content)
			held[(*n)++] = hold(files->files[i].content);
	return held;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static void hash_content(const struct config *config, const struct config_target_files *entry, const struct text *bytes,
			 uint64_t hash[2])
{
	static const struct hash_key key = {1, 2};
	struct text labels = {0};

	for (size_t i = 0; i < entry->common.labels.n; i++)
		text_add_format(&labels, "%s=%s\n", entry->common.labels.items[i].name,
				entry->common.labels.items[i].value);
	/* What decides about names that are reserved. */
	for (size_t i = 0; i < entry->common.nassignments; i++)
		text_add_format(&labels, "%s\n", entry->common.assignments[i].probe->type->name);
	text_add_format(&labels, "%llx", (unsigned long long)shared_catalogue_hash(config->catalogue));
	hash[0] = hash_bytes(key, bytes->bytes, bytes->length);
	hash[1] = hash_bytes(key, labels.bytes, labels.length);
	text_free(&labels);
}

/* Whose labels are looked at. */
struct naming {
	const struct config *config;
	const struct config_template *common;
};

static bool is_reserved(const void *context, const char *name)
{
	const struct naming *naming = context;

	return config_is_reserved_label(naming->config, naming->common, name);
}

static void note_broken(struct file *file, const char *why)
{
	mem_free(file->error);
	file->error = why[0] >= '0' && why[0] <= '9' ? mem_format("%s:%s", file->path, why)
						     : mem_format("%s: %s", file->path, why);
	log_fault_begin(&file->fault, "targets", file->path, "%s; %s", why,
			file->content ? "its last good content stays in force" : "it gives no targets");
}

static void note_good(struct file *file)
{
	mem_free(file->error);
	file->error = NULL;
	file->read_ns = clock_realtime_ns();
	log_fault_end(&file->fault, "targets", file->path);
}

static void note_left_out(struct file *file)
{
	const struct file_targets *targets = &file->content->targets;

	if (targets->nleft_out > 0)
		log_fault_begin(&file->reserved_fault, "targets", file->path,
				"labels are left out because their names are reserved, such as \"%s\"",
				targets->left_out);
	else
		log_fault_end(&file->reserved_fault, "targets", file->path);
}

/* true: the content is another one now. */
static bool take_bytes(const struct config *config, struct file *file, const struct text *bytes)
{
	const struct config_labels *labels = &file->entry->common.labels;
	const struct naming naming = {config, &file->entry->common};
	const struct file_sd_rules rules = {is_reserved, &naming, labels->items, labels->n};
	struct file_targets targets;
	struct err err = {0};
	uint64_t hash[2];

	hash_content(config, file->entry, bytes, hash);
	if (file->content && memcmp(hash, file->content->hash, sizeof(hash)) == 0) {
		note_good(file);
		return false;
	}
	if (file_sd_parse(&targets, bytes->bytes, bytes->length, &rules, &err) == -1) {
		note_broken(file, err.text);
		return false;
	}
	target_content_release(file->content);
	file->content = mem_zero(1, sizeof(*file->content));
	file->content->holders = 1;
	file->content->path = mem_copy_string(file->path);
	file->content->targets = targets;
	memcpy(file->content->hash, hash, sizeof(hash));
	note_good(file);
	note_left_out(file);
	return true;
}

static bool read_file(const struct config *config, struct file *file)
{
	struct text bytes = {.ceiling = FILE_SD_BYTES_MAX};
	struct err err = {0};
	bool is_other = false;

	if (file_read(file->path, &bytes, &err) == -1)
		note_broken(file, err.text);
	else
		is_other = take_bytes(config, file, &bytes);
	text_free(&bytes);
	return is_other;
}

/* --- figures ----------------------------------------------------------------------------------------------------- */

static void show_file(const struct file *file, struct shown *shown)
{
	size_t targets = file->content ? file->content->targets.n : 0;

	shown->path = mem_copy_string(file->path);
	shown->readings[0] = reading_integer(TARGET_FILE_SUCCESS, file->error == NULL);
	shown->readings[1] = reading_integer(TARGET_FILE_TARGETS, (int64_t)targets);
	shown->readings[2] = reading_number(TARGET_FILE_TIME, clock_seconds(file->read_ns));
	shown->readings[3] = reading_integer(TARGET_FILE_COLLISIONS, (int64_t)file->collisions);
}

static void free_shown(struct shown *shown, size_t n)
{
	for (size_t i = 0; i < n; i++)
		mem_free(shown[i].path);
	mem_free(shown);
}

/* Makes the figures of now visible to other threads. */
static void show(struct target_files *files)
{
	struct shown *shown = mem_zero(files->n, sizeof(*shown)), *before;
	size_t nbefore;

	for (size_t i = 0; i < files->n; i++)
		show_file(&files->files[i], &shown[i]);
	pthread_mutex_lock(&files->lock);
	before = files->shown;
	nbefore = files->nshown;
	files->shown = shown;
	files->nshown = files->n;
	pthread_mutex_unlock(&files->lock);
	free_shown(before, nbefore);
}

void target_files_read(struct target_files *files,
		       void (*each)(void *arg, const char *file, const struct reading *readings, size_t n), void *arg)
{
	pthread_mutex_lock(&files->lock);
	for (size_t i = 0; i < files->nshown; i++)
		each(arg, files->shown[i].path, files->shown[i].readings, TARGET_FILE_MEASURES);
	pthread_mutex_unlock(&files->lock);
}

struct target_files_count target_files_count(const struct target_files *files)
{
	struct target_files_count count = {0};

	for (size_t i = 0; i < files->n; i++) {
		const struct config_template *common = &files->files[i].entry->common;
		size_t n = files->files[i].content ? files->files[i].content->targets.n : 0;

		count.targets += n;
		count.probes += n * common->nassignments;
		for (size_t k = 0; k < common->nassignments; k++)
			count.series += n * config_count_series_of(files->config, common->assignments[k].probe->type);
	}
	return count;
}

/* --- looking for files ------------------------------------------------------------------------------------------- */

static struct file *find_file(const struct target_files *files, const char *path,
			      const struct config_target_files *entry)
{
	for (size_t i = 0; i < files->n; i++)
		if (files->files[i].entry == entry && strcmp(files->files[i].path, path) == 0)
			return &files->files[i];
	return NULL;
}

static struct file *need_file(struct target_files *files, const char *path, const struct config_target_files *entry)
{
	struct file *file = find_file(files, path, entry);

	if (file)
		return file;
	if (files->n == files->room) {
		files->room = files->room ? files->room * 2 : 8;
		files->files = mem_resize(files->files, files->room, sizeof(*files->files));
	}
	file = &files->files[files->n++];
	*file = (struct file){.path = mem_copy_string(path), .entry = entry};
	return file;
}

static void free_file(struct file *file)
{
	target_content_release(file->content);
	mem_free(file->error);
	mem_free(file->path);
}

/* Nobody is interested any more in what was wrong with it. */
static void lose_file(struct file *file)
{
	log_fault_end(&file->fault, "targets", file->path);
	free_file(file);
}

static bool is_pattern(const char *path)
{
	return strpbrk(path, "*?[") != NULL;
}

/* A path that is no pattern is a file, there or not: if not, that is an error. */
static void find_files(struct target_files *files, const struct config_target_files *entry)
{
	glob_t found;

	if (!is_pattern(entry->path)) {
		need_file(files, entry->path, entry)->is_found = true;
		return;
	}
	if (glob(entry->path, 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc && i < FILES_MAX; i++)
		need_file(files, found.gl_pathv[i], entry)->is_found = true;
	if (found.gl_pathc > FILES_MAX)
		log_event(LOG_LEVEL_ERROR, "targets", entry->path,
			  "matches more than %d files, the others are left out", FILES_MAX);
	globfree(&found);
}

/* Those that no pattern finds any more take their targets with them. true: there were such. */
static bool forget_lost(struct target_files *files)
{
	size_t kept = 0;

	for (size_t i = 0; i < files->n; i++) {
		if (files->files[i].is_found)
			files->files[kept++] = files->files[i];
		else
			lose_file(&files->files[i]);
	}
	bool is_other = kept != files->n;
	files->n = kept;
	return is_other;
}

/* true: the targets are others now. */
static bool scan(struct target_files *files)
{
	bool is_other = false;

	for (size_t i = 0; i < files->n; i++)
		files->files[i].is_found = false;
	for (size_t i = 0; i < files->config->ntarget_files; i++)
		find_files(files, &files->config->target_files[i]);
	is_other = forget_lost(files);
	for (size_t i = 0; i < files->n; i++)
		is_other = read_file(files->config, &files->files[i]) || is_other;
	show(files);
	return is_other;
}

/* --- watching ---------------------------------------------------------------------------------------------------- */

static void watch_folder(struct target_files *files, const char *path)
{
	char *folder = file_folder(path);

	/* A pattern in the folder's name is left to the refresh; so is a folder that is not there yet. */
	if (!is_pattern(folder) &&
	    inotify_add_watch(files->inotify, folder,
			      IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ATTRIB |
				      IN_ONLYDIR) == -1 &&
	    errno != ENOENT && errno != ENOTDIR)
		log_fault_begin(&files->watch_fault, "targets", folder,
				"cannot be watched: %s; its files are read every refresh_interval all the same",
				strerror(errno));
	mem_free(folder);
}

static int64_t refresh_interval_ns(const struct target_files *files)
{
	int64_t least_ns = INT64_MAX;

	for (size_t i = 0; i < files->config->ntarget_files; i++)
		if (files->config->target_files[i].refresh_interval_ns < least_ns)
			least_ns = files->config->target_files[i].refresh_interval_ns;
	return least_ns;
}

static void look_again(struct target_files *files)
{
	/* Folders may have come meanwhile. */
	for (size_t i = 0; files->inotify != -1 && i < files->config->ntarget_files; i++)
		watch_folder(files, files->config->target_files[i].path);
	alarm_set(files->loop, &files->refresh, clock_monotonic_ns() + refresh_interval_ns(files));
	if (scan(files))
		files->changed(files->arg);
}

static void on_refresh(void *arg)
{
	look_again(arg);
}

static void on_settled(void *arg)
{
	struct target_files *files = arg;

	files->first_event_ns = 0;
	look_again(files);
}

/* What happened matters little: everything is looked at when it has become quiet. */
static void on_events(void *arg, unsigned events)
{
	struct target_files *files = arg;
	char buffer[4096];
	int64_t now_ns = clock_monotonic_ns();

	(void)events;
	while (read(files->inotify, buffer, sizeof(buffer)) > 0)
		;
	if (files->first_event_ns == 0)
		files->first_event_ns = now_ns;
	int64_t due_ns = now_ns + QUIET_NS;
	if (due_ns > files->first_event_ns + QUIET_MOST_NS)
		due_ns = files->first_event_ns + QUIET_MOST_NS;
	alarm_set(files->loop, &files->settle, due_ns);
}

static void start_watching(struct target_files *files)
{
	alarm_prepare(&files->refresh, on_refresh, files);
	alarm_prepare(&files->settle, on_settled, files);
	if (files->config->ntarget_files == 0)
		return;
	files->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (files->inotify == -1) {
		log_event(LOG_LEVEL_WARN, "targets", NULL,
			  "files cannot be watched: %s; they are read every refresh_interval all the same",
			  strerror(errno));
	} else {
		files->watch = watch_create(files->loop, files->inotify, on_events, files);
		watch_set(files->watch, WATCH_READ);
		for (size_t i = 0; i < files->config->ntarget_files; i++)
			watch_folder(files, files->config->target_files[i].path);
	}
	alarm_set(files->loop, &files->refresh, clock_monotonic_ns() + refresh_interval_ns(files));
}

/* --- life -------------------------------------------------------------------------------------------------------- */

/* The last good contents of files that are read now, too, should they be broken. */
static void inherit(struct target_files *files, const struct target_files *previous)
{
	for (size_t i = 0; i < previous->n; i++) {
		for (size_t k = 0; k < files->config->ntarget_files; k++) {
			const struct config_target_files *entry = &files->config->target_files[k];

			if (strcmp(entry->path, previous->files[i].entry->path) == 0)
				need_file(files, previous->files[i].path, entry)->content =
					hold(previous->files[i].content);
		}
	}
}

struct target_files *target_files_open(const struct config *config, const struct target_files *previous,
				       struct loop *loop, void (*changed)(void *arg), void *arg)
{
	struct target_files *files = mem_zero(1, sizeof(*files));

	files->config = config;
	files->loop = loop;
	files->changed = changed;
	files->arg = arg;
	files->inotify = -1;
	pthread_mutex_init(&files->lock, NULL);
	if (previous)
		inherit(files, previous);
	if (loop)
		start_watching(files);
	scan(files);
	return files;
}

void target_files_close(struct target_files *files)
{
	if (!files)
		return;
	if (files->loop) {
		alarm_cancel(files->loop, &files->refresh);
		alarm_cancel(files->loop, &files->settle);
		watch_free(files->watch);
	}
	if (files->inotify != -1)
		close(files->inotify);
	for (size_t i = 0; i < files->n; i++)
		free_file(&files->files[i]);
	mem_free(files->files);
	free_shown(files->shown, files->nshown);
	pthread_mutex_destroy(&files->lock);
	mem_free(files);
}

/* --- what they want ---------------------------------------------------------------------------------------------- */

static void add_target(const struct target_files *files, struct file *file, struct target *target,
		       struct desired_set *set)
{
	const struct config_template *common = &file->entry->common;

	for (size_t i = 0; i < common->nassignments; i++) {
		const struct config_assignment *assignment = &common->assignments[i];
		const struct probe_spec probe = desired_spec(files->config, assignment);
		const struct desired *other;

		if (desired_set_add(set, file->content->path, target, &probe, &other) == 0)
			continue;
		file->collisions++;
		log_fault_begin(&file->collision_fault, "targets", file->path,
				"target %s is left out: %s has it already", target_name(target), other->source);
	}
}

void target_files_add(struct target_files *files, struct desired_set *set)
{
	for (size_t i = 0; i < files->n; i++) {
		struct file *file = &files->files[i];

		file->collisions = 0;
		for (size_t k = 0; file->content && k < file->content->targets.n; k++)
			add_target(files, file, file->content->targets.items[k], set);
		if (file->collisions == 0)
			log_fault_end(&file->collision_fault, "targets", file->path);
	}
	show(files);
}

size_t target_files_errors(const struct target_files *files, struct text *out)
{
	size_t n = 0;

	for (size_t i = 0; i < files->n; i++) {
		if (!files->files[i].error)
			continue;
		text_add_format(out, "%s\n", files->files[i].error);
		n++;
	}
	return n;
}
