#include "daemon/events_page.h"

#include "core/mem.h"
#include "daemon/events_ask.h"
#include "daemon/results_page.h"
#include "daemon/sample_json.h"

struct events_page {
	struct found_events *found;
	size_t next;
	bool has_begun, is_ended;
};

struct events_page *events_page_create(struct found_events *found)
{
	struct events_page *page = mem_zero(1, sizeof(*page));

	page->found = found;
	return page;
}

void events_page_free(struct events_page *page)
{
	if (!page)
		return;
	found_events_free(page->found);
	mem_free(page);
}

static void add_members(struct text *out, const struct row *event)
{
	for (size_t i = 0; i < event->nlabels; i++) {
		text_add_char(out, ',');
		json_add_key(out, event->labels[i].name);
		json_add_string(out, event->labels[i].value);
	}
}

static void add_readings(struct text *out, const struct row *event)
{
	for (size_t i = 0; i < event->n; i++) {
		const struct measure *measure = &event->set->measures[event->readings[i].measure];

		text_add_char(out, ',');
		json_add_key(out, measure->name);
		json_add_reading(out, measure, &event->readings[i]);
	}
}

static void add_result(struct text *out, const struct sample *sample)
{
	struct sample run = *sample;

	if (sample->nrows < 2)
		return;
	run.rows++;
	run.nrows--;
	text_add(out, ",\n \"result\":");
	results_page_add_run(out, &run);
}

static void add_event(struct text *out, const struct sample *sample)
{
	text_add(out, "{\"time\":\"");
	sample_add_time(out, sample->begun_realtime_ns);
	text_add(out, "\",\"time_ns\":");
	text_add_integer(out, sample->begun_realtime_ns);
	add_members(out, &sample->rows[0]);
	text_add(out, ",\"run\":");
	text_add_unsigned(out, sample->run);
	text_add_char(out, ',');
	json_add_outcome(out, sample);
	add_readings(out, &sample->rows[0]);
	add_result(out, sample);
	text_add_char(out, '}');
}

static void add_next(struct events_page *page, struct text *out)
{
	const struct found_event *event = &page->found->items[page->next];
	struct history_reader *reader = history_reader_open(&event->copy);

	text_add(out, page->next > 0 ? ",\n" : "\n");
	add_event(out, history_reader_next(reader));
	history_reader_close(reader);
	page->next++;
}

bool events_page_more(struct events_page *page, struct text *out, size_t enough)
{
	size_t start = out->length;

	if (!page->has_begun)
		text_add(out, "{\"events\":[");
	page->has_begun = true;
	while (page->next < page->found->n) {
		add_next(page, out);
		if (out->length - start >= enough)
			return true;
	}
	if (!page->is_ended)
		text_add(out, "\n]}\n");
	page->is_ended = true;
	return false;
}
