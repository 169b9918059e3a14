#include "exporter/http_wire.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <time.h>

size_t http_head_length(const char *bytes, size_t n, size_t from)
{
	for (size_t i = from; i < n; i++) {
		if (bytes[i] != '\n')
			continue;
		if (i + 1 < n && bytes[i + 1] == '\n')
			return i + 2;
		if (i + 2 < n && bytes[i + 1] == '\r' && bytes[i + 2] == '\n')
			return i + 3;
	}
	return 0;
}

/* --- requests ---------------------------------------------------------------------------------------------------- */

static bool is_token_character(unsigned char c)
{
	return isalnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(const char *text)
{
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (!is_token_character((unsigned char)*text))
			return false;
	}
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decodes n bytes to out, which may be the same memory; returns the length or -1. */
static int decode_percent(const char *text, size_t n, bool is_form, char *out)
{
	int length = 0;
	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		if (c == '+' && is_form)
			c = ' ';
		if (c == '%') {
			int high = i + 2 < n ? hex_digit(text[i + 1]) : -1;
			int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
			if (low < 0)
				return -1;
			c = (char)(high * 16 + low);
			i += 2;
		}
		if (c == '\0')
			return -1;
		out[length++] = c;
	}
	out[length] = '\0';
	return length;
}

/* "/path?query", "http://host/path?query" or "*". */
static int parse_target(char *target, struct http_request *request)
{
	if (strncasecmp(target, "http://", 7) == 0) {
		char *path = target + 7 + strcspn(target + 7, "/?");
		/* "http://host?query": the empty path is "/", for which the last character of the host makes room. */
		if (path == target + 7)
			return 400;
		if (*path != '/')
			*--path = '/';
		target = path;
	} else if (target[0] != '/' && strcmp(target, "*") != 0) {
		return 400;
	}
	for (const char *c = target; *c != '\0'; c++) {
		if ((unsigned char)*c <= ' ' || (unsigned char)*c == 0x7F)
			return 400;
	}
	char *query = strchr(target, '?');
	size_t length = query ? (size_t)(query - target) : strlen(target);
	request->query = query ? query + 1 : "";
	request->path = target;
	return decode_percent(target, length, false, target) < 0 ? 400 : 0;
}

static int parse_version(const char *version, struct http_request *request)
{
	if (strncmp(version, "HTTP/", 5) != 0 || !isdigit((unsigned char)version[5]) || version[6] != '.' ||
	    !isdigit((unsigned char)version[7]) || version[8] != '\0')
		return 400;
	if (version[5] != '1')
		return 505;
	request->minor = (unsigned)(version[7] - '0');
	request->keeps_alive = request->minor >= 1;
	return 0;
}

static int parse_request_line(char *line, struct http_request *request)
{
	char *target = strchr(line, ' ');
	char *version = target ? strchr(target + 1, ' ') : NULL;
	if (!version)
		return 400;
	*target++ = '\0';
	*version++ = '\0';
	request->method = line;
	if (!is_token(line))
		return 400;
	int status = parse_version(version, request);
	return status != 0 ? status : parse_target(target, request);
}

static bool is_field_value(const char *value)
{
	for (; *value != '\0'; value++) {
		if (((unsigned char)*value < ' ' && *value != '\t') || (unsigned char)*value == 0x7F)
			return false;
	}
	return true;
}

static int parse_field(char *line, struct http_request *request)
{
	char *colon = strchr(line, ':');
	if (!colon)
		return 400;
	*colon = '\0';
	char *value = colon + 1 + strspn(colon + 1, " \t");
	for (size_t n = strlen(value); n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t');)
		value[--n] = '\0';
	/* White space before the colon or a folded line makes no token: two readers could understand them differently.
	 */
	if (!is_token(line) || !is_field_value(value))
		return 400;
	if (request->nfields == HTTP_FIELDS_MAX)
		return 431;
	request->fields[request->nfields++] = (struct http_field){line, value};
	return 0;
}

/* Is word in a comma-separated list? */
static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);
	while (*list != '\0') {
		list += strspn(list, " \t,");
		size_t n = strcspn(list, " \t,");
		if (n == length && strncasecmp(list, word, n) == 0)
			return true;
		list += n;
	}
	return false;
}

static int parse_content_length(const char *value, struct http_request *request)
{
	uint64_t length = 0;
	size_t n = strlen(value);
	if (n == 0 || n > 18 || strspn(value, "0123456789") != n)
		return 400;
	for (size_t i = 0; i < n; i++)
		length = length * 10 + (uint64_t)(value[i] - '0');
	request->content_length = length;
	request->has_body = request->has_body || length > 0;
	return 0;
}

/* Other codings than chunked need not be understood (RFC 9112 section 6.1). HTTP/1.0 has none: who sends one has
 * forwarded what it did not understand. */
static int parse_transfer_encoding(const char *value, struct http_request *request)
{
	if (request->minor == 0 || request->is_chunked)
		return 400;
	request->has_body = request->is_chunked = true;
	return strcasecmp(value, "chunked") == 0 ? 0 : 501;
}

static int parse_expect(const char *value, struct http_request *request)
{
	if (strcasecmp(value, "100-continue") != 0)
		return 417;
	request->wants_continue = request->minor >= 1;
	return 0;
}

static void parse_connection(const char *value, struct http_request *request)
{
	if (has_word(value, "close"))
		request->keeps_alive = false;
	else if (request->minor == 0 && has_word(value, "keep-alive"))
		request->keeps_alive = true;
}

/* The fields that say how the message is framed and what becomes of the connection. Two lengths, a length beside
 * chunks, or the credentials of two could be understood differently by somebody between. */
