/* The probers of a blackbox.yml that netsonde does not have: their fields are known, so that a mistake in them is
 * found, but nothing is made of them. */
#include "core/yaml_tree.h"
#include "daemon/blackbox_prober.h"

static int ignore(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	(void)place;
	(void)field;
	(void)out;
	return 0;
}

#define PLAIN(name)                                                                                                    \
	{                                                                                                              \
		name, ignore, NULL, 0                                                                                  \
	}

static const struct blackbox_field grpc_fields[] = {
	PLAIN("service"),
	PLAIN("tls"),
	PLAIN("tls_config"),
	PLAIN("ip_protocol_fallback"),
	PLAIN("preferred_ip_protocol"),
	PLAIN("metadata"),
};

static const struct blackbox_field unix_fields[] = {
	PLAIN("query_response"),
	PLAIN("tls"),
	PLAIN("tls_config"),
};

static const struct blackbox_field websocket_fields[] = {
	PLAIN("http_config"),          PLAIN("headers"), PLAIN("query_response"), PLAIN("preferred_ip_protocol"),
	PLAIN("ip_protocol_fallback"),
};

const struct blackbox_prober blackbox_grpc = {
	.name = "grpc",
	.fields = grpc_fields,
	.nfields = sizeof(grpc_fields) / sizeof(grpc_fields[0]),
};

const struct blackbox_prober blackbox_unix = {
	.name = "unix",
	.fields = unix_fields,
	.nfields = sizeof(unix_fields) / sizeof(unix_fields[0]),
};

const struct blackbox_prober blackbox_websocket = {
	.name = "websocket",
	.fields = websocket_fields,
	.nfields = sizeof(websocket_fields) / sizeof(websocket_fields[0]),
};
