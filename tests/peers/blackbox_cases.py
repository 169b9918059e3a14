"""What both programs are asked: a name, a module of blackbox.yml, a target, and whether blackbox_exporter succeeds.

Targets: {name} is the port of a server of the lab (blackbox_lab.py).
"""

import dataclasses

from blackbox_http import SLOW_SECONDS
from blackbox_lab import PROHIBITED_IPV4, SILENT_IPV4, SILENT_IPV6, UNREACHABLE_IPV4, UNREACHABLE_IPV6

HTTP = "probe_http_duration_seconds"
DNS = "probe_dns_duration_seconds"
SLOW = SLOW_SECONDS / 2  # who measures may begin late


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    module: str
    target: str
    succeeds: bool = True
    hostname: str = None
    fields: tuple = ()  # of the request to /probe: pairs
    at_least: tuple = ()  # pairs of a series as text and seconds that it must have


def web(name, module="http_2xx", path=None, server="raw", succeeds=True, **more):
    """Of http://127.0.0.1, by default the path of the case's name."""
    where = f"/{name}" if path is None else path
    return Case(f"http/{name}", module, f"http://127.0.0.1:{{{server}}}{where}", succeeds, **more)


def tls(name, module="tls", succeeds=True, host="good.lab", path="/", server=None, **more):
    return Case(f"tls/{name}", module, f"https://{host}:{{{server or name}}}{path}", succeeds, **more)


def ask(name, module=None, server="knot", succeeds=True, **more):
    module = module or "dns_" + name.replace("-", "_")
    return Case(f"dns/{name}", module, f"127.0.0.1:{{{server}}}", succeeds, **more)


def odd(name, succeeds=True, **more):
    return ask(f"odd-{name}", server="odd-dns", succeeds=succeeds, **more)


def talk(name, module, server=None, succeeds=True, host="127.0.0.1", **more):
    return Case(f"tcp/{name}", module, f"{host}:{{{server or name}}}", succeeds, **more)


def no(make, *names, **more):
    return [make(name, succeeds=False, **more) for name in names]


def slow(phase, metric=HTTP, times=1):
    return ((f'{metric}{{phase="{phase}"}}', SLOW * times), ("probe_duration_seconds", SLOW * times))


def status_cases():
    for status in (200, 201, 202, 204, 206):
        yield web(f"status-{status}", path=f"/status/{status}", server="http")
    for status in (304, 400, 401, 403, 404, 405, 410, 416, 429, 500, 502, 503, 504, 599):
        yield web(f"status-{status}", path=f"/status/{status}", server="http", succeeds=False)
    for status in (200, 204, 304, 401, 404, 503):
        yield web(f"statuses-{status}", "http_statuses", path=f"/status/{status}", server="http")
    yield web("statuses-500", "http_statuses", path="/status/500", server="http", succeeds=False)
    yield web("statuses-201", "http_statuses", path="/status/201", server="http", succeeds=False)
    yield from no(web, "status-word", "status-short", "status-high")


