#include "config_fixture.h"
#include "daemon/target.h"

#define P "probes: { e: { type = \"echo\"; }; };\n"
#define T "name = \"t\"; address = \"192.0.2.1\"; probes = [ \"e\" ];"

Test(config_qos, defaults)
{
	struct config *config = good_config(P "targets: ( { " T " } );");
	const struct config_qos *qos = &config->qos;

	cr_assert(qos->is_enabled);
	cr_assert(qos->codecs.n == 1 && strcmp(qos->codecs.items[0], "g711-plc") == 0);
	cr_assert_eq(qos->window_ns, 60000000000);
	cr_assert_eq(qos->window_packets, 100);
	cr_assert_eq(qos->emodel.telr, 65);
	cr_assert_eq(qos->objectives.loss_ratio, 0);
	cr_assert_null(config->targets[0].target->objectives);
	config_free(config);
}

static const char all[] = P "qos: { codecs = [ \"g729a\", \"g722\" ]; window_seconds = 30; window_packets = 500;\n"
			    "emodel = { telr = 60; qdu = 2.5; delay_base = 150; };\n"
			    "objectives = { loss = 0.01; delay = 0.15; }; };\n"
			    "targets: ( { " T " objectives = { delay = 0; score = 80; }; } );";

static void expect_all(const struct config *config)
{
	const struct config_objectives *own = config->targets[0].target->objectives;

	cr_assert_str_eq(config->qos.codecs.items[1], "g722");
	cr_assert_eq(config->qos.window_ns, 30000000000);
	cr_assert_eq(config->qos.window_packets, 500);
	cr_assert_eq(config->qos.emodel.telr, 60);
	cr_assert_eq(config->qos.emodel.qdu, 2.5);
	cr_assert_eq(config->qos.emodel.delay_base, 150);
	cr_assert_eq(config->qos.emodel.slr, 8);
	cr_assert_eq(config->qos.objectives.delay_ns, 150000000);
	cr_assert_not_null(own);
	cr_assert(own->loss_ratio == 0.01 && own->delay_ns == 0 && own->score == 80 && own->jitter_ns == 0);
}

Test(config_qos, everything)
{
	struct config *config = good_config(all);

	expect_all(config);
	config_free(config);
}

Test(config_qos, is_shown_as_it_is_read)
{
	struct config *config = good_config(all), *again;
	struct text text = {0};

	config_show(config, &text);
	again = good_config(text_string(&text));
	expect_all(again);
	text_free(&text);
	config_free(again);
	config_free(config);
}

Test(config_qos, from_the_environment)
{
	struct config *config;

	setenv("NETSONDE_QOS_WINDOW_PACKETS", "50", 1);
	setenv("NETSONDE_QOS_EMODEL_TELR", "55", 1);
	setenv("NETSONDE_QOS_OBJECTIVES_JITTER", "0.02", 1);
	config = good_config(P);
	cr_assert_eq(config->qos.window_packets, 50);
	cr_assert_eq(config->qos.emodel.telr, 55);
	cr_assert_eq(config->qos.objectives.jitter_ns, 20000000);
	config_free(config);
}

Test(config_qos, errors)
{
	static const struct {
		const char *text, *errors;
	} rows[] = {
		{"qos: { codecs = [ \"g711\", \"g712\" ]; };",
		 "x.conf:1: qos.codecs: no codec \"g712\", did you mean g711?\n"},
		{"qos: { codecs = [ \"whatever\" ]; };",
		 "x.conf:1: qos.codecs: no codec \"whatever\" (netsonde score --help lists them)\n"},
		{"qos: { codecs = [ ]; };", "x.conf:1: qos.codecs: must name 1 to 16 codecs\n"},
		{"qos: { window = 1; };",
		 "x.conf:1: qos.window: unknown key (netsonde reference options lists them)\n"},
		{"qos: { window_packets = 1; };", "x.conf:1: qos.window_packets: must be between 2 and 10000\n"},
		{"qos: { buffer_min = 0.5; };", "x.conf:1: qos.buffer_min: must not be longer than buffer_max\n"},
		{"qos: {\n emodel = { telr = 4; }; };", "x.conf:2: qos.emodel.telr: must be between 5 and 65\n"},
		{"qos: { emodel = {\n tellr = 5; }; };",
		 "x.conf:2: qos.emodel.tellr: unknown key, did you mean telr?\n"},
		{"qos: { emodel = { stmr = 10; dr = -3; }; };",
		 "x.conf:1: qos.emodel: stmr + dr (LSTR) is 7 dB: must be between 13 and 23\n"},
		{"qos: { emodel = 1; };", "x.conf:1: qos.emodel: must be a group { }\n"},
		{"qos: 1;", NULL},
		{"qos: { objectives = { losses = 1; }; };",
		 "x.conf:1: qos.objectives.losses: unknown key, did you mean loss?\n"},
		{"qos: { objectives = { score = 101; }; };",
		 "x.conf:1: qos.objectives.score: must be between 0 and 100\n"},
		{P "targets: ( { " T "\n objectives = { loss = 2; }; } );",
		 "x.conf:3: targets[0].objectives.loss: must be between 0 and 1\n"},
		{P "targets: ( { " T " labels = { codec = \"x\"; }; } );",
		 "x.conf:2: targets[0].labels.codec: this label name is reserved\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *errors = errors_of(rows[i].text);

		if (rows[i].errors)
			cr_expect_str_eq(errors, rows[i].errors, "row %zu: %s", i, errors);
		else
			cr_expect(errors[0], "row %zu", i);
		mem_free(errors);
	}
}
