"""All servers that the parity tests probe. They are in a network namespace of the tests: there, every port is free."""

import http.client
import pathlib
import shutil
import signal
import socket
import socketserver
import subprocess
import threading

import blackbox_dns
import blackbox_http
import blackbox_lines
from blackbox_certificates import Certificates
from netsonde import wait_until

NGINX = """
daemon off;
user root root;
master_process off;
pid {folder}/nginx.pid;
error_log stderr error;
worker_rlimit_nofile 4096;
events {{ worker_connections 1000; }}
http {{
	access_log off;
	default_type text/plain;
	client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
	uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
	root {folder}/www;
	absolute_redirect off;
	server_tokens off;
	ssl_session_cache off;
{servers}
}}
"""
SERVER = """
	server {{
		listen 127.0.0.1:{port}{more};
		listen [::1]:{port}{more};
		{settings}
{locations}
	}}
"""
STATUSES = (200, 201, 202, 204, 206, 304, 400, 401, 403, 404, 405, 410, 416, 429, 500, 502, 503, 504, 599)
# Each with the certificate of its name.
TLS_SERVERS = ("expired", "future", "wrong-name", "no-name", "by-address", "odd", "chained", "incomplete",
               "good-and-root", "good-and-expired", "self-signed", "server-only", "client-only")
TLS_VERSIONS = {"tls10": "TLSv1", "tls11": "TLSv1.1", "tls12": "TLSv1.2", "tls13": "TLSv1.3"}
VETH = "labout"
SILENT_IPV4, SILENT_IPV6 = "10.77.0.9", "fd77::9"  # nobody is there, and nobody says so
UNREACHABLE_IPV4, UNREACHABLE_IPV6 = "10.78.0.9", "fd78::9"  # the kernel refuses to send
PROHIBITED_IPV4 = "10.79.0.9"