def plain_cases():
    yield Case("http/no-scheme", "http_2xx", "127.0.0.1:{http}")
    yield Case("http/no-scheme-path", "http_2xx", "127.0.0.1:{http}/status/204")
    yield Case("http/no-path", "http_2xx", "http://127.0.0.1:{http}")
    yield Case("http/query-only", "http_2xx", "http://127.0.0.1:{raw}?a=b", succeeds=False)
    yield Case("http/upper-scheme", "http_2xx", "HTTP://127.0.0.1:{http}/", succeeds=False)
    yield Case("http/other-scheme", "http_2xx", "ftp://127.0.0.1:{http}/", succeeds=False)
    yield Case("http/port-too-high", "http_2xx", "http://127.0.0.1:99999/", succeeds=False)
    yield Case("http/port-word", "http_2xx", "http://127.0.0.1:http/", succeeds=False)
    yield Case("http/port-empty", "http_2xx", "http://127.0.0.1:/", succeeds=False)
    yield Case("http/bad-escape", "http_2xx", "http://127.0.0.1:{http}/%zz", succeeds=False)
    yield Case("http/no-host", "http_2xx", "http:///path", succeeds=False)
    yield Case("http/blank", "http_2xx", "http://127.0.0.1:{http}/a b", succeeds=False)
    yield web("query", path="/echo?a=b&c=%20%2F&d")
    yield web("fragment", path="/echo#part")
    yield web("escapes", path="/echo?%41%c3%bc|{{}}")
    yield Case("http/userinfo", "http_2xx", "http://user:pa%20ss@127.0.0.1:{raw}/echo")
    yield web("closed-port", path="/", server="closed", succeeds=False)
    yield Case("http/ipv6", "http_ip6", "http://[::1]:{http}/")
    yield Case("http/ipv6-only-ip4", "http_only_ip4", "http://[::1]:{http}/", succeeds=False)
    yield Case("http/ipv6-no-brackets", "http_ip6", "http://::1:{http}/", succeeds=False)
    yield web("defaults", "http_defaults", path="/", server="http")
    yield web("bare", "http_bare", path="/", server="http")
    yield web("big", path="/big", server="http")
    yield web("index", path="/", server="http")
    yield web("seen", path="/seen", server="http")
    yield web("closes", path="/closed", server="http", succeeds=False)
    yield web("http-on-tls", path="/", server="good", succeeds=False)
    yield Case("http/tls-on-http", "tls", "https://127.0.0.1:{http}/", succeeds=False)
    yield Case("http/silent-host", "http_fast", f"http://{SILENT_IPV4}/", succeeds=False)
    yield Case("http/unreachable", "http_fast", f"http://{UNREACHABLE_IPV4}/", succeeds=False)
    yield Case("http/unreachable-ipv6", "http_ip6", f"http://[{UNREACHABLE_IPV6}]/", succeeds=False)
    yield web("silent-server", "http_fast", path="/", server="silent", succeeds=False)


def answer_cases():
    for name in ("plain", "chunked", "chunked-trailer", "chunked-extension", "until-close", "http10", "http10-length",
                 "no-reason", "long", "length-twice", "early-hints", "continue", "bare-lf", "folded", "two-values",
                 "server", "huge-field", "modified", "modified-850", "modified-asctime", "modified-odd", "modified-zone",
                 "modified-epoch", "latin", "zeros", "empty", "no-content", "identity", "gzip", "echo"):
        yield web(name)
    yield from no(web, "chunked-broken", "chunked-short", "short", "length-two", "length-minus", "length-word",
                  "no-answer", "reset", "garbage", "ssh", "not-modified", "no-colon")
    yield web("http-two")
    yield web("space-name")
    yield web("slow-header", at_least=slow("processing"))
    yield web("slow-body", at_least=slow("transfer"))
    yield web("drip", at_least=slow("transfer", times=2))
    yield from no(web, "hang", "hang-header", "hang-body", module="http_fast")


def redirect_cases():
    for name in ("relative", "absolute", "permanent", "see-other", "temporary", "moved", "plain", "name", "big", "slashes"):
        yield web(f"to-{name}", path=f"/to/{name}", server="http")
    yield web("to-tls", "tls", path="/to/tls", server="http")
    yield web("to-expired", "tls", path="/to/expired", server="http", succeeds=False)
    yield tls("to-plain", server="good", path="/to/plain")
    yield tls("to-plain-ssl", "http_ssl", server="good", path="/to/plain", succeeds=False)
    yield web("to-tls-ssl", "http_ssl", path="/to/tls", server="http")
    yield web("to-tls-not-ssl", "http_not_ssl", path="/to/tls", server="http", succeeds=False)
    for name in ("loop", "loop1", "closed", "nowhere", "404"):
        yield web(f"to-{name}", path=f"/to/{name}", server="http", succeeds=False)
    yield web("to-ipv6", path="/to/ipv6", server="http")
    yield web("to-ipv6-only-ip4", "http_only_ip4", path="/to/ipv6", server="http")
    for n in (1, 3, 9, 10):
        yield web(f"chain-{n}", path=f"/chain/{n}", server="http")
    yield web("chain-11", path="/chain/11", server="http", succeeds=False)
    yield web("chain-limit-status", "http_only_302", path="/chain/11", server="http")
    yield web("no-follow", "http_no_follow", path="/to/relative", server="http")
    yield web("no-follow-old", "http_no_follow_old", path="/to/absolute", server="http")
    yield web("no-follow-2xx", "http_no_follow_2xx", path="/to/relative", server="http", succeeds=False)
    yield web("no-follow-307", "http_no_follow", path="/redirect/307")
    yield web("no-follow-bad", "http_no_follow", path="/redirect/bad", succeeds=False)
    for name in ("relative-path", "dots", "query", "fragment", "cookie", "301", "302", "303", "307", "308", "201"):
        yield web(f"redirect-{name}", path=f"/redirect/{name}")
    for name in ("none", "empty", "bad", "scheme", "300", "305"):
        yield web(f"redirect-{name}", path=f"/redirect/{name}", succeeds=False)
    yield web("redirect-slow", path="/redirect/slow", at_least=slow("processing", times=2))
    for status in (301, 302, 303, 307, 308):
        yield web(f"post-{status}", "http_post", path=f"/redirect/{status}")
        yield web(f"head-{status}", "http_head", path=f"/redirect/{status}")
    yield web("put-307", "http_put_body", path="/redirect/307")
    yield web("put-302", "http_put_body", path="/redirect/302")
    yield web("bearer-redirect", "http_bearer", path="/redirect/302")
    yield web("bearer-other-host", "http_bearer", path="/to/name", server="http")
    yield web("headers-redirect", "http_headers", path="/redirect/302")


