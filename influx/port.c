#include "core/clock.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "influx/internal.h"
#include "influx/line.h"

#define PORT_AGE_NS (250 * NS_PER_MS)

struct influx_port {
	struct influx *influx;
	struct loop *loop;
	struct buffer *buffer; /* being filled, or NULL */
	struct alarm alarm;    /* set while the buffer has lines */
	struct log_fault fault;
};

static bool has_outputs(const struct influx_port *port)
{
	return atomic_load_explicit(&port->influx->has_outputs, memory_order_relaxed);
}

static void hand_over(struct influx_port *port)
{
	struct buffer *buffer = port->buffer;
	alarm_cancel(port->loop, &port->alarm);
	port->buffer = NULL;
	if (buffer == NULL)
		return;
	if (buffer->text.length > 0 && has_outputs(port))
		influx_hand_over(port->influx, buffer);
	else
		pool_give(&port->influx->pool, buffer);
}

static void ring(void *arg)
{
	hand_over(arg);
}

struct influx_port *influx_port_open(struct influx *influx, struct loop *loop)
{
	struct influx_port *port = mem_zero(1, sizeof(*port));
	port->influx = influx;
	port->loop = loop;
	alarm_prepare(&port->alarm, ring, port);
	return port;
}

void influx_port_close(struct influx_port *port)
{
	if (port == NULL)
		return;
	hand_over(port);
	mem_free(port);
}

struct text *influx_port_buffer(struct influx_port *port)
{
	if (port->buffer == NULL) {
		port->buffer = pool_take(&port->influx->pool);
		if (port->buffer == NULL)
			return NULL;
		log_fault_end(&port->fault, "influx", NULL);
	}
	return &port->buffer->text;
}

static void lose(struct influx_port *port, unsigned lines, const char *why)
{
	if (lines == 0 || !has_outputs(port))
		return;
	log_fault_begin(&port->fault, "influx drop", NULL, "%s", why);
	atomic_fetch_add_explicit(&port->influx->pool.lines_lost, lines, memory_order_relaxed);
}

void influx_port_lost(struct influx_port *port, unsigned lines)
{
	lose(port, lines, "no buffer is free");
}

void influx_port_added(struct influx_port *port, unsigned lines)
{
	struct buffer *buffer = port->buffer;
	if (buffer == NULL)
		return;
	if (!has_outputs(port)) {
		text_clear(&buffer->text);
		buffer->lines = 0;
		return;
	}
	if (buffer->lines == 0 && lines > 0) {
		buffer->since_ns = clock_monotonic_ns();
		alarm_set(port->loop, &port->alarm, buffer->since_ns + PORT_AGE_NS);
	}
	buffer->lines += lines;
	if (buffer->text.overflowed)
		lose(port, 1, "more lines at once than a buffer holds");
	if (buffer->text.overflowed || buffer->text.length >= POOL_BUFFER_FULL)
		hand_over(port);
}

/* A row that does not fit behind what is there gets a buffer of its own. */
static unsigned add_row(struct influx_port *port, const struct line_tags *tags, const struct row *row,
			const struct line_run *run, int64_t stamp_ns)
{
	for (int attempt = 0; attempt < 2; attempt++) {
		struct text *text = influx_port_buffer(port);
		if (text == NULL) {
			influx_port_lost(port, 1);
			return 0;
		}
		unsigned lines = (unsigned)line_format(text, tags, row, run, stamp_ns);
		if (!text->overflowed) {
			influx_port_added(port, lines);
			return lines;
		}
		hand_over(port);
	}
	lose(port, 1, "a line is too long");
	return 0;
}

unsigned influx_port_add_sample(struct influx_port *port, const struct line_tags *tags, const struct sample *sample,
				const char *boot)
{
	struct line_run run = {.reason = sample->reason, .took_ns = sample->took_ns, .run = sample->run, .boot = boot};
	unsigned lines = 0;
	if (!has_outputs(port))
		return 0;
	for (size_t i = 0; i < sample->nrows; i++)
		lines += add_row(port, tags, &sample->rows[i], i == 0 ? &run : NULL, sample->begun_realtime_ns);
	return lines;
}

unsigned influx_port_add_rows(struct influx_port *port, const struct line_tags *tags, const struct row *rows, size_t n,
			      int64_t stamp_ns)
{
	unsigned lines = 0;
	if (!has_outputs(port))
		return 0;
	for (size_t i = 0; i < n; i++)
		lines += add_row(port, tags, &rows[i], NULL, stamp_ns);
	return lines;
}
