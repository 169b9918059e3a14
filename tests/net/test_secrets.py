"""What is secret is in nothing that the daemon says: log, pages, errors, figures, what it keeps for people to read."""

import base64
import http.server
import json
import os
import subprocess
import threading
import urllib.parse

import pytest

from influx_server import InfluxServer
from support import BINARY, TOP, Daemon, clean_environment, make_config, wait_for

# Each as it may come to the daemon. None of them may be found anywhere, nor a part of it.
SECRETS = {name: f"{name}Zq7w-s3cr3t" for name in
           ("inline", "file", "env", "variable", "variablefile", "password", "passwordfile", "proxy", "wrong")}
TAIL = "Zq7w-s3cr3t"
# Plain, and within what basic authentication sends, in any of the three alignments of base64.
FORMS = [TAIL[:4], TAIL[5:], *[base64.b64encode(b"x" * ahead + TAIL.encode()).decode()[4:-4] for ahead in range(3)]]


def expect_no_secret(what, text):
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    found = [form for form in FORMS if form in text]
    assert found == [], f"{what} has {found}:\n{text[-3000:]}"


def command(*arguments, folder, environment=None):
    result = subprocess.run([BINARY, *arguments], cwd=folder, env={**clean_environment(), **(environment or {})},
                            capture_output=True, timeout=60)
    expect_no_secret(f"netsonde {' '.join(arguments)}", result.stdout + result.stderr)
    return result


# --- a daemon with every kind of secret ----------------------------------------------------------------------------


def echo(status, kind="text/plain", location=False):
    """An answer that repeats all that it was sent. 400 is believed only by who sees other lines taken."""

    def behave(_, request):
        if status == 400 and not any("target=a" in line for line in request.lines):
            return None
        said = f"you sent {request.headers['Authorization']}"
        for word in request.headers["Authorization"].split():
            try:
                said += " " + base64.b64decode(word, validate=True).decode()
            except ValueError:
                pass
        fields = {"Content-Type": kind}
        if location:
            fields["Location"] = f"http://elsewhere/?{said}".replace(" ", "+")
        body = json.dumps({"error": f"partial write: {said} dropped=1"}) if "json" in kind else said
        return status, fields, body.encode()

    return behave


ANSWERS = {
    "t401": echo(401), "f400": echo(400), "j400": echo(400, "application/json"), "j422": echo(422, "application/json"),
    "r302": echo(302, location=True), "e500": echo(500), "e503": echo(503), "h200": echo(200, "text/html"),
    "good": None,
}
ENVIRONMENT = {
    "SOME_TOKEN": SECRETS["env"], "SOME_PASSWORD": SECRETS["env"],
    "NETSONDE_INFLUX_VARIABLE_TOKEN": SECRETS["variable"],
    "NETSONDE_INFLUX_VARIABLEFILE_PASSWORD_FILE": "variablefile",
}


def outputs(url):
    v1, v2 = {"url": url, "database": "d"}, {"url": url, "org": "o", "bucket": "b"}
    common = {"timeout": 1, "flush_interval": 0.1, "verify": True}
    all_outputs = [
        {"name": "inline", "token": SECRETS["inline"], **v2},
        {"name": "file", "token_file": "file", **v2},
        {"name": "env", "token": "${env:SOME_TOKEN}", **v1},
        {"name": "variable", **v2},
        {"name": "variablefile", "user": "u", **v1},
        {"name": "password", "user": "u", "password": SECRETS["password"], **v1},
        {"name": "passwordfile", "user": "somebody", "password_file": "passwordfile", **v2},
        {"name": "envpassword", "user": "us", "password": "${env:SOME_PASSWORD}", **v1},
    ]
    return [{**output, **common} for output in all_outputs]