def request_cases():
    for module in ("http_head", "http_options", "http_post", "http_post_empty", "http_put_body",
                   "http_get_body", "http_headers", "http_basic", "http_bearer", "http_authorization", "http_basic_file"):
        yield web(f"echo-{module[5:]}", module, path="/echo")
    yield web("head-big", "http_head", path="/big", server="http")
    yield web("head-gzip", "http_head", path="/gzip")
    yield web("basic", "http_basic", path="/guarded", server="http")
    yield web("basic-missing", path="/guarded", server="http", succeeds=False)
    yield web("basic-wrong", "http_basic_wrong", path="/guarded", server="http", succeeds=False)
    yield web("hostname", path="/echo", hostname="somewhere.lab")
    yield web("hostname-post", "http_post", path="/echo", hostname="somewhere.lab")
    yield Case("api/hostname-and-host", "http_headers", "http://127.0.0.1:{raw}/echo", hostname="elsewhere.lab")
    yield Case("api/hostname-is-host", "http_headers", "http://127.0.0.1:{raw}/echo", hostname="good.lab")


def encoding_cases():
    for name in ("gzip", "gzip-empty", "gzip-members", "gzip-big", "chunked-gzip", "gzip-upper"):
        yield web(f"decoded-{name}", "http_gzip", path=f"/{name}")
    for name in ("gzip-broken", "gzip-short", "gzip-lie"):
        yield web(f"decoded-{name}", "http_gzip", path=f"/{name}", succeeds=False)
    # What is not said to be gzip is taken for it, too.
    for name in ("x-gzip", "gzip-twice"):
        yield web(f"gzip-got-{name}", "http_gzip", path=f"/{name}")
    for name in ("plain", "deflate", "identity"):
        yield web(f"gzip-got-{name}", "http_gzip", path=f"/{name}", succeeds=False)
    yield web("gzip-unasked", "http_gzip_unasked", path="/gzip")
    yield web("gzip-unasked-echo", "http_gzip_unasked", path="/echo", succeeds=False)
    yield web("gzip-asked-echo", "http_gzip", path="/echo", succeeds=False)
    yield web("gzip-nginx", "http_gzip", path="/zipped", server="http")
    yield web("gzip-nginx-unasked", "http_gzip_unasked", path="/zipped", server="http", succeeds=False)
    yield web("accept-gzip", "http_accept_gzip", path="/zipped", server="http")
    yield web("gzip-rule", "http_gzip_body", path="/gzip")
    yield web("deflate-raw", "http_deflate", path="/deflate")
    yield web("deflate-zlib", "http_deflate", path="/deflate-zlib", succeeds=False)
    yield web("br", "http_br")
    yield web("br-broken", "http_br", succeeds=False)
    yield web("br-got-gzip", "http_br", path="/gzip", succeeds=False)
    yield web("identity-rule", "http_identity", path="/identity")
    yield web("identity-got-gzip", "http_identity", path="/gzip")
    yield web("limit-1mb", "http_limit_1mb", path="/big", server="http", succeeds=False)
    yield web("limit-exact", "http_limit_42", path="/plain")
    yield web("limit-by-one", "http_limit_41", path="/plain", succeeds=False)
    yield web("limit-chunked", "http_limit_42", path="/chunked", succeeds=False)
    yield web("limit-gzip", "http_limit_gzip", path="/gzip-big", succeeds=False)
    yield web("limit-and-rule", "http_limit_body", path="/plain", succeeds=False)
    yield web("limit-endless", "http_limit_42", path="/endless", succeeds=False)


