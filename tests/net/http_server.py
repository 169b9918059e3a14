"""A server that does to HTTP whatever a test wants."""

import contextlib
import socket
import ssl
import struct
import threading


def answer(body=b"", status="200 OK", fields=(), version="HTTP/1.1"):
    """A whole answer. fields: "Name: value" lines."""
    if isinstance(body, str):
        body = body.encode()
    lines = [f"{version} {status}", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Request:
    def __init__(self, head, body):
        lines = head.decode("latin-1").split("\r\n")
        self.line = lines[0]
        self.method, self.path, self.version = (lines[0].split(" ") + ["", ""])[:3]
        self.fields = [tuple(line.split(": ", 1)) if ": " in line else (line, "") for line in lines[1:] if line]
        self.body = body

    def get(self, name):
        found = [value for key, value in self.fields if key.lower() == name.lower()]
        assert len(found) <= 1, f"{name} is there {len(found)} times"
        return found[0] if found else None


def read_head(connection, before=b""):
    data = before
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None, data
        data += more
    head, rest = data.split(b"\r\n\r\n", 1)
    return head, rest


def read_request(connection):
    head, rest = read_head(connection)
    if head is None:
        return None
    request = Request(head, b"")
    length = int(request.get("Content-Length") or 0)
    while len(rest) < length:
        rest += connection.recv(65536)
    request.body = rest[:length]
    return request


class Server:
    """handle: bytes to answer every request with, or a function: of a request to bytes, or (with raw) of a connection.
    Connections end after the answer unless keeps is true."""

    def __init__(self, handle, raw=False, keeps=False, host="127.0.0.1", context=None):
        self.handle, self.raw, self.keeps, self.context = handle, raw, keeps, context
        self.requests, self.peers, self.names = [], [], []
        self.stopping = threading.Event()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.create_server((host, 0), family=family, backlog=256)
        self.port = self.socket.getsockname()[1]
        self.host = f"[{host}]" if ":" in host else host
        self.address = f"{self.host}:{self.port}"
        self.url = f"{'https' if context else 'http'}://{self.address}/"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, peer = self.socket.accept()
            except OSError:
                return
            self.peers.append(peer)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError), connection:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            if self.raw:
                self.handle(connection)
            else:
                self.talk(connection)

    def talk(self, connection):
        while (request := read_request(connection)) is not None:
            self.requests.append(request)
            connection.sendall(self.handle if isinstance(self.handle, bytes) else self.handle(request))
            if not self.keeps:
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
                return

    def close(self):
        self.stopping.set()
        self.socket.close()


def reset(connection):
    """The connection ends by RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def pump(one, other):
    """Bytes of one go to the other until there are no more."""
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)


class Proxy(Server):
    """A proxy of HTTP (with CONNECT), or with socks=True of SOCKS 5. asked: what was asked for. demands: "user:password"
    in base64."""

    def __init__(self, socks=False, demands=None, refuses=None):
        self.socks, self.demands, self.refuses, self.asked = socks, demands, refuses, []
        super().__init__(self.relay_socks if socks else self.relay, raw=True)

    def join(self, client, to, first=b""):
        with contextlib.suppress(OSError), socket.create_connection(to) as server:
            server.sendall(first)
            back = threading.Thread(target=pump, args=(server, client), daemon=True)
            back.start()
            pump(client, server)
            back.join()

    def relay(self, client):
        head, rest = read_head(client)
        if head is None:
            return
        request = Request(head, b"")
        self.requests.append(request)
        self.asked.append(request.line)
        if self.demands and request.get("Proxy-Authorization") != f"Basic {self.demands}":
            client.sendall(answer(status="407 Proxy Authentication Required"))
        elif self.refuses:
            client.sendall(answer(status=self.refuses))
        elif request.method == "CONNECT":
            host, port = request.path.rsplit(":", 1)
            client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            self.join(client, (host.strip("[]"), int(port)), rest)
        else:
            authority, path = request.path.removeprefix("http://").split("/", 1)
            host, port = (authority.rsplit(":", 1) + ["80"])[:2]
            lines = head.split(b"\r\n", 1)[1]
            self.join(client, (host, int(port)), f"{request.method} /{path} HTTP/1.1\r\n".encode() + lines + b"\r\n\r\n" + rest)

    def relay_socks(self, client):
        count = client.recv(2)[1]
        client.recv(count)
        client.sendall(b"\x05\x00")
        kind = client.recv(4)[3]
        if kind == 1:
            host = socket.inet_ntoa(client.recv(4))
        else:
            host = client.recv(client.recv(1)[0]).decode()
        port = int.from_bytes(client.recv(2), "big")
        self.asked.append(f"{host}:{port}")
        client.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
        self.join(client, (host, port))


def server_context(certificate, key=None, demands=None, versions=None, protocols=None):
    """TLS of a server; demands: certificates of authorities that a client's must be from."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if demands:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(demands)
    if versions:
        context.minimum_version, context.maximum_version = versions
    if protocols:
        context.set_alpn_protocols(protocols)
    return context