def write_files(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("file", "variablefile", "passwordfile"):
        (folder / name).write_text(SECRETS[name] + "\n")
    return folder


def whole_config(url, **agent):
    return make_config([("a", "127.0.0.1"), ("b", "127.0.0.2")], agent={"log_level": "debug", "state_dir": "state", **agent},
                       web={"results_size": "1MiB"}, influx=outputs(url))


PAGES = ("/", "/config", "/metrics", "/api/v1/latest", "/api/v1/results", "/api/v1/results?target=a", "/-/healthy",
         "/-/ready", "/health", "/api/v2/stats", "/api/v2/openapi.json", "/nothing")


def expect_silence(daemon):
    """Of everything that the daemon says or leaves behind."""
    for page in PAGES:
        expect_no_secret(page, daemon.get(page)[2])
    for path in ("state/log", *[str(file.relative_to(daemon.folder)) for file in daemon.folder.glob("state/log/*")]):
        for more in ([], ["--export=lines"], ["--export=csv"]):
            command("log", *more, path, folder=daemon.folder)
    for file in daemon.folder.rglob("state/**/*"):
        if file.is_file():
            expect_no_secret(file.name, file.read_bytes())
    expect_no_secret("the arguments", open(f"/proc/{daemon.process.pid}/cmdline", "rb").read())
    expect_no_secret("the log", daemon.log)


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_server_that_repeats_them(start_daemon, tmp_path, answer):
    write_files(tmp_path / "daemon0")
    with InfluxServer() as server:
        server.behave = ANSWERS[answer]
        daemon = start_daemon(whole_config(server.url), environment=ENVIRONMENT)
        names = [output["name"] for output in outputs("")]
        wait_for(lambda: len(server.requests) >= len(names), "requests")
        if answer != "good":
            # Every one of them has told of its trouble.
            wait_for(lambda: daemon.log.count("not shown") >= len(names), f"complaints:\n{daemon.log}")
        if answer == "f400":
            wait_for(lambda: list(daemon.folder.glob("state/log/rejected.lp")), "lines that were rejected")
        assert b"<secret>" in daemon.get("/config")[2]
        expect_silence(daemon)
        # A reload that fails beside them, and one that changes them.
        config = daemon.folder / "netsonde.conf"
        good = config.read_text()
        for text in (good.replace("timeout = 1;", 'timeout = "x";', 1), good + 'oops: { token = "' + SECRETS["wrong"],
                     good.replace(SECRETS["inline"], SECRETS["wrong"])):
            config.write_text(text)
            expect_no_secret("/-/reload", daemon.get("/-/reload", method="POST")[2])
        command("check", "netsonde.conf", folder=daemon.folder, environment=ENVIRONMENT)
        server.behave = None
        daemon.stop()
        expect_no_secret("the log at the end", daemon.log)


@pytest.mark.parametrize("proxy", [
    "http://proxyuser:{}@127.0.0.1:1", "http://proxyuser:{}@no-such-host.invalid:1", "ftp://proxyuser:{}@127.0.0.1:1",
    "nonsense://proxyuser:{}@127.0.0.1:1", "http://proxyuser:{}@127.0.0.1:port", "proxyuser:{}@127.0.0.1:99999",
    "socks5://proxyuser:{}@127.0.0.1:1", "https://proxyuser:{}@127.0.0.1:1", "http://proxyuser:{}@[::1", "{}@",
])
def test_a_proxy_with_a_password(start_daemon, tmp_path, proxy):
    write_files(tmp_path / "daemon0")
    daemon = start_daemon(whole_config("http://127.0.0.1:9"), environment={
        **ENVIRONMENT, "http_proxy": proxy.format(SECRETS["proxy"])})
    wait_for(lambda: "what=influx target=inline " in daemon.log and "wait in the disk log" in daemon.log, "a complaint")
    expect_silence(daemon)


def test_a_proxy_that_repeats_its_password(start_daemon, tmp_path):
    write_files(tmp_path / "daemon0")
    with InfluxServer() as server:
        server.behave = lambda _, request: (407, {}, request.headers["Proxy-Authorization"].encode())
        daemon = start_daemon(whole_config("http://influx.invalid:9"), environment={
            **ENVIRONMENT, "http_proxy": f"http://proxyuser:{SECRETS['proxy']}@127.0.0.1:{server.port}"})
        wait_for(lambda: "HTTP 407" in daemon.log, "a complaint")
        expect_silence(daemon)
        server.behave = None


# --- what is refused -----------------------------------------------------------------------------------------------

S = SECRETS["wrong"]
ONE = 'influx: ( {{ name = "main"; url = "http://h:1"; database = "d"; {} }} );\n'
WRONG = {
    "url-login": f'influx: ( {{ url = "http://u:{S}@h"; database = "d"; }} );',
    "url-scheme": f'influx: ( {{ url = "{S}://h"; database = "d"; }} );',
    "url-no-scheme": f'influx: ( {{ url = "u:{S}@h"; database = "d"; }} );',
    "url-query": f'influx: ( {{ url = "http://h/?u=u&p={S}"; database = "d"; }} );',
    "url-fragment": f'influx: ( {{ url = "http://h/#{S}"; database = "d"; }} );',
    "url-port": f'influx: ( {{ url = "http://h:{S}/"; database = "d"; }} );',
    "url-blank": f'influx: ( {{ url = "http://u:{S} @h/"; database = "d"; }} );',
    "url-long": f'influx: ( {{ url = "http://h/{S * 400}"; database = "d"; }} );',
    "url-of-a-file": f'influx: ( {{ url = "http://u:{S}@h/"; path = "x"; }} );',
    "address-url": f'targets: ( {{ name = "a"; address = "https://u:{S}@h/"; }} );',
    "address": f'targets: ( {{ name = "a"; address = "u:{S}@h"; }} );',
    "listen": f'web: {{ listen = [ "http://u:{S}@127.0.0.1:1" ]; }};',
    "resolver": f'agent: {{ resolver = "u:{S}@127.0.0.1"; }};',
    "token-lines": ONE.format(f'token = "{S}\\n{S}";'),
    "token-list": ONE.format(f'token = [ "{S}", "{S}" ];'),
    "token-group": ONE.format(f'token = {{ x = "{S}"; }};'),
    "token-twice": ONE.format(f'token = "{S}"; token = "{S}";'),
    "token-and-file": ONE.format(f'token = "{S}"; token_file = "/dev/null";'),
    "token-and-user": ONE.format(f'token = "{S}"; user = "u"; password = "{S}";'),
    "token-of-a-file": f'influx: ( {{ path = "x"; token = "{S}"; }} );',
    "password-alone": ONE.format(f'password = "{S}";'),
    "key-with-a-slip": ONE.format(f'tokn = "{S}";'),
    "section-with-a-slip": f'inflx: ( {{ token = "{S}"; }} );',
    "wrong-section": f'agent: {{ token = "{S}"; password = "{S}"; }};',
    "other-error": ONE.format(f'token = "{S}"; timeout = "never";'),
    "not-utf-8": ONE.format(f'token = "{S}\udcff";'),
    "expansion": ONE.format(f'token = "{S}${{env:}}";'),
    "expansion-of-none": ONE.format(f'token = "{S}${{env:NO_SUCH_VARIABLE}}";'),
    "expansion-in-url": ONE.format("").replace("http://h:1", "http://u:${env:SOME}@h"),
    "open-quote": ONE.format(f'token = "{S};'),
    "no-quotes": ONE.format(f"token = {S};"),
    "one-quote": ONE.format(f'token = {S}";'),
    "no-semicolon": ONE.format(f'token "{S}" x'),
    "escape": ONE.format(f'token = "{S}\\q{S}" "{S}" 5'),
    "single-quotes": ONE.format(f"token = '{S}';"),
    "open-group": f'influx: ( {{ name = "main"; token = "{S}"',
    "number-too-large": ONE.format(f'token = "{S}"; batch_lines = 99999999999999999999999;'),
    "include": f'@include "/no/such/file"\n' + ONE.format(f'token = "{S}";'),
    "file-not-utf-8": ONE.format('token_file = "bytes";'),
    "file-with-a-nul": ONE.format('token_file = "nul";'),
    "file-too-large": ONE.format('token_file = "large";'),
    "password-file-not-utf-8": ONE.format('user = "u"; password_file = "bytes";'),
    "target-file-login": 'probes: { p: { type = "ping"; }; };\n'
                         'target_files: ( { path = "login.json"; probes = [ "p" ]; } );',
    "target-file-syntax": 'probes: { p: { type = "ping"; }; };\n'
                          'target_files: ( { path = "syntax.json"; probes = [ "p" ]; } );',
    "target-file-comma": 'probes: { p: { type = "ping"; }; };\n'
                         'target_files: ( { path = "comma.json"; probes = [ "p" ]; } );',
}
BY_ENVIRONMENT = {
    "variable-with-a-slip": {"NETSONDE_INFLUX_MAIN_TOKN": S},
    "variable-of-none": {"NETSONDE_INFLUX_OTHER_TOKEN": S},
    "variable-of-two-lines": {"NETSONDE_INFLUX_MAIN_TOKEN": f"{S}\n{S}"},
    "variable-not-utf-8": {"NETSONDE_INFLUX_MAIN_TOKEN": f"{S}\udcff"},
    "variable-url": {"NETSONDE_INFLUX_MAIN_URL": f"http://u:{S}@h"},
    "variable-alone": {"NETSONDE_INFLUX_MAIN_PASSWORD": S},
    "variable-file": {"NETSONDE_INFLUX_MAIN_TOKEN_FILE": "bytes"},
    "variable-choice": {"NETSONDE_AGENT_LOG_LEVEL": "none", "NETSONDE_INFLUX_MAIN_TOKEN": S},
}


def refused_files(folder):
    folder.mkdir(exist_ok=True)
    (folder / "bytes").write_bytes(S.encode() + b"\xff\n")
    (folder / "nul").write_bytes(S.encode() + b"\0" + S.encode() + b"\n")
    (folder / "large").write_text(S * 10000)
    (folder / "login.json").write_text(json.dumps([{"targets": [f"http://u:{S}@h/"]}]))
    (folder / "syntax.json").write_text(f'[ {{ "targets": [ "http://u:{S}@h/\n" ] }} ]')
    (folder / "comma.json").write_text(f'[ {{ "targets": [ "a" "http://u:{S}@h/" ] }} ]')
    return folder


def expect_refused(folder, environment):
    environment = {"SOME": S, **environment}
    result = command("check", "netsonde.conf", folder=folder, environment=environment)
    assert result.returncode == 1 and result.stderr, result
    if not b".json" in result.stderr:
        result = command("run", "--config", "netsonde.conf", folder=folder, environment=environment)
        assert result.returncode == 1 and result.stderr, result


@pytest.mark.parametrize("what", WRONG)
def test_what_is_refused_is_not_repeated(tmp_path, what):
    folder = refused_files(tmp_path / "x")
    (folder / "netsonde.conf").write_bytes(os.fsencode(WRONG[what]))
    expect_refused(folder, {})


@pytest.mark.parametrize("what", BY_ENVIRONMENT)
def test_what_is_refused_of_the_environment_is_not_repeated(tmp_path, what):
    folder = refused_files(tmp_path / "x")
    (folder / "netsonde.conf").write_text(ONE.format(""))
    expect_refused(folder, BY_ENVIRONMENT[what])


def test_a_reload_repeats_nothing_either(start_daemon, tmp_path):
    daemon = start_daemon(make_config([("a", "127.0.0.1")], agent={"log_level": "debug"}), environment={"SOME": S})
    refused_files(daemon.folder)
    for what, config in WRONG.items():
        (daemon.folder / "netsonde.conf").write_bytes(os.fsencode(config))
        status, _, body = daemon.get("/-/reload", method="POST")
        assert status == 200 or body, what
        expect_no_secret(f"/-/reload, {what}", body)
        expect_no_secret(f"the log, {what}", daemon.log)
        expect_no_secret(f"/config, {what}", daemon.get("/config")[2])


# --- probes with secrets --------------------------------------------------------------------------------------------


class Parrot(http.server.BaseHTTPRequestHandler):
    """Says all that it was told: in its body, in fields, and in where it redirects to."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.heard.append(str(self.headers))
        said = " ".join(f"{name}: {value}" for name, value in self.headers.items()).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(said)))
        self.send_header("X-Said", said.decode())
        self.send_header("Last-Modified", said.decode())
        if self.server.status == 302:
            self.send_header("Location", "http://127.0.0.1:1/?" + urllib.parse.quote(said))
        self.end_headers()
        self.wfile.write(said)

    do_CONNECT = do_GET

    def log_message(self, *_):
        pass


PROBES_WITH_SECRETS = {
    "basic": {"user": "u", "password": SECRETS["password"]},
    "basicfile": {"user": "us", "password_file": "passwordfile"},
    "bearer": {"bearer_token": SECRETS["inline"]},
    "fields": {"secret_headers": f"X-Key: {SECRETS['inline']}"},
    "proxied": {"proxy": "http://127.0.0.1:{port}", "proxy_user": "usr", "proxy_password": SECRETS["proxy"]},
}


@pytest.mark.parametrize("status", [200, 302, 401, 407, 500])
def test_probes_with_secrets(start_daemon, tmp_path, status):
    write_files(tmp_path / "daemon0")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Parrot) as server:
        server.heard, server.status = [], status
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        probes = {
            name: {"type": "http", "interval": 1, "timeout": 0.9, "fail_if_body_matches": ["nothing"],
                   **{key: value.format(port=server.server_port) for key, value in options.items()}}
            for name, options in PROBES_WITH_SECRETS.items()}
        config = make_config([{"name": "a", "address": url, "probes": list(probes)}], probes,
                             agent={"log_level": "debug", "state_dir": "state"}, web={"results_size": "1MiB"})
        daemon = start_daemon(config + 'probe_endpoint: { allow = [ "127.0.0.0/8" ]; };\n')
        for i, name in enumerate(probes):
            for more in ("", "&debug=true"):
                text = daemon.get(f"/probe?target={url}&module={name}{more}")[2]
                expect_no_secret(f"/probe of {name}", text)
            assert b"<secret>" in text
            expect_no_secret("/logs", daemon.get(f"/logs?id={2 * i + 1}")[2])
            expect_no_secret("results", daemon.get(f"/api/v1/results?target=a&probe={name}")[2])
        # They were sent, or nothing is shown here.
        heard = "".join(server.heard)
        assert all(any(form in heard for form in FORMS[i:]) for i in (0, 2))
        expect_silence(daemon)
        command("check", "netsonde.conf", folder=daemon.folder)
        command("probe", "http", url, f"--password={SECRETS['password']}", "--user=u", folder=daemon.folder)
        daemon.stop()
        expect_no_secret("the log at the end", daemon.log)
        expect_no_secret("the lines", (daemon.folder / "lines").read_bytes())
        server.shutdown()


@pytest.mark.parametrize("type_, address", [("http", "https://127.0.0.1/"), ("tcp", "127.0.0.1:1"), ("dns", "tls://127.0.0.1")])
def test_a_key_that_is_none(tmp_path, type_, address):
    """The message says what is wrong with it, and not what it is."""
    probe = {"type": type_, "tls_cert": "-----BEGIN CERTIFICATE-----", "tls_key": SECRETS["inline"]}
    if type_ == "dns":
        probe["query_name"] = "a.test"
    (tmp_path / "x.conf").write_text(make_config([("a", address)], {"p": probe}))
    result = command("check", "x.conf", folder=tmp_path)
    assert result.returncode == 1 and b"tls_" in result.stderr


def test_every_secret_option_is_one_of_these():
    """Whoever adds an option of the kind "secret" adds it here."""
    text = (TOP / "docs" / "configuration.md").read_text()
    rows = {line.split("|")[1].strip(" `") for line in text.splitlines() if line.startswith("|") and "| secret" in line}
    # "key" is of api.keys: test_api_v2 looks for it.
    assert rows == {"token", "password", "bearer_token", "secret_headers", "proxy_password", "tls_key", "key"}
