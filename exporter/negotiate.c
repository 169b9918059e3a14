#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "exporter/render.h"

#define QUALITY_FULL 1000

/* A piece of a header, without the white space around it. */
struct piece {
	const char *bytes;
	size_t length;
};

static struct piece trim(struct piece piece)
{
	while (piece.length > 0 && isspace((unsigned char)piece.bytes[0])) {
		piece.bytes++;
		piece.length--;
	}
	while (piece.length > 0 && isspace((unsigned char)piece.bytes[piece.length - 1]))
		piece.length--;
	return piece;
}

/* Cuts what is before the next separator off rest. */
static bool next_piece(struct piece *rest, char separator, struct piece *piece)
{
	if (!rest->bytes)
		return false;
	const char *end = rest->length > 0 ? memchr(rest->bytes, separator, rest->length) : NULL;
	size_t length = end ? (size_t)(end - rest->bytes) : rest->length;
	*piece = trim((struct piece){rest->bytes, length});
	*rest = end ? (struct piece){end + 1, rest->length - length - 1} : (struct piece){0};
	return true;
}

static bool is_word(struct piece piece, const char *word)
{
	return piece.length == strlen(word) && strncasecmp(piece.bytes, word, piece.length) == 0;
}

static struct piece unquote(struct piece piece)
{
	if (piece.length >= 2 && piece.bytes[0] == '"' && piece.bytes[piece.length - 1] == '"')
		return (struct piece){piece.bytes + 1, piece.length - 2};
	return piece;
}

/* "0.75" -> 750. What is no quality (RFC 9110 section 12.4.2) counts as 0: not wanted. */
static int parse_quality(struct piece piece)
{
	if (piece.length == 0 || piece.length > 5 || (piece.bytes[0] != '0' && piece.bytes[0] != '1'))
		return 0;
	int quality = (piece.bytes[0] - '0') * QUALITY_FULL;
	if (piece.length > 1 && piece.bytes[1] != '.')
		return 0;
	int worth = 100;
	for (size_t i = 2; i < piece.length; i++, worth /= 10) {
		if (!isdigit((unsigned char)piece.bytes[i]))
			return 0;
		quality += (piece.bytes[i] - '0') * worth;
	}
	return quality <= QUALITY_FULL ? quality : 0;
}

/* One entry of Accept or Accept-Encoding. */
struct offer {
	struct piece what, version;
	int quality;
};

static struct offer parse_offer(struct piece entry)
{
	struct offer offer = {.quality = QUALITY_FULL};
	struct piece parameter;
	next_piece(&entry, ';', &offer.what);
	while (next_piece(&entry, ';', &parameter)) {
		struct piece value = parameter, name;
		next_piece(&value, '=', &name);
		if (!value.bytes)
			continue;
		if (is_word(name, "q"))
			offer.quality = parse_quality(trim(value));
		else if (is_word(name, "version"))
			offer.version = unquote(trim(value));
	}
	return offer;
}

/* How well an entry names a format that we have: 0 = not at all, 1 = by a wildcard, 2 = by its name. A version of
 * text/plain that we do not have is answered with the oldest one, as the Prometheus documentation asks. */
static int match_offer(const struct offer *offer, enum render_format *format)
{
	*format = RENDER_TEXT;
	if (is_word(offer->what, "application/openmetrics-text")) {
		*format = RENDER_OPENMETRICS;
		return offer->version.length == 0 || is_word(offer->version, "1.0.0") ? 2 : 0;
	}
	if (is_word(offer->what, "text/plain"))
		return 2;
	return is_word(offer->what, "text/*") || is_word(offer->what, "*/*");
}

enum render_format render_negotiate(const char *accept)
{
	enum render_format best = RENDER_TEXT;
	int best_quality = 0, best_match = 0;
	struct piece rest = {accept, accept ? strlen(accept) : 0}, entry;
	while (next_piece(&rest, ',', &entry)) {
		enum render_format format;
		struct offer offer = parse_offer(entry);
		int match = match_offer(&offer, &format);
		if (match == 0 || offer.quality == 0)
			continue;
		if (offer.quality > best_quality || (offer.quality == best_quality && match > best_match)) {
			best = format;
			best_quality = offer.quality;
			best_match = match;
		}
	}
	return best;
}

bool render_accepts_gzip(const char *accept_encoding)
{
	int by_name = -1, by_wildcard = 0;
	struct piece rest = {accept_encoding, accept_encoding ? strlen(accept_encoding) : 0}, entry;
	while (next_piece(&rest, ',', &entry)) {
		struct offer offer = parse_offer(entry);
		if (is_word(offer.what, "gzip") || is_word(offer.what, "x-gzip"))
			by_name = offer.quality;
		else if (is_word(offer.what, "*"))
			by_wildcard = offer.quality;
	}
	return by_name >= 0 ? by_name > 0 : by_wildcard > 0;
}
