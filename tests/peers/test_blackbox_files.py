"""Which files of blackbox_exporter are valid: blackbox_exporter 0.23 or 0.24 (--config.check) and netsonde must agree.

Where they do not, it is written here with the reason, and must stay so.
"""

import os
import pathlib
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NETSONDE_BUILD", TOP / "build" / "release"))
VERDICT = BUILD / "tests" / "blackbox_verdict"
PACKAGED = ["/etc/prometheus/blackbox.yml",
            "/usr/share/doc/prometheus-blackbox-exporter/examples/example.yml",
            "/usr/share/doc/prometheus-blackbox-exporter/examples/blackbox.yml"]


def module(text):
    return "modules: { a: { %s } }" % text


def http(text):
    return module("prober: http, http: { %s }" % text)


def tcp(text):
    return module("prober: tcp, tcp: { %s }" % text)


def dns(text):
    return module("prober: dns, dns: { %s }" % text)


def icmp(text):
    return module("prober: icmp, icmp: { %s }" % text)


def regex(expression):
    return http("fail_if_body_matches_regexp: [ '%s' ]" % expression.replace("'", "''"))


# Both find it valid.
GOOD = {
    "no modules": "modules:\n",
    "an empty mapping": "{}",
    "a second document": "modules: {}\n---\nfoo: 1\n",
    "a second document with nothing in it": "modules: {}\n---\n",
    "an unknown prober": module("prober: foo"),
    "no prober": module("timeout: 5s"),
    "an empty module": "modules: { a: }",
    "a merge key": "modules:\n  a: &a\n    prober: http\n    timeout: 5s\n  b:\n    <<: *a\n    timeout: 6s\n",
    "a list of merge keys": "modules:\n  a: &a { prober: http, http: { method: GET } }\n"
                            "  b: { <<: [ *a ], http: { fail_if_ssl: true } }\n",
    "a timeout in quotes": module("timeout: '5s'"),
    "a timeout of two units": module("timeout: 1m0.5s"),
    "no timeout at all": module("timeout: '0'"),
    "a negative timeout": module("timeout: -5s"),
    "a status as a float": http("valid_status_codes: [ 200.0 ]"),
    "a status in hexadecimal": http("valid_status_codes: [ 0xc8 ]"),
    "yes": http("fail_if_ssl: yes"),
    "yes in quotes": http("fail_if_ssl: 'yes'"),
    "y": http("fail_if_ssl: y"),
    "TRUE": http("fail_if_ssl: TRUE"),
    "Off in quotes": http("fail_if_ssl: 'Off'"),
    "a number as a text": http("method: 1"),
    "a null field": http("fail_if_ssl: , method: null"),
    "a null expression": http("fail_if_body_matches_regexp: [ null ]"),
    "a null header": http("headers: { a: }"),
    "a null step": tcp("query_response: [ null ]"),
    "dns without a block": module("prober: dns"),
    "dns with a null block": module("prober: dns, dns: "),
    "type HTTPS": dns("query_name: a, query_type: HTTPS"),
    "class CH": dns("query_name: a, query_class: CH"),
    "an unknown rcode": dns("query_name: a, valid_rcodes: [ FOO ]"),
    "an unknown transport": dns("query_name: a, transport_protocol: foo"),
    "a bad expression in dns": dns("query_name: a, validate_answer_rrs: { fail_if_matches_regexp: [ '(' ] }"),
    "a negative payload": icmp("payload_size: -5"),
    "a source that is none": icmp("source_ip_address: foo"),
    "no time to live": icmp("ttl: 0"),
    "TLS wanted and not wanted": http("fail_if_ssl: true, fail_if_not_ssl: true"),
    "a certificate without a key": http("tls_config: { cert_file: a }"),
    "a latest TLS": http("tls_config: { max_version: TLS12 }"),
    "a size": http("body_size_limit: 10MB"),
    "a size of 0": http("body_size_limit: 0"),
    "a size in KiB": http("body_size_limit: 1KiB"),
    "a size with a point": http("body_size_limit: 1.5MB"),
    "a size of two units": http("body_size_limit: 1MB512KB"),
    "a negative size": http("body_size_limit: -1MB"),
    "a size in bytes": http("body_size_limit: 100B"),
    "an unknown compression": http("compression: foo"),
    "a compression that is accepted": http("compression: gzip, headers: { Accept-Encoding: 'br;q=1.0, gzip;q=0.9' }"),
    "a compression that is accepted by a star": http("compression: gzip, headers: { accept-encoding: '*' }"),
    "another kind of authorization": http("authorization: { type: foo, credentials: x }"),
    "null and a token": http("basic_auth: , bearer_token: b"),
    "oauth2": http("oauth2: { client_id: a, client_secret: b, token_url: c }"),
    "a proxy": http("proxy_url: 'http://x', proxy_connect_header: { a: [ b ] }"),
    "no HTTP/2": http("enable_http2: false"),
    "names to the proxy": http("skip_resolve_phase_with_proxy: true"),
    "the old field of redirects": http("no_follow_redirects: true"),
    "a name of a header that is none": http("headers: { 'a b': c }"),
    "binary": tcp("query_response: [ { send: !!binary AAAACATSFi8= } ]"),
    "grpc": module("prober: grpc, grpc: { service: a, tls: true, tls_config: { insecure_skip_verify: true } }"),
    "another prober's block": module("prober: http, icmp: { ttl: 5 }"),
}

