"""A small world on loopback that every board has something to say about: a daemon with all types of probes, routers, a real
Prometheus with our rules, a real Alertmanager that tells a webhook. Waits of hours are seconds here."""

import http.server
import json
import re
import shutil
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import threading
from pathlib import Path

import yaml

from netsonde import Daemon
from servers import Prometheus, free_ports

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).with_name("routeros")))

from simulator import Simulator  # noqa: E402

PLACE = {
    "country": {"iso_code": "SG", "names": {"en": "Singapore"}},
    "city": {"names": {"en": "Singapore"}},
    "location": {"latitude": 1.35, "longitude": 103.8},
}

# A query for the address of "a.", as a step of a probe of type udp says it.
QUERY = "".join(f"\\\\x{byte:02x}" for byte in bytes.fromhex("2a2a 0100 0001 0000 0000 0000 01 61 00 0001 0001"))


class Names(socketserver.BaseRequestHandler):
    """Answers every query with one address."""

    def handle(self):
        query, connection = self.request
        end = query.index(b"\0", 12) + 5
        answer = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + socket.inet_aton(self.server.address)
        head = query[:2] + struct.pack("!HHHHH", 0x8180, 1, 1, 0, 0)
        connection.sendto(head + query[12:end] + answer, self.client_address)


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = bytes(300000)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        # In two parts, so that there is a time of the transfer.
        self.wfile.write(body[:150000])
        self.wfile.flush()
        threading.Event().wait(0.02)
        self.wfile.write(body[150000:])

    def log_message(self, *_):
        pass


class Sink(http.server.BaseHTTPRequestHandler):
    """Takes lines as InfluxDB 2 does."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Webhook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.alerts += [
            (alert["status"], alert["labels"], alert["annotations"], message["receiver"]) for alert in message["alerts"]
        ]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def serve(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


# How many times faster everything is here than in the files of rules.
FASTER = 120
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def shorter(duration, least=0):
    """That duration of PromQL made shorter, in milliseconds but never below least seconds."""
    return f"{round(1000 * max(least, int(duration[:-1]) * UNITS[duration[-1]] / FASTER))}ms"


def soon(text):
    """Rules whose hours are seconds. Whatever time a rule waits or looks back for ([10m], offset 1h, for: 5m) is the 120th
    part of what its file says: ten minutes are 5 s, an hour is 30 s, and a week is more than a test lasts, so all that there
    is. All keep their proportions, and a fault that is 15 s old is to a rule what one of half an hour is in life. Two things
    are not in proportion. Nothing is scraped or worked out more often than once a second: steps of subqueries and intervals
    of groups are 1 s. And no window is below 5 s, since a rate needs two scrapes, of which one may be late. Nothing else is
    touched: names, labels, thresholds (but that for how long a line has waited) and factors are those of the file."""
    text = re.sub(r"\[(\d+[a-z])\]", lambda found: f"[{shorter(found[1], 5)}]", text)
    text = re.sub(r"\[(\d+[a-z]):\d+[a-z]\]", lambda found: f"[{shorter(found[1], 5)}:1s]", text)
    text = re.sub(r"(\boffset |\bfor: )(\d+[a-z])\b", lambda found: found[1] + shorter(found[2]), text)
    text = re.sub(r"(_queue_age_seconds > )(\d+)$", lambda found: f"{found[1]}{int(found[2]) / FASTER}", text, flags=re.M)
    return re.sub(r"(?m)^(\s+)interval: .*$", r"\1interval: 1s", text)


class World:
    def __init__(self, binary, folder):
        self.folder = folder
        self.closers = []
        self.names = serve(socketserver.ThreadingUDPServer(("127.0.0.1", 0), Names))
        self.names.address = "192.0.2.1"
        self.page = self.tls_page()
        self.hook = serve(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Webhook))
        self.hook.alerts = []
        self.sink = serve(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink))
        self.routers = [Simulator(profile="7.18", pace="0.05"), Simulator(profile="6.49", pace="0.05")]
        self.closers += [router.stop for router in self.routers]
        self.daemon = Daemon(binary, folder, self.configuration())
        self.closers.append(self.daemon.stop)
        self.alertmanager = self.start_alertmanager()
        self.prometheus = self.start_prometheus(live=self.daemon.url())
        self.closers.append(self.prometheus.stop)

    def tls_page(self):
        key, certificate = self.folder / "page.key", self.folder / "page.crt"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
             "-out", certificate, "-days", "3", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
            check=True, capture_output=True,
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        return serve(server)

    def configuration(self):
        database = self.folder / "city.mmdb"
        networks = json.dumps([["127.0.0.0/8", {**PLACE, "autonomous_system_number": 64496, "autonomous_system_organization": "Example"}]])
        subprocess.run([TOP / "tests" / "mmdb" / "write.pl", database, "Test-City"], input=networks.encode(), check=True)
        (self.folder / "password").write_text("secret")
        (self.folder / "targets.json").write_text('[{"targets": ["127.0.0.1"], "labels": {"name": "filed"}}]')
        page = f"https://127.0.0.1:{self.page.server_port}/"
        fast = 'interval = 1; timeout = 0.9;'
        return f"""