def rule_cases():
    yield web("body-not", "http_body_not", path="/plain", succeeds=False)
    yield web("body-not-other", "http_body_not", path="/", server="http")
    yield web("body-not-dot", "http_body_not_dot", path="/plain")
    yield web("body-lines", "http_body_lines", path="/plain")
    yield web("body-classes", "http_body_classes", path="/plain")
    yield web("body-all", "http_body_all", path="/plain", succeeds=False)
    yield web("body-latin", "http_body_latin", path="/latin")
    yield web("body-utf8", "http_body_utf8", path="/latin")
    yield web("body-zero", "http_body_zero", path="/zeros")
    yield web("json", "http_json")
    yield web("body-empty", "http_json", path="/empty", succeeds=False)
    yield web("body-and-status", "http_body_and_status", path="/status/500", server="http", succeeds=False)
    yield web("body-short", "http_body_all", path="/short", succeeds=False)
    yield web("field-matches", "http_field_matches", path="/two-values", succeeds=False)
    yield web("field-matches-absent", "http_field_matches", path="/plain")
    yield web("field-matches-strict", "http_field_matches_strict", path="/plain", succeeds=False)
    yield web("field-not", "http_field_not_matches", path="/server")
    yield web("field-not-absent", "http_field_not_matches", path="/plain", succeeds=False)
    yield web("field-not-loose", "http_field_not_matches_loose", path="/two-values")
    yield web("field-not-loose-empty", "http_field_not_matches_loose", path="/server")
    yield web("field-not-loose-absent", "http_field_not_matches_loose", path="/plain")
    yield web("field-folded", "http_field_folded", path="/folded")
    yield web("not-ssl", "http_not_ssl", path="/plain")
    yield web("ssl", "http_ssl", path="/plain", succeeds=False)
    yield web("version-11", "http_version_11", path="/plain")
    yield web("version-11-got-10", "http_version_11", path="/http10", succeeds=False)
    yield web("version-10", "http_version_10", path="/http10")
    yield web("version-2-got-11", "http_version_2", path="/plain", succeeds=False)


def proxy_cases():
    yield web("proxy", "http_proxy", path="/echo")
    yield web("proxy-status", "http_proxy", path="/status/404", server="http", succeeds=False)
    yield Case("http/proxy-tls", "http_proxy", "https://good.lab:{good}/seen")
    yield Case("http/proxy-tls-expired", "http_proxy", "https://good.lab:{expired}/", succeeds=False)
    yield Case("http/proxy-refuses", "http_proxy", "http://refused.lab:{http}/", succeeds=False)
    yield Case("http/proxy-skip", "http_proxy_skip", "http://nowhere.lab:{raw}/echo")
    yield Case("http/proxy-skip-tls", "http_proxy_skip", "https://x.wild.lab:{good}/seen")
    yield Case("http/proxy-skip-refuses", "http_proxy_skip", "http://refused.lab:{http}/", succeeds=False)
    yield Case("http/proxy-skip-refuses-tls", "http_proxy_skip", "https://refused.lab:{good}/", succeeds=False)
    yield Case("http/proxy-redirect", "http_proxy", "http://127.0.0.1:{http}/to/relative")
    yield web("proxy-closed", "http_proxy_closed", path="/", server="http", succeeds=False)
    yield web("skip-without-proxy", "http_skip_without_proxy", path="/", server="http")


