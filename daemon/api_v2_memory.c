#include "daemon/api_v2_memory.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "core/mem.h"

#define PIECE_BYTES ((size_t)4096)

struct piece {
	struct piece *next;
	size_t size, used;
	alignas(max_align_t) unsigned char bytes[];
};

struct api_v2_memory {
	struct piece *first; /* the one that has room */
};

struct api_v2_memory *api_v2_memory_create(void)
{
	return mem_zero(1, sizeof(struct api_v2_memory));
}

void api_v2_memory_free(struct api_v2_memory *memory)
{
	struct piece *piece = memory ? memory->first : NULL;

	while (piece) {
		struct piece *next = piece->next;

		explicit_bzero(piece->bytes, piece->used);
		mem_free(piece);
		piece = next;
	}
	mem_free(memory);
}

static void add_piece(struct api_v2_memory *memory, size_t size)
{
	size_t wanted = memory->first ? memory->first->size * 2 : PIECE_BYTES;
	struct piece *piece;

	if (wanted > (size_t)1 << 20)
		wanted = (size_t)1 << 20;
	if (wanted < size)
		wanted = size;
	piece = mem_zero(1, sizeof(*piece) + wanted);
	piece->size = wanted;
	piece->next = memory->first;
	memory->first = piece;
}

static void *take(struct api_v2_memory *memory, size_t size, size_t alignment)
{
	struct piece *piece = memory->first;
	size_t at = piece ? (piece->used + alignment - 1) / alignment * alignment : 0;

	if (!piece || at > piece->size || piece->size - at < size) {
		add_piece(memory, size);
		piece = memory->first;
		at = 0;
	}
	piece->used = at + size;
	return piece->bytes + at;
}

void *api_v2_take(struct api_v2_memory *memory, size_t n, size_t size)
{
	return take(memory, n * size, alignof(max_align_t));
}

char *api_v2_copy(struct api_v2_memory *memory, const void *bytes, size_t n)
{
	char *copy = take(memory, n + 1, 1);

	if (n > 0)
		memcpy(copy, bytes, n);
	copy[n] = '\0';
	return copy;
}