# Both find it wrong.
BAD = {
    "an empty file": "",
    "only a comment": "# nothing\n",
    "a list": "[ a ]",
    "an unknown section": "foo: 1",
    "a tab": "modules:\n\ta: {}",
    "a module twice": "modules: { a: { prober: http }, a: { prober: tcp } }",
    "an unknown field of a module": module("foo: 1"),
    "an unknown field": http("methd: GET"),
    "an unknown merged field": "modules: { a: &x { prober: http }, b: { <<: *x, foo: 1 } }",
    "a merge key of no mapping": "modules: { a: { <<: 1 } }",
    "a timeout without a unit": module("timeout: 5"),
    "a timeout of 0 without quotes": module("timeout: 0"),
    "a timeout in days": module("timeout: 1d"),
    "a status in quotes": http("valid_status_codes: [ '200' ]"),
    "a single status": http("valid_status_codes: 200"),
    "true in quotes": http("fail_if_ssl: 'true'"),
    "1": http("fail_if_ssl: 1"),
    "yEs": http("fail_if_ssl: yEs"),
    "a list for a text": http("method: [ a ]"),
    "a list of headers": http("headers: [ a ]"),
    "a bad expression": http("fail_if_body_matches_regexp: [ '(' ]"),
    "a bad expression of a dialogue": tcp("query_response: [ { expect: '(' } ]"),
    "dns without a name": dns(""),
    "dns with an empty name": dns("query_name: ''"),
    "a type in small letters": dns("query_name: a, query_type: a"),
    "a type by number": dns("query_name: a, query_type: TYPE65"),
    "an unknown class": dns("query_name: a, query_class: XX"),
    "a mistake in another prober's block": module("prober: http, dns: { query_name: '' }"),
    "too many hops": icmp("ttl: 256"),
    "fewer hops than none": icmp("ttl: -1"),
    "an unknown version of TLS": http("tls_config: { min_version: foo }"),
    "a size without a unit": http("body_size_limit: 1000"),
    "a size in small letters": http("body_size_limit: 10mb"),
    "no size": http("body_size_limit: foo"),
    "a compression that is not accepted": http("compression: gzip, headers: { Accept-Encoding: br }"),
    "a compression that is refused": http("compression: gzip, headers: { accept-encoding: '*;q=0' }"),
    "identity that is not accepted": http("compression: identity, headers: { Accept-Encoding: 'br;q=0.5' }"),
    "a header rule without an expression": http("fail_if_header_matches: [ { header: a } ]"),
    "a header rule with an empty expression": http("fail_if_header_matches: [ { header: a, regexp: '' } ]"),
    "a header rule without a header": http("fail_if_header_matches: [ { regexp: a } ]"),
    "two kinds of authentication": http("basic_auth: { username: a }, bearer_token: b"),
    "an empty one and a token": http("basic_auth: {}, bearer_token: b"),
    "basic as authorization": http("authorization: { type: Basic }"),
    "authorization and a token": http("authorization: { credentials: a }, bearer_token: b"),
    "authorization and basic": http("authorization: { credentials: a }, basic_auth: { username: b }"),
    "two passwords": http("basic_auth: { username: a, password: b, password_file: c }"),
    "two credentials": http("authorization: { credentials: a, credentials_file: c }"),
    "two tokens": http("bearer_token_file: x, bearer_token: b"),
    "an unknown field of oauth2": http("oauth2: { client_idx: a }"),
    "a proxy without a scheme": http("proxy_url: ':foo'"),
    "headers for no proxy": http("proxy_connect_header: { a: [ b ] }"),
    "an unknown field of grpc": module("prober: grpc, grpc: { foo: 1 }"),
}

