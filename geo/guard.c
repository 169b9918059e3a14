#include "geo/guard.h"

#include <string.h>

#define MARKER       "\xab\xcd\xefMaxMind.com"
#define MARKER_SIZE  (sizeof(MARKER) - 1)
#define METADATA_MAX (128 * 1024) /* the marker is looked for that far from the end */
#define SEPARATOR    16           /* bytes between tree and data */
#define SECTION_MAX  UINT32_MAX   /* offsets are of 32 bits */

enum value_type {
	VALUE_EXTENDED,
	VALUE_POINTER,
	VALUE_STRING,
	VALUE_DOUBLE,
	VALUE_BYTES,
	VALUE_UINT16,
	VALUE_UINT32,
	VALUE_MAP,
	VALUE_INT32,
	VALUE_UINT64,
	VALUE_UINT128,
	VALUE_ARRAY,
	VALUE_CONTAINER,
	VALUE_END,
	VALUE_BOOLEAN,
	VALUE_FLOAT,
	VALUE_TYPES
};

/* Most bytes of a value, or all that it may have. */
static const struct {
	uint8_t most;
	bool is_exact;
} sizes[VALUE_TYPES] = {
	[VALUE_DOUBLE] = {8, true}, [VALUE_UINT16] = {2, false}, [VALUE_UINT32] = {4, false},
	[VALUE_INT32] = {4, false}, [VALUE_UINT64] = {8, false}, [VALUE_UINT128] = {16, false},
	[VALUE_FLOAT] = {4, true},
};

/* A section that values are in, and how much more of them may come. */
struct walk {
	const uint8_t *bytes;
	size_t size;
	unsigned left;
};

/* One value. pointer: to where, of VALUE_POINTER. content: where its bytes, or its first member, begin. */
struct value {
	enum value_type type;
	uint32_t size, pointer;
	size_t content;
	bool is_elsewhere; /* behind a pointer */
};

/* --- decoding ---------------------------------------------------------------------------------------------------- */

static bool read_number(const struct walk *walk, size_t *offset, unsigned n, uint32_t *number)
{
	if (*offset > walk->size || walk->size - *offset < n)
		return false;
	*number = 0;
	while (n-- > 0)
		*number = *number << 8 | walk->bytes[(*offset)++];
	return true;
}

static bool read_pointer(const struct walk *walk, size_t offset, uint32_t control, struct value *value)
{
	static const uint32_t bases[] = {0, 2048, 526336, 0};
	unsigned form = control >> 3 & 3;
	uint32_t number;

	if (!read_number(walk, &offset, form + 1, &number))
		return false;
	value->pointer = form == 3 ? number : ((control & 7) << (8 * (form + 1)) | number) + bases[form];
	value->content = offset;
	return value->pointer < walk->size;
}

static bool read_size(const struct walk *walk, size_t *offset, uint32_t control, uint32_t *size)
{
	static const uint32_t bases[] = {29, 285, 65821};
	uint32_t written = control & 0x1f;

	*size = written;
	if (written < 29)
		return true;
	if (!read_number(walk, offset, written - 28, size))
		return false;
	*size += bases[written - 29];
	return true;
}

static bool is_size_good(const struct walk *walk, const struct value *value)
{
	switch (value->type) {
	case VALUE_STRING:
	case VALUE_BYTES:
		return value->size <= walk->size - value->content;
	case VALUE_MAP:
	case VALUE_ARRAY:
		return value->size <= walk->left;
	case VALUE_BOOLEAN:
		return value->size <= 1;
	case VALUE_EXTENDED:
	case VALUE_POINTER:
	case VALUE_CONTAINER:
	case VALUE_END:
	case VALUE_TYPES:
		return false;
	default:
		return value->size <= walk->size - value->content && value->size <= sizes[value->type].most &&
		       (!sizes[value->type].is_exact || value->size == sizes[value->type].most);
	}
}

static bool read_value(const struct walk *walk, size_t offset, struct value *value)
{
	uint32_t control, type;

	if (!read_number(walk, &offset, 1, &control))
		return false;
	value->type = (enum value_type)(control >> 5);
	if (value->type == VALUE_POINTER)
		return read_pointer(walk, offset, control, value);
	if (value->type == VALUE_EXTENDED) {
		if (!read_number(walk, &offset, 1, &type) || type == 0 || type + 7 >= VALUE_TYPES)
			return false;
		value->type = (enum value_type)(type + 7);
	}
	if (!read_size(walk, &offset, control, &value->size))
		return false;
	value->content = offset;
	return is_size_good(walk, value);
}

/* --- walking ----------------------------------------------------------------------------------------------------- */

/* The value itself, behind a pointer or not; a pointer to a pointer is none. next: where the one after it begins. */
static bool follow(struct walk *walk, size_t offset, struct value *value, size_t *next)
{
	if (walk->left == 0 || !read_value(walk, offset, value))
		return false;
	walk->left--;
	*next = value->content;
	value->is_elsewhere = value->type == VALUE_POINTER;
	if (value->is_elsewhere)
		return read_value(walk, value->pointer, value) && value->type != VALUE_POINTER;
	if (value->type != VALUE_MAP && value->type != VALUE_ARRAY && value->type != VALUE_BOOLEAN)
		*next += value->size;
	return true;
}

static bool check_value(struct walk *walk, size_t *offset, unsigned depth);

static bool check_key(struct walk *walk, size_t *offset)
{
	struct value key;

	return follow(walk, *offset, &key, offset) && key.type == VALUE_STRING;
}

static bool check_members(struct walk *walk, const struct value *value, size_t *end, unsigned depth)
{
	*end = value->content;
	for (uint32_t i = 0; i < value->size; i++) {
		if (value->type == VALUE_MAP && !check_key(walk, end))
			return false;
		if (!check_value(walk, end, depth + 1))
			return false;
	}
	return true;
}