def name_cases():
    for module in ("http_2xx", "http_ip6", "http_only_ip4", "http_only_ip6", "http_defaults"):
        yield Case(f"names/dual-{module}", module, "http://dual.lab:{http}/")
    yield Case("names/four-ip6", "http_ip6", "http://four.lab:{http}/")
    yield Case("names/six-ip4", "http_2xx", "http://six.lab:{http}/")
    yield Case("names/four-only-ip6", "http_only_ip6", "http://four.lab:{http}/", succeeds=False)
    yield Case("names/six-only-ip4", "http_only_ip4", "http://six.lab:{http}/", succeeds=False)
    for host in ("nowhere.lab", "onlytext.lab", "a.fail.test", "a.refused.test", "bad..name"):
        yield Case(f"names/http-{host}", "http_2xx", f"http://{host}:{{http}}/", succeeds=False)
        yield Case(f"names/tcp-{host}", "tcp", f"{host}:{{http}}", succeeds=False)
        yield Case(f"names/icmp-{host}", "icmp", host, succeeds=False)
        yield Case(f"names/dns-{host}", "dns_a", f"{host}:{{knot}}", succeeds=False)
    yield Case("names/alias", "http_2xx", "http://alias.lab:{http}/")
    yield Case("names/dot", "http_2xx", "http://good.lab.:{http}/seen")
    yield Case("names/upper", "http_2xx", "http://GOOD.lab:{http}/seen")
    yield Case("names/localhost", "http_2xx", "http://localhost:{http}/")
    yield Case("names/decimal", "http_2xx", "http://2130706433:{http}/", succeeds=False)
    yield Case("names/several", "tcp", "several.lab:{http}")
    yield Case("names/several-ip6", "tcp_ip6_fast", "several.lab:{http}", succeeds=False)


def tls_cases():
    for name in ("good", "chained", "odd", "good-and-root", "good-and-expired", "server-only", "tls12", "tls13", "cipher"):
        yield tls(name)
        yield tls(f"{name}-insecure", "tls_insecure", server=name)
    for name in ("expired", "future", "wrong-name", "no-name", "by-address", "incomplete", "self-signed", "client-only"):
        yield tls(name, succeeds=False)
        yield tls(f"{name}-insecure", "tls_insecure", server=name)
    yield tls("tls10", succeeds=False)
    yield tls("tls11", succeeds=False)
    yield tls("tls11-allowed", "tls_min_10", server="tls11")
    yield tls("tls10-allowed", "tls_min_10", server="tls10")
    yield tls("tls12-min-13", "tls_min_13", server="tls12", succeeds=False)
    yield tls("tls13-min-13", "tls_min_13", server="tls13")
    yield tls("system", "tls_system", server="good", succeeds=False)
    yield tls("no-file", "tls_no_file", server="good", succeeds=False)
    for name in ("good", "chained", "wrong-name", "expired"):
        yield tls(f"{name}-insecure-trusted", "tls_insecure_trusted", server=name)
    yield tls("address", server="good", host="127.0.0.1")
    yield tls("address-ipv6", server="good", host="[::1]")
    yield tls("by-address-address", server="by-address", host="127.0.0.1")
    yield tls("wrong-name-address", server="wrong-name", host="127.0.0.1", succeeds=False)
    yield tls("wild", server="good", host="a.wild.lab")
    yield tls("server-name", "tls_name", server="wrong-name", path="/seen")
    yield tls("server-name-wrong", "tls_name", server="good", succeeds=False)
    yield tls("hostname", server="wrong-name", hostname="elsewhere.lab", path="/seen")
    yield tls("hostname-wrong", server="good", hostname="elsewhere.lab", succeeds=False)
    yield tls("hostname-and-name", "tls_name", server="wrong-name", hostname="good.lab", path="/seen")
    yield tls("client", "tls_client", path="/seen")
    yield tls("client-missing", server="client", path="/seen", succeeds=False)
    yield tls("client-optional", path="/seen")
    yield tls("client-optional-given", "tls_client", server="client-optional", path="/seen")
    yield tls("http2")
    yield tls("http2-big", server="http2", path="/big")
    yield tls("http2-zipped", "http_gzip", server="http2", path="/zipped", succeeds=False)
    yield tls("http2-status", server="http2", path="/status/503", succeeds=False)
    yield tls("http2-redirect", server="http2", path="/chain/3")
    yield tls("http2-version", "http_version_2", server="http2")
    yield tls("http2-version-11", "http_version_11", server="http2", succeeds=False)
    yield tls("http2-version-short", "http_version_short", server="http2", succeeds=False)
    yield tls("http2-off", "http_no_h2", server="http2")
    yield tls("not-ssl", "http_not_ssl", server="good", succeeds=False)
    yield tls("ssl", "http_ssl", server="good")
    yield tls("status", server="good", path="/status/500", succeeds=False)
    yield tls("garbage", server="tls-garbage", host="127.0.0.1", succeeds=False)
    yield tls("closes", server="tls-close", host="127.0.0.1", succeeds=False)
    yield tls("ssh", server="ssh", host="127.0.0.1", succeeds=False)


