#include "geo/database.h"

#include <errno.h>
#include <fcntl.h>
#include <maxminddb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/utf8.h"
#include "geo/database_fields.h"
#include "geo/guard.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U /* Linux 6.3; some systems refuse memory without it */
#endif

#define COPY_BYTES    (256 * 1024)
#define TYPE_MAX      128
#define TRIALS        512
#define SIZE_MAX_MMDB INT64_C(0x7fffffff) /* offsets are of 32 bits, in places with a sign */

struct database {
	atomic_uint holders;
	char *path, *type;
	struct database_stamp stamp;
	int64_t built_seconds;
	MMDB_s mmdb;
	struct guard_file file;
};

/* --- files ------------------------------------------------------------------------------------------------------- */

static struct database_stamp stamp_of(const struct stat *stat)
{
	const struct timespec *changed = &stat->st_ctim;

	return (struct database_stamp){stat->st_dev, stat->st_ino, stat->st_size,
				       changed->tv_sec * NS_PER_SECOND + changed->tv_nsec};
}

bool database_stamp_is_equal(const struct database_stamp *a, const struct database_stamp *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size && a->changed_ns == b->changed_ns;
}

int database_look(const char *path, struct database_stamp *stamp, struct err *err)
{
	struct stat status;

	if (stat(path, &status) == -1)
		return err_set_errno(err, "cannot be looked at");
	*stamp = stamp_of(&status);
	return 0;
}

static int make_memory(struct err *err)
{
	const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int memory = memfd_create("netsonde-geo", flags | MFD_NOEXEC_SEAL);

	if (memory == -1 && errno == EINVAL)
		memory = memfd_create("netsonde-geo", flags);
	if (memory == -1)
		err_set_errno(err, "cannot get memory for it");
	return memory;
}

/* Nobody can change it from now on, we neither. */
static int seal(int memory, struct err *err)
{
	if (fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == -1)
		return err_set_errno(err, "cannot protect the memory with it");
	return 0;
}

static int write_all(int memory, const char *bytes, size_t n, struct err *err)
{
	while (n > 0) {
		ssize_t written = write(memory, bytes, n);

		if (written == -1 && errno == EINTR)
			continue;
		if (written <= 0)
			return err_set_errno(err, "cannot be kept in memory");
		bytes += written;
		n -= (size_t)written;
	}
	return 0;
}

/* Until the end, which must come after so many bytes. */
static int copy(int from, int memory, int64_t size, struct err *err)
{
	char *buffer = mem_alloc(COPY_BYTES);
	int result = 0;

	while (result == 0) {
		ssize_t n = read(from, buffer, COPY_BYTES);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			result = err_set_errno(err, "cannot be read");
		if (n <= 0)
			break;
		size -= n;
		result = size < 0 ? err_set(err, "is being written to") : write_all(memory, buffer, (size_t)n, err);
	}
	mem_free(buffer);
	if (result == 0 && size > 0)
		return err_set(err, "is being written to");
	return result;
}

static int check_status(const struct stat *status, int64_t size_max_bytes, struct err *err)
{
	if (!S_ISREG(status->st_mode))
		return err_set(err, "is no regular file");
	if (status->st_size == 0)
		return err_set(err, "is empty");
	if (status->st_size > size_max_bytes || status->st_size > SIZE_MAX_MMDB)
		return err_set(err, "has %lld bytes, which is more than the %lld that are allowed (geo.max_size)",
			       (long long)status->st_size, (long long)size_max_bytes);
	return 0;
}

/* A copy of what is in the open file. */
static int copy_file(int from, int64_t size_max_bytes, struct database_stamp *stamp, struct err *err)
{
	struct stat before, after;
	int memory;

	if (fstat(from, &before) == -1)
		return err_set_errno(err, "cannot be looked at");
	if (check_status(&before, size_max_bytes, err) == -1)
		return -1;
	memory = make_memory(err);
	if (memory == -1)
		return -1;
	if (copy(from, memory, before.st_size, err) == -1 || seal(memory, err) == -1)
		goto fail;
	*stamp = stamp_of(&before);
	/* Half of one content and half of another may look like a good database. */
	if (fstat(from, &after) == -1 || after.st_mtim.tv_sec != before.st_mtim.tv_sec ||
	    after.st_mtim.tv_nsec != before.st_mtim.tv_nsec) {
		err_set(err, "is being written to");
		goto fail;
	}
	return memory;

fail:
	close(memory);
	return -1;
}

/* --- opening ----------------------------------------------------------------------------------------------------- */

/* What the library is to see: checked first by way of a mapping of our own. */
static int check_memory(int memory, struct err *err)
{
	struct stat status;
	struct guard_file file;
	int result;

	if (fstat(memory, &status) == -1)
		return err_set_errno(err, "cannot be looked at");
	file.size = (size_t)status.st_size;
	file.bytes = mmap(NULL, file.size, PROT_READ, MAP_PRIVATE, memory, 0);
	if (file.bytes == MAP_FAILED)
		return err_set_errno(err, "cannot be kept in memory");
	result = guard_check_file(&file, err);
	munmap((void *)(uintptr_t)file.bytes, file.size);
	return result;
}

