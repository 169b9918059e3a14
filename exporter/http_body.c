#include "exporter/http_body.h"

#include <ctype.h>

/* Where in the body the next byte is. Line ends are CR LF to the letter: a lone LF is read differently by different
 * programs, and somebody between could see other requests than this server does. */
enum {
	STATE_LENGTH, /* a body without chunks */
	STATE_SIZE,
	STATE_EXTENSION,
	STATE_SIZE_LF,
	STATE_DATA,
	STATE_DATA_CR,
	STATE_DATA_LF,
	STATE_TRAILER, /* at the start of a line */
	STATE_TRAILER_LINE,
	STATE_TRAILER_LF,
	STATE_LAST_LF,
};

#define SIZE_DIGITS_MAX 8 /* leading zeros included */

void http_body_begin(struct http_body *body, const struct http_request *request, uint64_t max)
{
	*body = (struct http_body){.state = request->is_chunked ? STATE_SIZE : STATE_LENGTH,
				   .max = max,
				   .left = request->is_chunked ? 0 : request->content_length};
	body->is_complete = !request->is_chunked && request->content_length == 0;
	if (body->left > max)
		body->status = 413;
}

static void expect(struct http_body *body, char byte, char expected, unsigned next)
{
	if (byte == expected)
		body->state = next;
	else
		body->status = 400;
}

static void count_extra(struct http_body *body)
{
	if (++body->extra > HTTP_EXTRA_MAX)
		body->status = 413;
}

static void read_digit(struct http_body *body, unsigned char byte)
{
	unsigned digit = isdigit(byte) ? byte - (unsigned)'0' : (unsigned)tolower(byte) - 'a' + 10;
	body->left = body->left * 16 + digit;
	if (++body->digits > SIZE_DIGITS_MAX || body->total + body->left > body->max)
		body->status = 413;
}

static void read_size(struct http_body *body, char byte)
{
	if (isxdigit((unsigned char)byte))
		read_digit(body, (unsigned char)byte);
	else if (body->digits > 0 && byte == '\r')
		body->state = STATE_SIZE_LF;
	else if (body->digits > 0 && (byte == ';' || byte == ' ' || byte == '\t'))
		body->state = STATE_EXTENSION;
	else
		body->status = 400;
}

static void read_extension(struct http_body *body, char byte)
{
	if (byte == '\r')
		body->state = STATE_SIZE_LF;
	else if (byte == '\n')
		body->status = 400;
	else
		count_extra(body);
}

/* The last chunk has no bytes; trailer fields and an empty line follow it. */
static void end_size(struct http_body *body, char byte)
{
	expect(body, byte, '\n', body->left > 0 ? STATE_DATA : STATE_TRAILER);
	body->total += body->left;
	body->digits = 0;
}

static void read_trailer(struct http_body *body, char byte)
{
	if (byte == '\r')
		body->state = body->state == STATE_TRAILER ? STATE_LAST_LF : STATE_TRAILER_LF;
	else if (byte == '\n')
		body->status = 400;
	else
		body->state = STATE_TRAILER_LINE;
	count_extra(body);
}

static void end_body(struct http_body *body, char byte)
{
	if (byte == '\n')
		body->is_complete = true;
	else
		body->status = 400;
}

static void read_byte(struct http_body *body, char byte)
{
	switch (body->state) {
	case STATE_SIZE:
		read_size(body, byte);
		break;
	case STATE_EXTENSION:
		read_extension(body, byte);
		break;
	case STATE_SIZE_LF:
		end_size(body, byte);
		break;
	case STATE_DATA_CR:
		expect(body, byte, '\r', STATE_DATA_LF);
		break;
	case STATE_DATA_LF:
		expect(body, byte, '\n', STATE_SIZE);
		break;
	case STATE_TRAILER_LF:
		expect(body, byte, '\n', STATE_TRAILER);
		break;
	case STATE_LAST_LF:
		end_body(body, byte);
		break;
	default:
		read_trailer(body, byte);
		break;
	}
}

/* The bytes of a body or chunk. */
static size_t take_data(struct http_body *body, const char *bytes, size_t n)
{
	size_t taken = n < body->left ? n : (size_t)body->left;
	if (body->kept)
		text_add_bytes(body->kept, bytes, taken);
	body->left -= taken;
	if (body->left > 0)
		return taken;
	if (body->state == STATE_LENGTH)
		body->is_complete = true;
	else
		body->state = STATE_DATA_CR;
	return taken;
}

size_t http_body_read(struct http_body *body, const char *bytes, size_t n)
{
	size_t used = 0;
	while (used < n && !body->is_complete && body->status == 0) {
		if (body->state == STATE_LENGTH || body->state == STATE_DATA)
			used += take_data(body, bytes + used, n - used);
		else
			read_byte(body, bytes[used++]);
	}
	return used;
}
