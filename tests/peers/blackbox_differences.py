"""In what netsonde's /probe differs from blackbox_exporter 0.23, and why. An entry that explains nothing is an error."""

import dataclasses
import fnmatch

# Labels that later versions of it have, and we.
LATER_LABELS = {"probe_ssl_last_chain_info": {"serialnumber"}}  # since 0.26
# Of requests: Go's client says after a redirect which page it came from; curl, as most clients, does not.
FIELDS_LEFT_OUT = {"referer"}


def matches(text, patterns):
    """Patterns are parted by blanks; what one with "!" before it matches is not meant."""
    listed = patterns.split()
    return any(fnmatch.fnmatchcase(text, one) for one in listed if one[0] != "!") and not any(
        fnmatch.fnmatchcase(text, one[1:]) for one in listed if one[0] == "!")


@dataclasses.dataclass(frozen=True)
class Difference:
    """What may differ, and why. cases and series: patterns (see matches); kinds: as in blackbox_compare.Finding."""

    cases: str
    series: str
    kinds: str
    why: str
    ours: float = None  # what netsonde must say, where that is to be told
    since: tuple = (0,)  # the version of theirs that differs first
    until: tuple = (99,)  # and the one that no longer does

    def explains(self, finding):
        return (
            finding.kind in self.kinds.split() and matches(finding.series, self.series)
            and matches(finding.case, self.cases) and self.ours in (None, finding.ours)
        )


LATER = [
    Difference("*", "probe_timeout_seconds", "extra", "a metric of later versions (0.25)"),
    Difference("*", "probe_tls_cipher_info{*}", "extra", "a metric of later versions (0.25), for http only"),
    Difference("names/several* tcp/*", "probe_failed_due_to_bytes", "extra", "later versions have it, for expect_bytes"),
    Difference("names/tcp-* tcp/*", "probe_failed_due_to_regex", "missing",
               "later versions have it only once there is a connection, and TLS where it is asked for"),
    Difference("tcp/smtp-hostname tcp/tls-hostname", "probe_success", "value",
               "hostname= is the name for TLS with tcp, too, since 0.24", ours=1, until=(0, 24)),
    Difference("tcp/smtp-hostname tcp/tls-hostname", "probe_ssl_* probe_tls_version_info{*}", "extra",
               "as above: the handshake succeeds", until=(0, 24)),
    Difference("tls/* http/proxy-skip-refuses-tls http/proxy-tls-expired http/tls-on-http",
               'probe_http_duration_seconds{phase="connect"}', "zero",
               "since 0.24 a connection whose handshake fails took no time", since=(0, 24)),
    Difference("http/http-two", "probe_http_version", "value",
               "a version that is none without ALPN: the libcurl that comes beside that exporter (8.5) calls it 1.0", ours=1, since=(0, 24)),
    Difference("api/encoded-twice", "*", "value extra", "a target is decoded a second time since 0.25"),
]

# What it does wrong, by its own documentation.
MENDED = [
    Difference("dns/all-match", "probe_success", "value",
               "its fail_if_all_match_regexp fails when not all match, and not when all do", ours=0),
    Difference("dns/all-match-some", "probe_success", "value", "as above", ours=1),
    Difference("api/timeout-half api/timeout-little", "probe_success", "value",
               "a scrape timeout of no more than the offset leaves half of it; there, every probe fails", ours=1),
    Difference("api/timeout-half api/timeout-little", "probe_http_* !*resolve*", "value extra zero", "as above"),
    Difference("tls/http2-version-short", "probe_success", "value",
               'its example has "HTTP/2" in valid_http_versions, which never matches there', ours=1),
    Difference("dns/odd-header dns/odd-question dns/odd-bit",
               "probe_success probe_dns_query_succeeded probe_dns_answer_rrs", "value",
               "a reply must be one, and to the question that was asked; there, the id is enough", ours=0),
    Difference("names/several-ip6", "probe_success", "value",
               "without an address of the preferred family the first of the others is taken; there, the last", ours=1),
    Difference("names/several-ip6", "probe_ip_addr_hash", "value", "as above"),
    Difference("http/chain-limit-status", "probe_success", "value",
               "too many redirects are a failure, whatever the last status", ours=0),
    Difference("http/limit-and-rule http/body-short", "probe_failed_due_to_regex", "value",
               "a body that could not be read to its end failed because of that, not because of a rule", ours=0),
]

