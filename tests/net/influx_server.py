"""A server that speaks InfluxDB's /write and /api/v2/write, and misbehaves as it is told."""

import gzip
import http.server
import re
import socket
import ssl
import threading
import time
import urllib.parse

LINE = re.compile(r"^[^ ,]+(,[^ =]+=[^ =]+)* \S.* \d+$")


class InfluxServer:
    """On a port of 127.0.0.1 that stays when it is stopped and started. lines: {line: how often it was stored}. behave: a
    function (server, request) -> (status, fields, body) or None for the usual; or one of the words hang, drip, close, rubbish,
    slow (reads a byte a second)."""

    def __init__(self, context=None):
        self.context = context
        self.lines = {}
        self.requests = []  # (status, path, number of lines)
        self.behave = None
        self.lock = threading.Lock()
        self.port = 0
        self.listener = None
        self.start()

    @property
    def url(self):
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}"

    def start(self):
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=16)
        self.port = self.listener.getsockname()[1]
        self.open = set()
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def stop(self):
        """As a server that is killed: connections are reset."""
        listener, self.listener = self.listener, None
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        with self.lock:
            for connection in list(self.open):
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.listener:
            self.stop()

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            with self.lock:
                self.open.add(connection)
            if self.behave == "slow":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
                while self.behave == "slow" and connection.recv(1):
                    time.sleep(1)
                return
            Handler(connection, self)
        except OSError:
            pass
        finally:
            with self.lock:
                self.open.discard(connection)
            connection.close()

    def store(self, lines):
        with self.lock:
            for line in lines:
                self.lines[line] = self.lines.get(line, 0) + 1

    def runs(self):
        """{(target, boot, run)} of the stored lines of ping."""
        found = set()
        with self.lock:
            for line in self.lines:
                match = re.search(r'^ping,.*target=([^ ,]+) .*\brun=(\d+)i,boot="(\w+)"', line)
                if match:
                    found.add((match[1], match[3], int(match[2])))
        return found

    def statuses(self):
        with self.lock:
            return [status for status, _, _ in self.requests]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, connection, owner):
        self.owner = owner
        super().__init__(connection, ("127.0.0.1", 0), None)

    def log_message(self, *_):
        pass

    def do_POST(self):
        owner, length = self.owner, int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        url = urllib.parse.urlsplit(self.path)
        self.query = urllib.parse.parse_qs(url.query)
        assert url.path in ("/write", "/api/v2/write") and self.query["precision"] == ["ns"], self.path
        assert body.endswith(b"\n"), body
        self.lines = body.decode().split("\n")[:-1]
        owner.last = self.headers
        assert all(LINE.match(line) for line in self.lines), self.lines
        answer = owner.behave(owner, self) if callable(owner.behave) else owner.behave
        if isinstance(answer, str):
            getattr(self, answer)()
            return
        status, fields, text = answer or (204, {}, b"")
        if status == 204:
            owner.store(self.lines)
        self.answer(status, fields, text)

    def answer(self, status, fields=None, text=b""):
        with self.owner.lock:
            self.owner.requests.append((status, self.path, len(self.lines)))
        self.send_response(status)
        for name, value in (fields or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def hang(self):
        while self.owner.behave == "hang" and self.owner.listener:
            time.sleep(0.05)
        self.close()

    def drip(self):
        for byte in b"HTTP/1.1 204 No Content\r\nX-Long: " + b"x" * 1000:
            self.wfile.write(bytes([byte]))
            time.sleep(1)

    def close(self):
        self.close_connection = True

    def rubbish(self):
        self.wfile.write(b"this is not HTTP at all\r\n\r\n")
        self.close_connection = True


def tls_context(certificate, key, client_ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    return context