class Threaded(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """A prober that left is no error of the server's."""


class ThreadedUdp(socketserver.ThreadingMixIn, socketserver.UDPServer):
    daemon_threads = True
    block_on_close = False
    handle_error = Threaded.handle_error


class Threaded6(Threaded):
    address_family = socket.AF_INET6


def locations(ports):
    """What the servers have at their paths."""
    lines = [f"location = /status/{status} {{ return {status}; }}" for status in STATUSES]
    redirects = {
        "/to/relative": (302, "/"), "/to/absolute": (302, f"http://127.0.0.1:{ports['http']}/"),
        "/to/permanent": (301, "/"), "/to/see-other": (303, "/"), "/to/temporary": (307, "/"), "/to/moved": (308, "/"),
        "/to/loop": (302, "/to/loop"), "/to/loop1": (302, "/to/loop2"), "/to/loop2": (302, "/to/loop1"),
        "/to/tls": (302, f"https://good.lab:{ports['good']}/"),
        "/to/expired": (302, f"https://good.lab:{ports['expired']}/"),
        "/to/plain": (302, f"http://good.lab:{ports['http']}/"),
        "/to/closed": (302, f"http://127.0.0.1:{ports['closed']}/"),
        "/to/name": (302, f"http://four.lab:{ports['http']}/"),
        "/to/nowhere": (302, "http://nowhere.lab/"),
        "/to/ipv6": (302, f"http://[::1]:{ports['http']}/"),
        "/to/404": (302, "/status/404"), "/to/big": (302, "/big"),
        "/to/slashes": (302, f"//127.0.0.1:{ports['http']}/"),
    }
    lines += [f"location = {path} {{ return {status} {place}; }}" for path, (status, place) in redirects.items()]
    lines += [f"location = /chain/{n} {{ return 302 /chain/{n - 1}; }}" for n in range(1, 13)]
    lines += [
        'location = /chain/0 { return 200 "the end"; }',
        "location = /zipped { gzip on; gzip_types *; gzip_min_length 1; gzip_http_version 1.0; try_files /big =404; }",
        'location = /guarded { auth_basic "lab"; auth_basic_user_file USERS; try_files /index.html =404; }',
        'location = /seen { return 200 "$request_method $scheme $host $http_x_lab $ssl_client_s_dn $ssl_server_name"; }',
        'location = /fields { add_header X-Lab "one"; add_header X-Other "two"; return 200 "fields"; }',
        'location = /hsts { add_header Strict-Transport-Security "max-age=1" always; return 404; }',
        "location = /closed { return 444; }",
    ]
    return "\n".join("\t\t" + line for line in lines)


class Nginx:
    """One process with all its servers."""

    def __init__(self, folder, ports, certificates):
        self.folder = folder
        self.ports = ports
        self.certificates = certificates
        (folder / "www").mkdir(parents=True)
        (folder / "www" / "index.html").write_text("hello from the lab\n")
        big = folder / "www" / "big"
        big.write_text("".join(f"line {n} of a big body\n" for n in range(120000)))
        for path in (big, folder / "www" / "index.html"):
            subprocess.run(["touch", "-d", "2021-02-03 04:05:06 UTC", path], check=True)
        (folder / "users").write_text("tester:{PLAIN}a word\n")
        configuration = folder / "nginx.conf"
        configuration.write_text(NGINX.format(folder=folder, servers="".join(self.servers())))
        self.command = [find("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(configuration)]

    def server(self, name, settings="", more="", certificate=None):
        if certificate:
            pair = f"ssl_certificate {self.certificates}/{certificate}.pem; " \
                   f"ssl_certificate_key {self.certificates}/{certificate}.key;"
            settings, more = f"{pair} {settings}", f" ssl{more}"
        places = locations(self.ports).replace("USERS", f"{self.folder}/users")
        return SERVER.format(port=self.ports[name], more=more, settings=settings, locations=places)

    def servers(self):
        yield self.server("http")
        yield self.server("good", certificate="good")
        yield self.server("http2", more=" http2", certificate="plain")
        for name in TLS_SERVERS:
            yield self.server(name, certificate=name)
        for name, version in TLS_VERSIONS.items():
            settings = f"ssl_protocols {version}; ssl_ciphers DEFAULT:@SECLEVEL=0;"
            yield self.server(name, settings, certificate="plain")
        one = "ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-CHACHA20-POLY1305;"
        yield self.server("cipher", one, certificate="plain")
        client = f"ssl_client_certificate {self.certificates}/lab-ca.pem; ssl_verify_client"
        yield self.server("client", f"{client} on;", certificate="good")
        yield self.server("client-optional", f"{client} optional;", certificate="good")


NAMES = ("http", "good", "http2", *TLS_SERVERS, *TLS_VERSIONS, "cipher", "client", "client-optional")


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{' '.join(command)}: {result.stdout}{result.stderr}"


def find(program):
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin:/usr/local/sbin")
    assert path, f"{program} is not installed (scripts/lib.sh, packages_peers)"
    return path


def pick_ports(names):
    """Ports that nobody uses, for TCP and for UDP, in both families."""
    sockets, ports = [], {}
    for name in names:
        stream = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        ports[name] = stream.getsockname()[1]
        packets = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        packets.bind(("::", ports[name]))
        sockets += [stream, packets]
    for one in sockets:
        one.close()
    return ports


class Lab:
    """ports: of all servers, by name."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.processes = []
        self.servers = []
        self.certificates = Certificates(self.folder / "certificates").folder
        lines = [*blackbox_lines.SCRIPTS, *self.more_lines()]
        self.ports = pick_ports([*NAMES, "raw", "raw-tls", "proxy", "knot", "dns-tls", "odd-dns", "closed", *lines])
        self.make_routes()
        self.start_http()
        self.start_dns()
        self.start_lines()
        for name in (*NAMES, "knot"):
            self.wait_for_port(name)

    @staticmethod
    def more_lines():
        return [f"{script}-{name}" for script in ("tls-banner", "smtp") for name in blackbox_lines.CERTIFICATES]

    @staticmethod
    def make_routes():
        """An interface at whose far end nobody listens, with the neighbours' addresses known: packets vanish there."""
        run("ip", "link", "add", VETH, "type", "veth", "peer", "name", "labfar")
        pathlib.Path(f"/proc/sys/net/ipv6/conf/{VETH}/accept_dad").write_text("0")
        run("ip", "link", "set", VETH, "up")
        run("ip", "link", "set", "labfar", "up", "arp", "off")
        for version, own, silent, unreachable in (
            ("-4", "10.77.0.1/24", SILENT_IPV4, UNREACHABLE_IPV4),
            ("-6", "fd77::1/64", SILENT_IPV6, UNREACHABLE_IPV6),
        ):
            run("ip", version, "addr", "add", own, "dev", VETH)
            run("ip", version, "neigh", "replace", silent, "lladdr", "02:00:00:00:00:77", "dev", VETH, "nud", "permanent")
            run("ip", version, "route", "replace", "unreachable", unreachable)
        run("ip", "route", "replace", "prohibit", PROHIBITED_IPV4)

    def start(self, *command):
        log = (self.folder / f"{pathlib.Path(command[0]).name}.log").open("ab")
        self.processes.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder))
        log.close()

    def serve(self, kind, name, handler, host="127.0.0.1"):
        server = kind((host, self.ports[name]), handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        self.servers.append(server)
        return server

    def start_http(self):
        self.start(*Nginx(self.folder / "nginx", self.ports, self.certificates).command)
        self.serve(Threaded, "raw", blackbox_http.HttpHandler)
        self.serve(Threaded, "proxy", blackbox_http.ProxyHandler)

    def start_dns(self):
        folder = self.folder / "knot"
        folder.mkdir()
        (folder / "lab.zone").write_text(blackbox_dns.ZONE + blackbox_dns.LARGE + "\n")
        (folder / "knot.conf").write_text(blackbox_dns.KNOT.format(folder=folder, port=self.ports["knot"]))
        self.start(find("knotd"), "-c", str(folder / "knot.conf"))
        folder = self.folder / "unbound"
        folder.mkdir()
        (folder / "unbound.conf").write_text(blackbox_dns.UNBOUND.format(
            folder=folder, certificates=self.certificates, tls_port=self.ports["dns-tls"],
            knot_port=self.ports["knot"], closed_port=self.ports["closed"]))
        self.start(find("unbound"), "-d", "-c", str(folder / "unbound.conf"))
        self.serve(ThreadedUdp, "odd-dns", blackbox_dns.UdpDnsHandler)
        self.serve(Threaded, "odd-dns", blackbox_dns.TcpDnsHandler)
        (self.folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:2 attempts:1\n")
        (self.folder / "nsswitch.conf").write_text("hosts: files dns\n")
        (self.folder / "hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")

    def start_lines(self):
        context = blackbox_lines.make_context(self.certificates, "good")
        for name, script in blackbox_lines.SCRIPTS.items():
            self.serve(Threaded, name, blackbox_lines.make_handler(script, context))
        for script in ("tls-banner", "smtp"):
            for name in blackbox_lines.CERTIFICATES:
                handler = blackbox_lines.make_handler(
                    blackbox_lines.SCRIPTS[script], blackbox_lines.make_context(self.certificates, name))
                self.serve(Threaded, f"{script}-{name}", handler)
        self.serve(Threaded6, "ssh", blackbox_lines.make_handler(blackbox_lines.ssh, context), host="::1")

    def wait_for_port(self, name):
        def connects():
            for process in self.processes:
                assert process.poll() is None, f"{process.args[0]} ended:\n{self.logs()}"
            try:
                socket.create_connection(("127.0.0.1", self.ports[name]), timeout=5).close()
                return True
            except OSError:
                return False

        wait_until(connects, f"{name}: {self.ports[name]}")

    def logs(self):
        return "\n".join(path.read_text(errors="replace") for path in self.folder.glob("*.log"))

    def prefix(self):
        """Runs a command that asks the lab's resolver."""
        mounts = " && ".join(
            f"mount --bind {self.folder}/{name} /etc/{name}" for name in ("resolv.conf", "nsswitch.conf", "hosts")
            if pathlib.Path("/etc", name).exists())
        return ["unshare", "-m", "sh", "-c", f'{mounts} && exec "$@"', "sh"]

    def close(self):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for server in self.servers:
            server.shutdown()
            server.server_close()
        run("ip", "link", "del", VETH)


class Prober:
    """A program with /probe. make_command: of the address where it shall listen."""

    def __init__(self, lab, name, make_command, variables):
        (self.port,) = pick_ports([name]).values()
        self.log = lab.folder / f"{name}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*lab.prefix(), *make_command(f"127.0.0.1:{self.port}")], stdout=log, stderr=log, cwd=lab.folder,
                env=variables)
        wait_until(self.is_healthy, f"{name} to answer")

    def is_healthy(self):
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.get("/-/healthy", {})[0] == 200
        except OSError:
            return False

    def get(self, path, fields):
        """Status, content type, text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path, headers=fields)
            reply = connection.getresponse()
            return reply.status, reply.headers.get("Content-Type", ""), reply.read().decode()
        finally:
            connection.close()

    def stop(self):
        self.process.terminate()
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