agent: {{ name = "live"; state_dir = "state"; latitude = 50.11; longitude = 8.68; }};
web: {{ listen = [ "127.0.0.1:0" ]; }};
geo: {{ databases = [ "{database}" ]; }};
qos: {{ objectives: {{ loss = 0.01; }}; }};
probes: {{
  ping: {{ type = "ping"; {fast} }};
  path: {{ type = "traceroute"; interval = 2; timeout = 1.9; hop_address = true; mtu = true; }};
  names: {{ type = "dns"; {fast} query_name = "example.com"; answer_addresses = true;
           fail_if_answer_matches = [ "203\\.0\\.113\\.1" ]; }};
  tcp: {{ type = "tcp"; {fast} }};
  datagram: {{ type = "udp"; {fast} steps = [ "send_raw {QUERY}", "expect_bytes \\\\x2a\\\\x2a\\\\x81\\\\x80" ]; }};
  page: {{ type = "http"; interval = 1; timeout = 0.9; tls_ca_file = "{self.folder / 'page.crt'}"; }};
  routers: {{ type = "routeros"; username = "netsonde"; password_file = "{self.folder / 'password'}"; realtime = 1; short = 5;
             medium = 30; sets = [ "bgp=realtime", "ppp_sessions=realtime", "netwatch=realtime", "health=realtime", "pool=realtime", "pool_used=realtime",
             "arp=realtime", "address_list_size=realtime", "log=realtime", "ethernet_counters=realtime", "certificate=realtime" ]; }};
}};
targets: (
  {{ name = "lo"; address = "127.0.0.1"; probes = [ "ping", "path" ]; }},
  {{ name = "hook"; address = "127.0.0.1:{self.hook.server_port}"; probes = [ "tcp" ]; }},
  {{ name = "closed"; address = "127.0.0.1:1"; probes = [ "tcp" ]; }},
  {{ name = "resolver"; address = "127.0.0.1:{self.names.server_address[1]}"; probes = [ "names", "datagram" ]; }},
  {{ name = "shop"; address = "{page}"; probes = [ "page" ]; }},
  {{ name = "gw1"; address = "127.0.0.1"; port = {self.routers[0].port}; probes = [ "routers", "ping" ]; }},
  {{ name = "gw2"; address = "127.0.0.1"; port = {self.routers[1].port}; probes = [ "routers" ]; }}
);
target_files: ( {{ path = "targets.json"; probes = [ "ping" ]; }} );
influx: (
  {{ name = "file"; path = "lines.lp"; }},
  {{ name = "server"; url = "http://127.0.0.1:{self.sink.server_port}"; org = "o"; bucket = "b"; token = "t"; }}
);
"""

    def start_alertmanager(self):
        settings = yaml.safe_load((TOP / "prometheus" / "alertmanager.yml").read_text())
        url = f"http://127.0.0.1:{self.hook.server_port}/"
        for receiver in settings["receivers"]:
            receiver["webhook_configs"] = [{"url": url, "send_resolved": True}]
        for route in [settings["route"], *settings["route"]["routes"]]:
            route.update({"group_wait": "0s", "group_interval": "1s"})
        file = self.folder / "alertmanager.yml"
        file.write_text(yaml.safe_dump(settings))
        port = free_ports(1)[0]
        log = open(self.folder / "alertmanager.log", "w", encoding="utf-8")
        program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
        process = subprocess.Popen(
            [program, f"--config.file={file}", f"--storage.path={self.folder / 'alerts'}", f"--web.listen-address=127.0.0.1:{port}",
             "--cluster.listen-address="],
            stdout=log, stderr=subprocess.STDOUT,
        )
        self.closers.append(lambda: (process.terminate(), process.wait(30), log.close()))
        return f"127.0.0.1:{port}"

    def start_prometheus(self, **agents):
        """agents: where each is, by the name that its label "instance" is to have."""
        for path in (TOP / "prometheus" / "rules").glob("*.yml"):
            (self.folder / path.name).write_text(soon(path.read_text()))
        scraped = ", ".join(
            f'{{ targets: ["{url[len("http://"):]}"], labels: {{ instance: "{name}" }} }}' for name, url in agents.items()
        )
        return Prometheus(
            self.folder,
            configuration=f"""
global: {{ scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }}
rule_files: [ "{self.folder}/recording.yml", "{self.folder}/alerts.yml" ]
alerting: {{ alertmanagers: [ {{ static_configs: [ {{ targets: ["{self.alertmanager}"] }} ] }} ] }}
scrape_configs: [ {{ job_name: netsonde, static_configs: [ {scraped} ] }} ]
""",
        )

    def alerts(self, name, status="firing"):
        return [alert for alert in self.hook.alerts if alert[0] == status and alert[1]["alertname"] == name]

    def close(self):
        for close in reversed(self.closers):
            close()