def icmp_cases():
    yield Case("icmp/ipv4", "icmp", "127.0.0.1")
    yield Case("icmp/ipv6", "icmp", "::1")
    yield Case("icmp/defaults", "icmp_defaults", "127.0.0.1")
    yield Case("icmp/name", "icmp", "dual.lab")
    yield Case("icmp/name-ip6", "icmp_ip6", "dual.lab")
    yield Case("icmp/name-only-ip6", "icmp_only_ip6", "four.lab", succeeds=False)
    yield Case("icmp/payload", "icmp_payload", "127.0.0.1")
    yield Case("icmp/payload-ipv6", "icmp_payload", "::1")
    yield Case("icmp/payload-8", "icmp_payload_8", "127.0.0.1")
    yield Case("icmp/dont-fragment", "icmp_dont_fragment", "127.0.0.1")
    yield Case("icmp/too-big", "icmp_too_big", SILENT_IPV4, succeeds=False)
    yield Case("icmp/ttl", "icmp_ttl", "127.0.0.1")
    yield Case("icmp/source", "icmp_source", "127.0.0.1")
    yield Case("icmp/bad-source", "icmp_bad_source", "127.0.0.1", succeeds=False)
    yield Case("icmp/silent", "icmp_fast", SILENT_IPV4, succeeds=False)
    yield Case("icmp/silent-ipv6", "icmp_fast", SILENT_IPV6, succeeds=False)
    yield Case("icmp/unreachable", "icmp_fast", UNREACHABLE_IPV4, succeeds=False)
    yield Case("icmp/unreachable-ipv6", "icmp_fast", UNREACHABLE_IPV6, succeeds=False)
    yield Case("icmp/prohibited", "icmp_fast", PROHIBITED_IPV4, succeeds=False)
    yield Case("icmp/with-port", "icmp", "127.0.0.1:80", succeeds=False)


def dns_cases():
    for name in ("a", "same", "dot", "upper", "tcp", "aaaa", "mx", "txt", "soa", "soa-below", "soa-tcp", "ns", "any",
                 "srv", "caa", "ptr", "alias", "cname", "referral", "nodata", "nxdomain-valid", "large", "large-tcp",
                 "no-recursion", "source-tcp", "matches-none", "not-matches-none", "none-matches", "all-match",
                 "texts-soa", "texts-mx", "texts-txt", "texts-txt-odd", "texts-srv", "texts-caa", "texts-authority",
                 "default-type", "defaults", "rcodes"):
        yield ask(name)
    yield from no(ask, "nxdomain", "dangling", "matches", "all-match-some", "not-matches", "none-matches-none",
                  "authority-absent", "additional-absent", "refused")
    resolver = Case("dns/resolver", "dns_a", "127.0.0.1")
    yield resolver
    for name in ("mx", "alias", "nodata", "local-txt", "refused-valid", "nxdomain-valid", "large", "large-tcp", "soa", "chaos"):
        yield Case(f"dns/resolver-{name}", "dns_" + name.replace("-", "_"), "127.0.0.1")
    for name in ("nxdomain", "refused", "servfail", "root", "source"):
        yield Case(f"dns/resolver-{name}", "dns_" + name, "127.0.0.1", succeeds=False)
    yield Case("dns/resolver-ipv6", "dns_a", "[::1]:53")
    yield Case("dns/ipv6", "dns_a", "[::1]:{knot}")
    yield Case("dns/name", "dns_a", "dual.lab:{knot}")
    yield Case("dns/name-no-port", "dns_a", "ns.lab")
    yield Case("dns/port-word", "dns_a", "127.0.0.1:domain")
    yield ask("closed", "dns_a", server="closed", succeeds=False)
    yield ask("closed-tcp", "dns_tcp", server="closed", succeeds=False)
    yield Case("dns/unreachable", "dns_a", f"{UNREACHABLE_IPV4}:53", succeeds=False)
    yield Case("dns/silent", "dns_odd_silent", f"{SILENT_IPV4}:53", succeeds=False)
    yield ask("tls", server="dns-tls")
    yield ask("tls-insecure", server="dns-tls")
    yield ask("tls-untrusted", server="dns-tls", succeeds=False)
    yield ask("tls-name", server="dns-tls", succeeds=False)
    yield ask("tls-on-plain", "dns_tls", server="knot", succeeds=False)
    yield Case("dns/tls-by-name", "dns_tls", "good.lab:{dns-tls}")
    yield Case("dns/tls-no-port", "dns_tls", "127.0.0.1", succeeds=False)
    yield Case("dns/ssh", "dns_tcp", "127.0.0.1:{ssh}", succeeds=False)
    for name in ("ok", "sections", "trailing", "truncated", "truncated-empty", "empty", "type", "name", "tcp", "header", "question",
                 "bit"):
        yield odd(name)
    yield odd("slow", at_least=slow("request", DNS))
    yield odd("split", at_least=slow("request", DNS))
    yield from no(odd, "silent", "silent-tcp", "garbage", "short", "cut", "id", "formerr", "notimp", "rcode9", "rcode15", "loop", "bad-a", "half", "close")


