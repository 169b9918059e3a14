#include "core/hash.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "core/log.h"

/* The state of SipHash; names and constants as in the paper, section 2. */
struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
	return (x << bits) | (x >> (64 - bits));
}

static inline void sip_round(struct sip *sip)
{
	sip->v0 += sip->v1;
	sip->v2 += sip->v3;
	sip->v1 = rotate(sip->v1, 13) ^ sip->v0;
	sip->v3 = rotate(sip->v3, 16) ^ sip->v2;
	sip->v0 = rotate(sip->v0, 32);
	sip->v2 += sip->v1;
	sip->v0 += sip->v3;
	sip->v1 = rotate(sip->v1, 17) ^ sip->v2;
	sip->v3 = rotate(sip->v3, 21) ^ sip->v0;
	sip->v2 = rotate(sip->v2, 32);
}

static inline struct sip sip_begin(struct hash_key key)
{
	return (struct sip){
		.v0 = key.k0 ^ UINT64_C(0x736f6d6570736575),
		.v1 = key.k1 ^ UINT64_C(0x646f72616e646f6d),
		.v2 = key.k0 ^ UINT64_C(0x6c7967656e657261),
		.v3 = key.k1 ^ UINT64_C(0x7465646279746573),
	};
}

static inline void sip_add(struct sip *sip, uint64_t word)
{
	sip->v3 ^= word;
	sip_round(sip);
	sip_round(sip);
	sip->v0 ^= word;
}

static inline uint64_t sip_end(struct sip *sip)
{
	sip->v2 ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(sip);
	return sip->v0 ^ sip->v1 ^ sip->v2 ^ sip->v3;
}

uint64_t hash_bytes(struct hash_key key, const void *bytes, size_t n)
{
	const uint8_t *next = bytes;
	struct sip sip = sip_begin(key);
	uint64_t word;

	for (size_t left = n / 8; left > 0; left--, next += 8) {
		memcpy(&word, next, 8);
		sip_add(&sip, le64toh(word));
	}
	/* The last word: what is left over, and the length in its top byte. */
	word = (uint64_t)n << 56;
	for (unsigned i = 0; i < n % 8; i++)
		word |= (uint64_t)next[i] << (8 * i);
	sip_add(&sip, word);
	return sip_end(&sip);
}

uint64_t hash_string(struct hash_key key, const char *string)
{
	return hash_bytes(key, string, strlen(string));
}

uint64_t hash_number(struct hash_key key, uint64_t number)
{
	struct sip sip = sip_begin(key);

	sip_add(&sip, number);
	sip_add(&sip, UINT64_C(8) << 56);
	return sip_end(&sip);
}

uint64_t hash_stable(const char *string)
{
	return hash_string((struct hash_key){0, 0}, string);
}

void hash_random(void *bytes, size_t n)
{
	uint8_t *next = bytes;

	while (n > 0) {
		ssize_t got = getrandom(next, n, 0);

		if (got < 0 && errno != EINTR) {
			log_event(LOG_LEVEL_ERROR, "random", NULL, "the kernel gives no random bytes (errno %d)",
				  errno);
			_exit(EXIT_FAILURE);
		}
		if (got > 0) {
			next += got;
			n -= (size_t)got;
		}
	}
}

struct hash_key hash_key_random(void)
{
	struct hash_key key;

	hash_random(&key, sizeof(key));
	return key;
}