static int read_framing(struct http_request *request)
{
	unsigned hosts = 0, lengths = 0, credentials = 0;
	for (size_t i = 0; i < request->nfields; i++) {
		const struct http_field *field = &request->fields[i];
		int status = 0;
		if (strcasecmp(field->name, "host") == 0) {
			hosts++;
		} else if (strcasecmp(field->name, "connection") == 0) {
			parse_connection(field->value, request);
		} else if (strcasecmp(field->name, "content-length") == 0) {
			lengths++;
			status = parse_content_length(field->value, request);
		} else if (strcasecmp(field->name, "transfer-encoding") == 0) {
			status = parse_transfer_encoding(field->value, request);
		} else if (strcasecmp(field->name, "expect") == 0) {
			status = parse_expect(field->value, request);
		} else if (strcasecmp(field->name, "authorization") == 0) {
			credentials++;
		}
		if (status != 0)
			return status;
	}
	if (lengths > 1 || credentials > 1 || (lengths > 0 && request->is_chunked))
		return 400;
	return hosts > 1 || (hosts == 0 && request->minor >= 1) ? 400 : 0;
}

/* Cuts the next line off; NULL at the empty line or the end. */
static char *next_line(char **rest)
{
	char *line = *rest, *end = strchr(line, '\n');
	if (!end)
		return NULL;
	*rest = end + 1;
	if (end > line && end[-1] == '\r')
		end--;
	*end = '\0';
	return end > line ? line : NULL;
}

int http_parse_request(char *head, size_t length, struct http_request *request)
{
	*request = (struct http_request){.method = "", .path = "", .query = ""};
	if (length == 0 || memchr(head, '\0', length))
		return 400;
	head[length - 1] = '\0'; /* was the last line feed; the empty line is not needed to know where to stop */
	char *rest = head, *line = next_line(&rest);
	int status = line ? parse_request_line(line, request) : 400;
	while (status == 0 && (line = next_line(&rest)) != NULL)
		status = parse_field(line, request);
	return status != 0 ? status : read_framing(request);
}

const char *http_field(const struct http_request *request, const char *name)
{
	for (size_t i = 0; i < request->nfields; i++) {
		if (strcasecmp(request->fields[i].name, name) == 0)
			return request->fields[i].value;
	}
	return NULL;
}

int http_parameter(const struct http_request *request, const char *name, char *out, size_t size)
{
	for (const char *at = request->query; *at != '\0'; at += *at == '&') {
		size_t length = strcspn(at, "&");
		const char *equals = memchr(at, '=', length);
		size_t name_length = equals ? (size_t)(equals - at) : length;
		if (name_length == strlen(name) && memcmp(at, name, name_length) == 0) {
			const char *value = equals ? equals + 1 : at + length;
			size_t value_length = (size_t)(at + length - value);
			if (value_length >= size)
				return -1;
			return decode_percent(value, value_length, true, out) < 0 ? -1 : 1;
		}
		at += length;
	}
	return 0;
}

static bool is_known(const char *const *known, size_t n, const char *name, size_t length)
{
	for (size_t i = 0; i < n; i++) {
		if (strlen(known[i]) == length && memcmp(known[i], name, length) == 0)
			return true;
	}
	return false;
}

size_t http_unknown_parameters(const struct http_request *request, const char *const *known, size_t n, struct text *out)
{
	size_t found = 0;
	for (const char *at = request->query; *at != '\0'; at += *at == '&') {
		size_t length = strcspn(at, "&"), name_length = strcspn(at, "=&");
		if (length > 0 && !is_known(known, n, at, name_length)) {
			text_add(out, found++ > 0 ? ", " : "");
			text_add_bytes(out, at, name_length);
		}
		at += length;
	}
	return found;
}

/* --- replies ----------------------------------------------------------------------------------------------------- */

static const struct {
	int status;
	const char *text;
} status_texts[] = {
	{200, "OK"},
	{202, "Accepted"},
	{204, "No Content"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{413, "Content Too Large"},
	{417, "Expectation Failed"},
	{429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
	{505, "HTTP Version Not Supported"},
};

const char *http_status_text(int status)
{
	for (size_t i = 0; i < sizeof(status_texts) / sizeof(status_texts[0]); i++) {
		if (status_texts[i].status == status)
			return status_texts[i].text;
	}
	return "Unknown";
}

static void write_date(struct text *out, int64_t seconds)
{
	static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm = {0};
	time_t time = (time_t)seconds;
	gmtime_r(&time, &tm);
	text_add_format(out, "Date: %.3s, %02d %.3s %d %02d:%02d:%02d GMT\r\n", days + (ptrdiff_t)3 * tm.tm_wday,
			tm.tm_mday, months + (ptrdiff_t)3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
			tm.tm_sec);
}

void http_write_head(struct text *out, const struct http_reply *reply, const struct http_message *message)
{
	text_add_format(out, "HTTP/1.1 %d %s\r\n", reply->status, http_status_text(reply->status));
	write_date(out, message->date_seconds);
	if (reply->type)
		text_add_format(out, "Content-Type: %s\r\n", reply->type);
	/* RFC 9110 section 8.6: none where there is no content at all. */
	if (message->framing == HTTP_LENGTH && reply->status != 204)
		text_add_format(out, "Content-Length: %zu\r\n", message->length);
	else if (message->framing == HTTP_CHUNKED)
		text_add(out, "Transfer-Encoding: chunked\r\n");
	if (!message->keeps_alive)
		text_add(out, "Connection: close\r\n");
	else if (message->minor == 0)
		text_add(out, "Connection: keep-alive\r\n");
	if (reply->fields)
		text_add(out, reply->fields);
	text_add(out, "\r\n");
}
