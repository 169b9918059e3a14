#include <criterion/criterion.h>

#include "exporter/render.h"

#define PROMETHEUS_2                                                                                                   \
	"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"                \
	"text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
#define PROMETHEUS_3                                                                                                   \
	"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"                                       \
	"application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"        \
	"text/plain;version=0.0.4;q=0.2,/;q=0.1"
#define PROMETHEUS_3_NATIVE                                                                                            \
	"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,"            \
	"application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
#define FIREFOX "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

Test(negotiate, formats)
{
	static const struct {
		const char *accept;
		enum render_format expected;
	} cases[] = {
		{NULL, RENDER_TEXT},
		{"", RENDER_TEXT},
		{PROMETHEUS_2, RENDER_OPENMETRICS},
		{PROMETHEUS_3, RENDER_OPENMETRICS},
		{PROMETHEUS_3_NATIVE, RENDER_OPENMETRICS},
		{FIREFOX, RENDER_TEXT},
		{"*/*", RENDER_TEXT},
		{"text/*", RENDER_TEXT},
		{"text/plain", RENDER_TEXT},
		{"text/plain;version=1.0.0", RENDER_TEXT},
		{"application/json", RENDER_TEXT},
		{"application/openmetrics-text", RENDER_OPENMETRICS},
		{"APPLICATION/OpenMetrics-Text; Version=\"1.0.0\"", RENDER_OPENMETRICS},
		{"application/openmetrics-text;version=0.0.1", RENDER_TEXT},
		{"application/openmetrics-text;version=2.0.0", RENDER_TEXT},
		{"application/openmetrics-text;q=0", RENDER_TEXT},
		{"application/openmetrics-text;q=0.000,text/plain;q=0.001", RENDER_TEXT},
		{"application/openmetrics-text;q=0.2,text/plain;q=0.3", RENDER_TEXT},
		{"text/plain;q=0.2,application/openmetrics-text;q=0.3", RENDER_OPENMETRICS},
		{"text/plain;q=0.21,application/openmetrics-text;q=0.209", RENDER_TEXT},
		{"text/plain,application/openmetrics-text", RENDER_TEXT},
		{"application/openmetrics-text,text/plain", RENDER_OPENMETRICS},
		{"*/*,application/openmetrics-text", RENDER_OPENMETRICS},
		{"application/openmetrics-text;q=1.5", RENDER_TEXT},
		{"application/openmetrics-text;q=0.5x", RENDER_TEXT},
		{"application/openmetrics-text;q=05", RENDER_TEXT},
		{"application/openmetrics-text;q=", RENDER_TEXT},
		{"application/openmetrics-text;q=0.1234", RENDER_TEXT},
		{"application/openmetrics-text;q=1.000", RENDER_OPENMETRICS},
		{"application/openmetrics-text ; q = 0.9 ; version = 1.0.0", RENDER_OPENMETRICS},
		{"application/openmetrics-text;q", RENDER_OPENMETRICS},
		{",,;;,/;q=0.1,=,application/openmetrics-text", RENDER_OPENMETRICS},
		{"application/openmetrics-textx", RENDER_TEXT},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(render_negotiate(cases[i].accept), cases[i].expected, "%s", cases[i].accept);
}

Test(negotiate, gzip)
{
	static const struct {
		const char *accept;
		bool expected;
	} cases[] = {
		{NULL, false},
		{"", false},
		{"gzip", true},
		{"GZIP", true},
		{"x-gzip", true},
		{"gzip, deflate, br", true},
		{"br;q=1.0, gzip;q=0.8, *;q=0.1", true},
		{"gzip;q=0", false},
		{"gzip;q=0.0,*", false},
		{"*;q=0.5,gzip;q=0", false},
		{"gzip;q=0.001", true},
		{"*", true},
		{"*;q=0", false},
		{"identity", false},
		{"deflate, zstd", false},
		{"gzipx", false},
		{",,", false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(render_accepts_gzip(cases[i].accept), cases[i].expected, "%s", cases[i].accept);
}