def tcp_cases():
    yield talk("open", "tcp", "http")
    yield talk("open-defaults", "tcp_defaults", "http")
    yield talk("open-ipv6", "tcp", "http", host="[::1]")
    yield talk("open-name", "tcp_defaults", "http", host="dual.lab")
    yield talk("only-ip6", "tcp_only_ip6", "http", host="four.lab", succeeds=False)
    yield talk("closed", "tcp", succeeds=False)
    yield talk("silent", "tcp")
    yield talk("source", "tcp_source", "http")
    yield talk("bad-source", "tcp_bad_source", "http", succeeds=False)
    yield Case("tcp/no-port", "tcp", "127.0.0.1", succeeds=False)
    yield Case("tcp/no-port-name", "tcp", "good.lab", succeeds=False)
    yield Case("tcp/port-too-high", "tcp", "127.0.0.1:70000", succeeds=False)
    yield Case("tcp/port-zero", "tcp", "127.0.0.1:0", succeeds=False)
    yield Case("tcp/scheme", "tcp", "tcp://127.0.0.1:{http}", succeeds=False)
    yield Case("tcp/no-host", "tcp", ":{http}", succeeds=False)
    yield Case("tcp/silent-host", "tcp_fast", f"{SILENT_IPV4}:80", succeeds=False)
    yield Case("tcp/unreachable", "tcp_fast", f"{UNREACHABLE_IPV4}:80", succeeds=False)
    yield talk("ssh", "ssh_banner")
    yield talk("ssh-ipv6", "ssh_banner_ip6", "ssh", host="[::1]")
    yield talk("ssh-split", "ssh_banner", "split", at_least=(("probe_duration_seconds", SLOW),))
    yield talk("ssh-capture", "ssh_capture", "ssh")
    yield from (talk(f"ssh-got-{name}", "ssh_banner", name, succeeds=False)
                for name in ("silent", "close", "reset", "smtp", "endless", "binary", "unended"))
    yield talk("irc", "irc_banner")
    yield talk("irc-got-ssh", "irc_banner", "ssh", succeeds=False)
    yield talk("echo", "tcp_echo")
    yield talk("lengths", "tcp_lengths")
    yield talk("many", "tcp_last")
    yield talk("unended", "tcp_last")
    yield talk("drip", "tcp_220")
    yield talk("binary", "tcp_binary")
    yield talk("long-line", "tcp_end", succeeds=False)
    yield talk("quite-long-line", "tcp_end")
    yield talk("prompt", "tcp_login", succeeds=False)
    yield talk("never", "tcp_expect_never", "echo", succeeds=False)
    yield talk("smtp-plain", "smtp_plain", "smtp")


