"""In what netsonde's /probe differs from blackbox_exporter 0.23, and why. An entry that explains nothing is an error."""

import dataclasses
import fnmatch

# Labels that later versions of it have, and we.
LATER_LABELS = {"probe_ssl_last_chain_info": {"serialnumber"}}  # since 0.26
# Of requests: Go's client says after a redirect which page it came from; curl, as most clients, does not.
FIELDS_LEFT_OUT = {"referer"}


@dataclasses.dataclass(frozen=True)
class Difference:
    """What may differ, and why. cases and series: shell patterns, several in one text are parted by blanks."""

    cases: str
    series: str
    kind: str  # as in blackbox_compare.Finding
    why: str

    def explains(self, finding):
        return (
            finding.kind == self.kind
            and any(fnmatch.fnmatchcase(finding.series, one) for one in self.series.split())
            and any(fnmatch.fnmatchcase(finding.case, one) for one in self.cases.split())
        )


# --- later versions ---------------------------------------------------------------------------------------------------

LATER = [
    Difference("*", "probe_timeout_seconds", "extra", "a metric of later versions (0.25)"),
    Difference("*", "probe_tls_cipher_info{*}", "extra", "a metric of later versions (0.25), for http only"),
    Difference("names/* tcp/*", "probe_failed_due_to_bytes", "extra", "a metric of later versions, of expect_bytes"),
    Difference("names/tcp-* tcp/*", "probe_failed_due_to_regex", "missing",
               "later versions have it only once there is a connection and a dialogue was tried"),
    Difference("tcp/smtp-hostname tcp/tls-hostname",
               "probe_success probe_ssl_* probe_tls_version_info{*}", "value",
               "hostname= is the name in TLS for tcp, too, since 0.24"),
]

DIFFERENCES = LATER
