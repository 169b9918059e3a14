#include "daemon/terminal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "core/mem.h"

/* The other screen, no wrapping, no cursor; and back. */
#define ENTER      "\033[?1049h\033[?7l\033[?25l"
#define LEAVE      "\033[?25h\033[?7h\033[?1049l"
#define HOME       "\033[H"
#define CLEAR_LINE "\033[K"
#define CLEAR_REST "\033[J"

#define COLUMNS_FALLBACK 80
#define ROWS_FALLBACK    24

struct terminal {
	int input, output;
	bool has_keys;
	bool is_entered;
	struct termios before;
	struct text frame; /* made anew for each screen */
};

bool terminal_is_usable(int output)
{
	const char *kind = getenv("TERM");

	return isatty(output) && kind && *kind && strcmp(kind, "dumb") != 0;
}

bool terminal_has_colours(int output)
{
	const char *none = getenv("NO_COLOR");

	return terminal_is_usable(output) && !(none && *none);
}

/* A terminal that is gone is no reason to stop measuring: whoever started us will tell. */
static void write_all(int descriptor, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t written = write(descriptor, bytes, n);

		if (written == -1 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		bytes += written;
		n -= (size_t)written;
	}
}

void terminal_enter(struct terminal *terminal)
{
	struct termios now = terminal->before;

	if (terminal->is_entered)
		return;
	terminal->is_entered = true;
	if (terminal->has_keys) {
		/* Single keys, not shown; interrupt and stop stay signals. */
		now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		now.c_cc[VMIN] = 1;
		now.c_cc[VTIME] = 0;
		tcsetattr(terminal->input, TCSANOW, &now);
	}
	write_all(terminal->output, ENTER, strlen(ENTER));
}

void terminal_leave(struct terminal *terminal)
{
	if (!terminal->is_entered)
		return;
	terminal->is_entered = false;
	write_all(terminal->output, LEAVE, strlen(LEAVE));
	if (terminal->has_keys)
		tcsetattr(terminal->input, TCSANOW, &terminal->before);
}

struct terminal *terminal_open(int input, int output)
{
	struct terminal *terminal = mem_zero(1, sizeof(*terminal));

	terminal->input = input;
	terminal->output = output;
	terminal->has_keys = isatty(input) && tcgetattr(input, &terminal->before) == 0;
	terminal_enter(terminal);
	return terminal;
}

void terminal_close(struct terminal *terminal)
{
	if (!terminal)
		return;
	terminal_leave(terminal);
	text_free(&terminal->frame);
	mem_free(terminal);
}

struct terminal_size terminal_size(const struct terminal *terminal)
{
	struct winsize size;

	if (ioctl(terminal->output, TIOCGWINSZ, &size) == -1 || size.ws_col == 0 || size.ws_row == 0)
		return (struct terminal_size){COLUMNS_FALLBACK, ROWS_FALLBACK};
	return (struct terminal_size){size.ws_col, size.ws_row};
}

/* Line by line over what is there, so that nothing flickers. */
void terminal_draw(struct terminal *terminal, const struct text *text)
{
	unsigned rows = terminal_size(terminal).rows, row = 0;
	struct text *frame = &terminal->frame;
	const char *bytes = text->bytes, *end;
	size_t left = text->length;

	if (!terminal->is_entered)
		return;
	text_clear(frame);
	text_add(frame, HOME);
	while (left > 0 && row < rows && (end = memchr(bytes, '\n', left))) {
		size_t n = (size_t)(end - bytes);

		/* Behind a line of full width it would be the last character that is cleared. */
		text_add(frame, row++ > 0 ? "\r\n" CLEAR_LINE : CLEAR_LINE);
		text_add_bytes(frame, bytes, n);
		bytes += n + 1;
		left -= n + 1;
	}
	if (row < rows)
		text_add(frame, "\r\n" CLEAR_REST);
	write_all(terminal->output, frame->bytes, frame->length);
}

bool terminal_has_keys(const struct terminal *terminal)
{
	return terminal->has_keys;
}

int terminal_read_key(struct terminal *terminal)
{
	unsigned char key;
	ssize_t n = read(terminal->input, &key, 1);

	if (n == 1)
		return key;
	return n == -1 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}