def tcp_tls_cases():
    yield talk("smtp", "smtp_starttls")
    yield talk("smtp-own-name", "smtp_starttls_fast", "smtp", host="good.lab")
    for name in ("expired", "self-signed", "wrong-name"):
        yield talk(f"smtp-{name}", "smtp_starttls", succeeds=False)
        yield talk(f"smtp-insecure-{name}", "smtp_starttls_insecure", f"smtp-{name}")
    for name in ("chained", "odd", "good-and-expired"):
        yield talk(f"smtp-{name}", "smtp_starttls")
    yield talk("smtp-refuses", "smtp_starttls_fast", succeeds=False)
    yield talk("smtp-lies", "smtp_starttls_fast", succeeds=False)
    yield talk("smtp-hostname", "smtp_starttls_fast", "smtp-wrong-name", succeeds=False, hostname="elsewhere.lab")
    for name in ("pop3", "imap", "ftp"):
        yield talk(name, f"{name}_starttls", host="good.lab")
    yield talk("starttls-at-once", "starttls_at_once", "tls-banner")
    yield talk("tls", "tcp_tls", "tls-banner")
    yield talk("tls-only", "tcp_tls_only", "tls-banner", host="good.lab")
    yield talk("tls-later", "tcp_tls", at_least=(("probe_duration_seconds", SLOW),))
    yield talk("tls-hostname", "tcp_tls", "tls-banner-wrong-name", succeeds=False, hostname="elsewhere.lab")
    yield talk("tls-name", "tcp_tls_name", "tls-banner-wrong-name")
    yield talk("tls-name-and-hostname", "tcp_tls_name", "tls-banner-wrong-name", hostname="good.lab")
    yield talk("tls-min-13", "tcp_tls_min_13", "tls-banner")
    yield talk("tls-system", "tcp_tls_system", "tls-banner", succeeds=False)
    for name in ("expired", "self-signed", "wrong-name"):
        yield talk(f"tls-{name}", "tcp_tls", f"tls-banner-{name}", succeeds=False)
        yield talk(f"tls-insecure-{name}", "tcp_tls_insecure", f"tls-banner-{name}")
    for name in ("chained", "odd", "good-and-expired"):
        yield talk(f"tls-{name}", "tcp_tls", f"tls-banner-{name}")
    for name in ("tls-garbage", "tls-close", "silent", "ssh"):
        yield talk(f"tls-got-{name}", "tcp_tls_fast", name, succeeds=False)


def timeout_fields(value):
    return (("X-Prometheus-Scrape-Timeout-Seconds", value),)


def api_cases():
    target = "http://127.0.0.1:{http}/"
    yield Case("api/no-target", "http_2xx", "")
    yield Case("api/no-such-module", "no_such_module", target)
    yield Case("api/default-module", "", target)
    yield Case("api/timeout-word", "http_2xx", target, fields=timeout_fields("ten"))
    yield Case("api/timeout-10", "http_defaults", target, fields=timeout_fields("10"))
    yield Case("api/timeout-10.25", "http_defaults", target, fields=timeout_fields("10.250000"))
    yield Case("api/timeout-2-of-5", "http_2xx", target, fields=timeout_fields("2"))
    yield Case("api/timeout-5-of-5", "http_2xx", target, fields=timeout_fields("5"))
    yield Case("api/timeout-30-of-5", "http_2xx", target, fields=timeout_fields("30"))
    yield Case("api/timeout-minus", "http_2xx", target, fields=timeout_fields("-1"))
    yield Case("api/timeout-zero", "http_defaults", target, fields=timeout_fields("0"))
    yield Case("api/timeout-half", "http_defaults", target, fields=timeout_fields("0.5"), succeeds=False)
    yield Case("api/timeout-little", "http_defaults", target, fields=timeout_fields("0.4"), succeeds=False)
    yield Case("api/timeout-1m30s", "http_timeout_1m", target)
    yield Case("api/timeout-empty", "http_2xx", target, fields=timeout_fields(""))
    yield Case("api/timeout-nan", "http_2xx", target, fields=timeout_fields("NaN"), succeeds=False)
    yield Case("api/timeout-huge", "http_2xx", target, fields=timeout_fields("1e300"))
    yield Case("api/deadline", "http_defaults", "http://127.0.0.1:{raw}/hang", fields=timeout_fields("1"), succeeds=False)
    yield Case("api/encoded-twice", "http_2xx", "http%3A%2F%2F127.0.0.1%3A{http}%2F", succeeds=False)
    yield Case("api/plus", "http_2xx", "http://127.0.0.1:{raw}/echo?a+b")
    yield Case("api/blank", "http_2xx", "http://127.0.0.1:{raw}/echo?a%20b")
    yield Case("api/unicode", "http_2xx", "http://127.0.0.1:{raw}/echo?ü")


GROUPS = (status_cases, plain_cases, answer_cases, redirect_cases, request_cases, encoding_cases, rule_cases, proxy_cases,
          name_cases, tls_cases, icmp_cases, dns_cases, tcp_cases, tcp_tls_cases, api_cases)
CASES = [case for group in GROUPS for case in group()]
assert len({case.name for case in CASES}) == len(CASES), "a name is there twice"