/* offset is moved behind the value. */
static bool check_value(struct walk *walk, size_t *offset, unsigned depth)
{
	struct value value;
	size_t next, end;

	if (depth > GUARD_DEPTH_MAX || !follow(walk, *offset, &value, &next))
		return false;
	if (value.type == VALUE_MAP || value.type == VALUE_ARRAY) {
		if (!check_members(walk, &value, &end, depth))
			return false;
		if (!value.is_elsewhere)
			next = end;
	}
	*offset = next;
	return true;
}

bool guard_check_record(const struct guard_file *file, size_t offset)
{
	struct walk walk = {file->bytes + file->data_offset, file->data_size, GUARD_VALUES_MAX};

	return offset < walk.size && check_value(&walk, &offset, 0);
}

/* --- metadata ---------------------------------------------------------------------------------------------------- */

/* The member of the map at the beginning of the section, which was checked. */
static bool find_member(const struct walk *section, const char *name, struct value *found)
{
	struct walk walk = *section;
	struct value map, key;
	size_t offset, next;

	if (!follow(&walk, 0, &map, &next) || map.type != VALUE_MAP)
		return false;
	offset = map.content;
	for (uint32_t i = 0; i < map.size; i++) {
		if (!follow(&walk, offset, &key, &offset) || key.type != VALUE_STRING)
			return false;
		if (key.size == strlen(name) && memcmp(walk.bytes + key.content, name, key.size) == 0)
			return follow(&walk, offset, found, &next);
		if (!check_value(&walk, &offset, 0))
			return false;
	}
	return false;
}

static bool find_number(const struct walk *section, const char *name, enum value_type type, uint64_t *number)
{
	struct value value;

	if (!find_member(section, name, &value) || value.type != type)
		return false;
	*number = 0;
	for (uint32_t i = 0; i < value.size; i++)
		*number = *number << 8 | section->bytes[value.content + i];
	return true;
}

/* The library gives up at a language or description that is no text, and loses memory. */
static bool has_only_texts(const struct walk *section, const struct value *list)
{
	struct walk walk = *section;
	size_t offset = list->content;
	struct value value;

	if (list->type != VALUE_MAP && list->type != VALUE_ARRAY)
		return true;
	for (uint32_t i = 0; i < list->size * (list->type == VALUE_MAP ? 2 : 1); i++) {
		if (!follow(&walk, offset, &value, &offset) || value.type != VALUE_STRING)
			return false;
	}
	return true;
}

static int check_metadata(const struct walk *section, struct guard_file *file, struct err *err)
{
	static const struct {
		const char *name;
		enum value_type type;
	} others[] = {{"database_type", VALUE_STRING},
		      {"languages", VALUE_ARRAY},
		      {"description", VALUE_MAP},
		      {"build_epoch", VALUE_UINT64},
		      {"binary_format_minor_version", VALUE_UINT16}};
	uint64_t nodes, bits, ip_version, version;
	struct value value;

	if (!find_number(section, "binary_format_major_version", VALUE_UINT16, &version) || version != 2)
		return err_set(err, "its metadata does not name version 2 of the format");
	if (!find_number(section, "node_count", VALUE_UINT32, &nodes) ||
	    !find_number(section, "record_size", VALUE_UINT16, &bits) ||
	    !find_number(section, "ip_version", VALUE_UINT16, &ip_version))
		return err_set(err, "its metadata has no node_count, record_size or ip_version");
	if ((bits != 24 && bits != 28 && bits != 32) || (ip_version != 4 && ip_version != 6))
		return err_set(err,
			       "its metadata has a record_size of %u and an ip_version of %u, which no such file has",
			       (unsigned)bits, (unsigned)ip_version);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		/* The description is the one that may be absent. */
		bool is_there = find_member(section, others[i].name, &value);

		if (is_there ? value.type != others[i].type || !has_only_texts(section, &value)
			     : others[i].type != VALUE_MAP)
			return err_set(err, "its metadata has no %s, or not as it should be", others[i].name);
	}
	file->node_count = (uint32_t)nodes;
	file->record_bits = (unsigned)bits;
	return 0;
}

/* Behind the last marker; 0: there is none. */
static size_t find_metadata(const struct guard_file *file)
{
	size_t first = file->size > METADATA_MAX ? file->size - METADATA_MAX : 0, found = 0;

	for (;;) {
		const uint8_t *marker = memmem(file->bytes + first, file->size - first, MARKER, MARKER_SIZE);

		if (!marker)
			return found;
		first = found = (size_t)(marker - file->bytes) + MARKER_SIZE;
	}
}

int guard_check_file(struct guard_file *file, struct err *err)
{
	size_t metadata = find_metadata(file), offset = 0;
	struct walk section = {file->bytes + metadata, file->size - metadata, GUARD_VALUES_MAX};
	uint64_t tree;

	if (metadata == 0)
		return err_set(err, "is no MaxMind database, or its end is missing (there is no metadata)");
	if (!check_value(&section, &offset, 0))
		return err_set(err, "its metadata is damaged");
	section.left = GUARD_VALUES_MAX;
	if (check_metadata(&section, file, err) == -1)
		return -1;
	tree = (uint64_t)file->node_count * file->record_bits / 4;
	if (file->size > SECTION_MAX || tree + SEPARATOR > metadata - MARKER_SIZE)
		return err_set(err, "its metadata claims %u nodes, for which the file is too small", file->node_count);
	file->data_offset = (size_t)tree + SEPARATOR;
	file->data_size = metadata - MARKER_SIZE - file->data_offset;
	return 0;
}
