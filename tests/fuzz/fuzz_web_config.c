/* The configuration of TLS and passwords: whatever is in the file, an error with a text or a whole configuration. */
#include <stdint.h>
#include <stdlib.h>

#include "exporter/web_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct err err = {0};
	struct web_config *config = web_config_parse((const char *)bytes, n, &err);
	if (!config && err.text[0] == '\0')
		abort();
	if (config && config->tls.is_wanted && !config->tls.certificate.file && !config->tls.certificate.text)
		abort();
	web_config_free(config);
	return 0;
}
