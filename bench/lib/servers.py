"""Servers at the far end of the lab: nginx for http and https, Knot DNS. They answer on every address there."""

import urllib.request

from lib import lab
from lib.process import wait_for

BODY_BYTES = 1024
QUERY_NAME = "host.example"
# One connection a probe is the prober's wish, not the server's: keep-alive stays on.
NGINX_CONFIG = """
daemon off;
user root;
worker_processes 2;
worker_rlimit_nofile 65536;
error_log stderr crit;
pid {folder}/pid;
events {{ worker_connections 16384; }}
http {{
	access_log off;
	server_tokens off;
	default_type text/plain;
	open_file_cache max=16 inactive=1h;
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/proxy;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
	ssl_protocols TLSv1.3;
	ssl_certificate {folder}/certificate.pem;
	ssl_certificate_key {folder}/key.pem;
	server {{
		listen 80 backlog=4096;
		listen 443 ssl backlog=4096;
		root {folder}/pages;
	}}
}}
"""
KNOT_CONFIG = """
server:
  rundir: {folder}
  listen: 0.0.0.0@53
  udp-workers: 2
  tcp-workers: 1
  background-workers: 1
database:
  storage: {folder}
log:
  - target: stderr
    any: error
template:
  - id: default
    storage: {folder}
    journal-content: none
    zonefile-sync: -1
zone:
  - domain: example
    file: example.zone
"""
KNOT_ZONE = """
@ 3600 SOA ns.example. admin.example. 1 3600 900 604800 3600
@ 3600 NS ns.example.
ns 3600 A 10.78.0.2
host 3600 A 10.78.0.2
"""


def make_certificate(folder):
    lab.call("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 30,
             "-subj", "/CN=lab.example", "-addext", "subjectAltName=DNS:lab.example",
             "-keyout", folder / "key.pem", "-out", folder / "certificate.pem")


def nginx(path, far, folder):
    """Two workers, a body of 1 KiB, a self-signed P-256 certificate, TLS 1.3."""
    (folder / "pages").mkdir(parents=True)
    (folder / "pages" / "index.html").write_text("x" * (BODY_BYTES - 1) + "\n")
    make_certificate(folder)
    config = folder / "nginx.conf"
    config.write_text(NGINX_CONFIG.format(folder=folder))
    program = far.start([path, "-p", folder, "-e", "stderr", "-c", config], folder / "log")
    wait_for(lambda: serves_page(program), "nginx to answer")
    return program


def serves_page(program):
    program.check_alive()
    try:
        with urllib.request.urlopen("http://10.77.0.1/", timeout=5) as reply:
            return len(reply.read()) == BODY_BYTES
    except OSError:
        return False


def knot(path, far, folder, is_answered):
    """Two workers for UDP, with room for bursts. is_answered: sends a query and says whether there is an answer."""
    folder.mkdir(parents=True)
    (folder / "knot.conf").write_text(KNOT_CONFIG.format(folder=folder))
    (folder / "example.zone").write_text(KNOT_ZONE)
    wide = lab.compile_c("wide_sockets.c", folder, flags=("-shared", "-fPIC"))
    program = far.start([path, "-c", folder / "knot.conf"], folder / "log", {"LD_PRELOAD": str(wide)})
    wait_for(lambda: program.check_alive() or is_answered(), "Knot DNS to answer")
    return program
