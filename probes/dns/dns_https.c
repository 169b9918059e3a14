#include "core/fetch.h"
#include "probes/dns/dns.h"

void dns_https_begin(struct dns_run *run)
{
	dns_fail(run, REASON_LOCAL, "DNS over HTTPS is not there yet");
}