# Later versions of blackbox_exporter know these; 0.23 does not.
NEWER = {
    "body_file": http("body_file: b"),
    "TLS texts": http("tls_config: { ca: x }"),
    "no_proxy": http("proxy_url: 'http://a', no_proxy: x"),
    "proxy_from_environment": http("proxy_from_environment: true"),
    "http_headers": http("http_headers: { a: { values: [ b ] } }"),
    "username_file": http("basic_auth: { username_file: x }"),
    "HTTP/3": http("enable_http2: false, enable_http3: true"),
    "CEL": http("fail_if_body_json_matches_cel: 'body.a == 1'"),
    "bytes": tcp("query_response: [ { expect_bytes: a } ]"),
    "labels": tcp("query_response: [ { expect: a, labels: [ { name: b, value: c } ] } ]"),
    "metadata": module("prober: grpc, grpc: { metadata: { a: [ b ] } }"),
    "unix": module("prober: unix, unix: { query_response: [] }"),
    "websocket": module("prober: websocket, websocket: { headers: {} }"),
}

# RE2 compiles them.
EXPRESSIONS = [
    "", "a|b|", "()", "(?:)", "(|a)*", "a*?b+?c??", "a{2}b{2,}c{2,3}d{0}", "a{2}?", "a{,5}", "a{01}", "a{", "{", "}", "]",
    "a{x}", "a{2", "a{2,x}", "a{1000}", "(a{10}){100}", "(?P<name>x)", "(?i)a(?s:.)(?U)b", "(?i-s:x)", "(?)", "(?m)^a$",
    "^*", "^+a", "$?", "\\b+", "\\A*", "\\z{2}", "[a-z]", "[]a]", "[^]a]", "[-a]", "[a-]", "[a-c-e]", "[a\\-z]",
    "[[:alpha:][:^digit:]]", "[[:word:]]", "[[:al]", "[[.a.]]", "[a&&b]", "\\d\\D\\s\\S\\w\\W", "[\\d\\S]", "\\pN\\PL",
    "\\p{Greek}", "\\p{^Lu}", "\\P{^Lu}", "[\\pL\\p{Nd}]", "\\a\\f\\n\\r\\t\\v", "\\0", "\\12", "\\101", "\\x41",
    "\\x{e9}", "\\x{10FFFF}", "\\Qa.b\\E+", "\\Qa", "\\Q\\E", "\\_", "\\-", "\\ ", "\\\"", "é+", "[à-ü]", "€", "a.b",
    "\\.", "x*|y", "((((a))))", "[\\n\\]]", "[\\x{e9}-\\x{20ac}]", "#", " ", "a b", "(?P<a1_>x)(?P<b>y)",
]
# RE2 does not.
WRONG_EXPRESSIONS = [
    "(", "a)", "(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(?>a)", "(?#a)", "(?P=a)", "(?P>a)", "(?|a)", "(?R)", "(?x)a", "(?i",
    "(?-)", "(?i--s)", "(?", "(?P<a b>x)", "(?P<>x)", "(?P<a", "*", "a|*", "(*a)", "+a", "?", "a**", "a*+", "a++", "a?+",
    "a{2}{3}", "a*??", "a{1001}", "a{1,1001}", "a{3,2}", "a{999999999999}", "(a{100}){11}", "(a{2,}){501}", "\\1", "\\8",
    "\\C", "\\G", "\\K", "\\Z", "\\h", "\\R", "\\X", "\\N", "\\g1", "\\k<a>", "\\e", "\\cA", "\\E", "\\", "\\é", "\\x",
    "\\x4", "\\xg1", "\\x{}", "\\x{41", "\\x{110000}", "\\p", "\\px", "\\p{", "\\p{Greek", "\\p{}", "[", "[a", "[]", "[^",
    "[z-a]", "[a-\\d]", "[\\b]", "[[:foo:]]", "[[:^:]]", "[\\p{]", "[a-", "[\\Q]\\E]",
]
# Go compiles these, and netsonde says why it does not.
OTHER_EXPRESSIONS = {
    "a(?i)*": "PCRE2 has no repetition across flags",
    "(?P<1a>x)": "PCRE2's names do not begin with a digit",
    "(?P<%s>x)" % ("a" * 33): "PCRE2's names have at most 32 characters",
}