# What is measured where it measures nothing, or something else.
MEASURED = [
    Difference("icmp/* names/icmp-*", 'probe_icmp_duration_seconds{phase="setup"}', "zero",
               "one socket for all probes is there from the start: nothing is set up"),
    Difference("dns/* !dns/*tcp* !dns/tls* !dns/ssh !dns/odd-half !dns/odd-split !dns/odd-close",
               'probe_dns_duration_seconds{phase="connect"}', "zero", "over UDP nothing is connected"),
    Difference("dns/closed-tcp dns/tls-no-port", 'probe_dns_duration_seconds{phase="connect"}', "zero",
               "a connection that was refused is none"),
    Difference("dns/resolver-root dns/closed dns/silent dns/ssh dns/odd-*", 'probe_dns_duration_seconds{phase="request"}',
               "zero", "a request without an answer has no duration; there, it is the time until it gave up"),
    Difference("http/length-two http/to-expired http/to-closed http/to-nowhere http/*-bad http/redirect-scheme",
               'probe_http_duration_seconds{phase="transfer"}', "zero",
               "the time that the answer took to come counts, also that of a redirect whose next place failed"),
    Difference("http/to-ipv6 http/to-ipv6-only-ip4", "probe_ip_addr_hash probe_ip_protocol", "value",
               "the address is the one that answered last; there, the one of the first place"),
    Difference("http/no-follow*", "probe_http_uncompressed_body_length", "value",
               "the body of a redirect that is not followed is read like any other"),
    Difference("http/no-follow-bad http/redirect-bad http/redirect-scheme",
               "probe_http_status_code probe_http_version probe_http_redirects", "value",
               "an answer that redirects to no place that there can be is an answer nevertheless"),
    Difference("http/no-follow-bad", "probe_success", "value", "what is not followed need not be understood", ours=1),
    Difference("http/gzip-nginx-unasked", "probe_http_uncompressed_body_length", "value",
               "what is not gzip has no length after decompression; there, it depends on what was buffered"),
]

# What Go's and libcurl's clients take for good.
CLIENTS = [
    Difference("http/upper-scheme", "*", "value extra", '"HTTP://" is a scheme, too; there, it is taken for a host'),
    Difference("names/decimal", "*", "value extra",
               "a host that is a number is an IPv4 address for libcurl as for browsers (the rules of probe_endpoint are "
               "for the address it means)"),
    Difference("http/bad-escape", "*", "value extra", "it is the server that judges what is behind a %"),
    Difference("http/length-two", "*", "value zero", "libcurl takes the last of two lengths"),
    Difference("http/modified-zone", "probe_http_last_modified_timestamp_seconds", "extra",
               "a date with another zone than GMT is understood"),
    Difference("http/field-folded", "probe_success probe_failed_due_to_regex", "value",
               "of a folded field (obsolete since RFC 7230) the first line is the value"),
    Difference("http/post-301 http/post-302 http/post-303",
               "probe_http_content_length probe_http_uncompressed_body_length probe_http_last_modified_timestamp_seconds",
               "value", "a request that has lost its body to a redirect no longer says of which type it is"),
    Difference("api/unicode",
               "probe_http_content_length probe_http_uncompressed_body_length probe_http_last_modified_timestamp_seconds",
               "value", "what is not ASCII is sent as %XX, as RFC 3986 wants it; there, as it is"),
    Difference("http/to-ipv6-only-ip4", "probe_http_* probe_success", "value missing",
               "ip_protocol_fallback: false holds for the places of redirects, too"),
    Difference("tcp/prompt", "probe_success", "value",
               "expect looks at what has come of a line as well: a prompt has no end of line", ours=1),
]

# What is refused before anything is done.
REFUSED = [
    Difference("api/timeout-minus api/timeout-nan", "(status)", "status", "a time is a number that is not below 0"),
    Difference("http/port-too-high http/ipv6-no-brackets http/other-scheme tcp/port-too-high tcp/port-zero tcp/no-host "
               "dns/port-word",
               "probe_dns_lookup_time_seconds probe_ip_addr_hash probe_ip_protocol probe_http_duration_seconds{*}",
               "missing", "a target that cannot be is refused before anything is looked up"),
    Difference("http/ipv6-no-brackets", "probe_http_*", "value",
               "as above; there, the last colon is taken for that of a port"),
    Difference("dns/port-word", "probe_success probe_dns_*", "value zero", "ports are numbers, not names of services"),
    Difference("tls/no-file", "probe_http_duration_seconds{*}", "extra",
               "certificates are read when TLS begins, not before the first request"),
]

ALL = [*LATER, *MENDED, *MEASURED, *CLIENTS, *REFUSED]


def differences(version):
    """Those of that version of blackbox_exporter: (0, 23)."""
    return [one for one in ALL if one.since <= version < one.until]


def has_changed(version, case):
    """Does that version answer otherwise than 0.23, which the cases are written for?"""
    return any(matches(case.name, one.cases) for one in ALL if version >= one.until)