static int open_library(struct database *database, int memory, struct err *err)
{
	char path[64];
	int status;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
	status = MMDB_open(path, MMDB_MODE_MMAP, &database->mmdb);
	if (status == MMDB_FILE_OPEN_ERROR)
		return err_set(err, "cannot be opened by way of /proc, which must be there");
	if (status != MMDB_SUCCESS)
		return err_set(err, "%s", MMDB_strerror(status));
	database->file.bytes = database->mmdb.file_content;
	database->file.size = (size_t)database->mmdb.file_size;
	if (guard_check_file(&database->file, err) == -1) {
		MMDB_close(&database->mmdb);
		return -1;
	}
	return 0;
}

/* Addresses from everywhere: a file whose records are damaged shows it somewhere. */
static int try_addresses(const struct database *database, struct err *err)
{
	static const struct option_list no_languages;
	unsigned damaged = 0;

	for (unsigned i = 0; i < TRIALS; i++) {
		struct address address = {.bytes = {(uint8_t)(i / 2), (uint8_t)(i * 37), (uint8_t)(i * 11), 1},
					  .family = ADDRESS_IPV4};
		struct place_draft draft = {0};

		if (i % 2)
			address = (struct address){
				.bytes = {(uint8_t)(0x20 | i >> 7), (uint8_t)(i * 19), (uint8_t)(i * 5)},
				.family = ADDRESS_IPV6};
		damaged += database_find(database, &address, &no_languages, &draft) == DATABASE_DAMAGED;
	}
	if (damaged > 0)
		return err_set(err, "is damaged: what it has for %u of %u addresses makes no sense", damaged, TRIALS);
	return 0;
}

/* A label: no more of it than can be shown. */
static char *type_of(const MMDB_s *mmdb)
{
	const char *type = mmdb->metadata.database_type;
	size_t n = strnlen(type, TYPE_MAX);

	return mem_format("%.*s", (int)utf8_length(type, n), type);
}

/* Of sealed memory, which is closed. */
static struct database *open_memory(const char *path, int memory, struct err *err)
{
	struct database *database = mem_zero(1, sizeof(*database));

	if (check_memory(memory, err) == -1 || open_library(database, memory, err) == -1) {
		close(memory);
		mem_free(database);
		return NULL;
	}
	close(memory);
	atomic_init(&database->holders, 1);
	database->path = mem_copy_string(path);
	database->type = type_of(&database->mmdb);
	/* A moment that no clock can show is none. */
	if (database->mmdb.metadata.build_epoch <= INT64_MAX / NS_PER_SECOND)
		database->built_seconds = (int64_t)database->mmdb.metadata.build_epoch;
	if (try_addresses(database, err) == -1) {
		database_release(database);
		return NULL;
	}
	return database;
}

struct database *database_open(const char *path, int64_t size_max_bytes, struct err *err)
{
	/* A pipe would make us wait for its other end. */
	int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), memory;
	struct database_stamp stamp;
	struct database *database;

	if (from == -1) {
		err_set_errno(err, "cannot be opened");
		return NULL;
	}
	memory = copy_file(from, size_max_bytes, &stamp, err);
	close(from);
	if (memory == -1)
		return NULL;
	database = open_memory(path, memory, err);
	if (database)
		database->stamp = stamp;
	return database;
}

struct database *database_open_bytes(const char *name, const void *bytes, size_t n, struct err *err)
{
	int memory;

	if (n == 0) {
		err_set(err, "is empty");
		return NULL;
	}
	memory = make_memory(err);
	if (memory == -1)
		return NULL;
	if (write_all(memory, bytes, n, err) == -1 || seal(memory, err) == -1) {
		close(memory);
		return NULL;
	}
	return open_memory(name, memory, err);
}

struct database *database_hold(struct database *database)
{
	atomic_fetch_add_explicit(&database->holders, 1, memory_order_relaxed);
	return database;
}

void database_release(struct database *database)
{
	if (!database || atomic_fetch_sub_explicit(&database->holders, 1, memory_order_acq_rel) > 1)
		return;
	MMDB_close(&database->mmdb);
	mem_free(database->type);
	mem_free(database->path);
	mem_free(database);
}

/* --- asking ------------------------------------------------------------------------------------------------------ */

const char *database_path(const struct database *database)
{
	return database->path;
}

const char *database_type(const struct database *database)
{
	return database->type;
}

int64_t database_built_seconds(const struct database *database)
{
	return database->built_seconds;
}

int64_t database_size_bytes(const struct database *database)
{
	return (int64_t)database->file.size;
}

const struct database_stamp *database_stamp(const struct database *database)
{
	return &database->stamp;
}

enum database_answer database_find(const struct database *database, const struct address *address,
				   const struct option_list *languages, struct place_draft *draft)
{
	struct sockaddr_storage storage;
	MMDB_lookup_result_s result;
	int status = MMDB_SUCCESS;

	/* address.h turns IPv4 in IPv6 into IPv4, which the library would not. */
	if (address->family == ADDRESS_NONE ||
	    (address->family == ADDRESS_IPV6 && database->mmdb.metadata.ip_version == 4))
		return DATABASE_NOT_FOUND;
	address_to_sockaddr(address, &storage);
	result = MMDB_lookup_sockaddr(&database->mmdb, (const struct sockaddr *)&storage, &status);
	if (status != MMDB_SUCCESS)
		return DATABASE_DAMAGED;
	if (!result.found_entry)
		return DATABASE_NOT_FOUND;
	if (!guard_check_record(&database->file, result.entry.offset))
		return DATABASE_DAMAGED;
	database_read_fields(&result.entry, languages, draft);
	return DATABASE_FOUND;
}