@pytest.fixture(scope="module")
def exporter():
    found = shutil.which("prometheus-blackbox-exporter")
    if found is None:
        pytest.skip("no blackbox_exporter here (package prometheus-blackbox-exporter)")
    return found


def ours(path):
    return subprocess.run([VERDICT, path], check=True, capture_output=True, text=True, timeout=60).stdout.strip()


def theirs(exporter, path):
    run = subprocess.run([exporter, "--config.check", f"--config.file={path}"], capture_output=True, text=True, timeout=60)
    return run.returncode == 0, run.stderr


def judge(exporter, folder, text):
    path = folder / "blackbox.yml"
    path.write_text(text)
    is_valid, log = theirs(exporter, path)
    return is_valid, ours(path), log


def is_valid(verdict):
    assert verdict.startswith(("valid", "error ")), verdict
    return verdict.startswith("valid")


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD.keys())
def test_good(exporter, tmp_path, text):
    valid, verdict, log = judge(exporter, tmp_path, text)
    assert valid or "exactly one of key or key_file" in log and "version=0.23" not in log, log
    assert is_valid(verdict), verdict


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_bad(exporter, tmp_path, text):
    valid, verdict, _ = judge(exporter, tmp_path, text)
    assert not valid
    assert not is_valid(verdict), verdict


@pytest.mark.parametrize("text", NEWER.values(), ids=NEWER.keys())
def test_newer(exporter, tmp_path, text):
    valid, verdict, log = judge(exporter, tmp_path, text)
    if valid:
        assert "version=0.23" not in log
    assert is_valid(verdict), verdict


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expressions(exporter, tmp_path, expression):
    valid, verdict, log = judge(exporter, tmp_path, regex(expression))
    assert valid, log
    assert verdict == "valid"


@pytest.mark.parametrize("expression", WRONG_EXPRESSIONS)
def test_wrong_expressions(exporter, tmp_path, expression):
    valid, verdict, _ = judge(exporter, tmp_path, regex(expression))
    assert not valid
    assert not is_valid(verdict), verdict


@pytest.mark.parametrize("expression", OTHER_EXPRESSIONS.keys())
def test_other_expressions(exporter, tmp_path, expression):
    valid, verdict, log = judge(exporter, tmp_path, regex(expression))
    assert valid, log
    assert not is_valid(verdict), verdict


@pytest.mark.parametrize("path", PACKAGED)
def test_packaged(exporter, path):
    if not pathlib.Path(path).exists():
        pytest.skip("no blackbox_exporter here (its package leaves out what is documentation)")
    valid, log = theirs(exporter, path)
    assert valid, log
    verdict = ours(path)
    assert is_valid(verdict)
    # Nothing but these is refused.
    for refused in verdict.split("[")[1:]:
        assert "prober grpc is not supported" in refused or "oauth2: is not supported" in refused, refused
