"""An HTTP server that answers byte by byte as it is told, and a proxy: for what nginx would never send."""

import contextlib
import gzip
import socket
import socketserver
import threading
import time
import zlib
from urllib.parse import urlsplit

from blackbox_differences import FIELDS_LEFT_OUT

SLOW_SECONDS = 0.4  # how long a server that is slow makes others wait
BODY = b"the body of the answer\nwith a second line\n"
# What compresses to this: brotli's stream for "hello".
BROTLI_HELLO = b"\x0b\x02\x80hello\x03"
PATIENCE_SECONDS = 20  # nothing here outlives that


def raw_deflate(data):
    squeezer = zlib.compressobj(wbits=-15)
    return squeezer.compress(data) + squeezer.flush()


def answer(*fields, body=BODY, status="200 OK", length=None, version="HTTP/1.1"):
    """An answer with a Content-Length; length=False: without."""
    lines = [f"{version} {status}", *fields]
    if length is not False:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunked(*chunks, fields=(), tail=b"0\r\n\r\n"):
    data = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return answer("Transfer-Encoding: chunked", *fields, body=data + tail, length=False)


def encoded(encoding, data):
    return answer(f"Content-Encoding: {encoding}", body=data)


PAUSE = object()  # SLOW_SECONDS of silence
HANG = object()  # silence until the other side leaves
RESET = object()

LONG = BODY * 20000
ANSWERS = {
    "/plain": answer(),
    "/gzip": encoded("gzip", gzip.compress(BODY)),
    "/gzip-upper": encoded("GZIP", gzip.compress(BODY)),
    "/x-gzip": encoded("x-gzip", gzip.compress(BODY)),
    "/gzip-empty": encoded("gzip", gzip.compress(b"")),
    "/gzip-twice": encoded("gzip, gzip", gzip.compress(gzip.compress(BODY))),
    "/gzip-members": encoded("gzip", gzip.compress(BODY) + gzip.compress(BODY)),
    "/gzip-broken": encoded("gzip", gzip.compress(BODY)[:-12] + b"????????????"),
    "/gzip-short": encoded("gzip", gzip.compress(LONG)[:-20]),
    "/gzip-big": encoded("gzip", gzip.compress(LONG)),
    "/gzip-lie": encoded("gzip", BODY),
    "/deflate": encoded("deflate", raw_deflate(BODY)),
    "/deflate-zlib": encoded("deflate", zlib.compress(BODY)),
    "/br": encoded("br", BROTLI_HELLO),
    "/br-broken": encoded("br", b"\xff" * 20),
    "/identity": encoded("identity", BODY),
    "/chunked": chunked(BODY, BODY),
    "/chunked-gzip": chunked(gzip.compress(BODY), fields=["Content-Encoding: gzip"]),
    "/chunked-trailer": chunked(BODY, fields=["Trailer: X-Sum"], tail=b"0\r\nX-Sum: 1\r\n\r\n"),
    "/chunked-extension": answer("Transfer-Encoding: chunked", body=b"5;a=b\r\nhello\r\n0\r\n\r\n", length=False),
    "/chunked-broken": answer("Transfer-Encoding: chunked", body=b"zz\r\nhello\r\n0\r\n\r\n", length=False),
    "/chunked-short": answer("Transfer-Encoding: chunked", body=b"ff\r\nhello", length=False),
    "/until-close": answer(length=False),
    "/http10": answer(version="HTTP/1.0", length=False),
    "/http10-length": answer(version="HTTP/1.0"),
    "/no-reason": b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
    "/short": answer(length=len(BODY) + 100),
    "/long": answer(length=len(BODY) - 5),
    "/length-twice": answer(f"Content-Length: {len(BODY)}"),
    "/length-two": answer("Content-Length: 7"),
    "/length-minus": answer(length=-5),
    "/length-word": answer(length="many"),
    "/no-answer": b"",
    "/reset": [RESET],
    "/garbage": b"\x00\x01\x02 this is not HTTP at all\r\n\r\n",
    "/ssh": b"SSH-2.0-OpenSSH_9.2p1\r\n",
    "/http-two": b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "/status-word": answer(status="abc OK"),
    "/status-short": answer(status="20 OK"),
    "/status-high": answer(status="999 Odd"),
    "/early-hints": answer(status="103 Early Hints", body=b"", length=False) + answer(),
    "/continue": b"HTTP/1.1 100 Continue\r\n\r\n" + answer(),
    "/no-colon": answer("this is no field"),
    "/bare-lf": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "/folded": answer("X-Folded: one\r\n two"),
    "/space-name": answer("X-Bad : one"),
    "/two-values": answer("X-Two: first", "X-Two: second"),
    "/server": answer("Server: lab/1.0", "X-Empty:"),
    "/huge-field": answer("X-Huge: " + "x" * 70000),
    "/modified": answer("Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT"),
    "/modified-850": answer("Last-Modified: Wednesday, 21-Oct-15 07:28:00 GMT"),
    "/modified-asctime": answer("Last-Modified: Wed Oct 21 07:28:00 2015"),
    "/modified-odd": answer("Last-Modified: yesterday"),
    "/modified-zone": answer("Last-Modified: Wed, 21 Oct 2015 09:28:00 +0200"),
    "/modified-epoch": answer("Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT"),
    "/json": answer("Content-Type: application/json", body=b'{"state": "up"}'),
    "/latin": answer("Content-Type: text/plain; charset=iso-8859-1", body="Grüße".encode("latin-1")),
    "/zeros": answer(body=b"one\x00two\nlast\n"),
    "/empty": answer(body=b""),
    "/no-content": answer(status="204 No Content", body=b"", length=False),
    "/not-modified": answer(status="304 Not Modified", body=b"", length=77),
    "/slow-header": [PAUSE, answer()],
    "/slow-body": [answer(length=2 * len(BODY)), PAUSE, BODY],
    "/drip": [answer(body=b"", length=3), b"a", PAUSE, b"b", PAUSE, b"c"],
    "/hang": [HANG],
    "/hang-header": [b"HTTP/1.1 200 OK\r\nContent-", HANG],
    "/hang-body": [answer(length=1000), HANG],
    "/endless": [answer(length=False), *[BODY * 50, PAUSE] * 20],
    "/redirect/relative-path": answer("Location: plain", status="302 Found", body=b""),
    "/redirect/plain": answer(),
    "/redirect/dots": answer("Location: ../redirect/../plain", status="302 Found", body=b""),
    "/redirect/query": answer("Location: /echo?a=b&c=%20d", status="302 Found", body=b""),
    "/redirect/fragment": answer("Location: /plain#part", status="302 Found", body=b""),
    "/redirect/none": answer(status="302 Found", body=b"none"),
    "/redirect/empty": answer("Location: ", status="302 Found", body=b"empty"),
    "/redirect/bad": answer("Location: http://[::1", status="302 Found", body=b""),
    "/redirect/scheme": answer("Location: ftp://127.0.0.1/", status="302 Found", body=b""),
    "/redirect/slow": [PAUSE, answer("Location: /slow-header", status="302 Found", body=b"")],
    "/redirect/cookie": answer("Location: /echo", "Set-Cookie: k=v; Path=/", status="302 Found", body=b""),
    "/redirect/300": answer("Location: /plain", status="300 Multiple Choices"),
    "/redirect/301": answer("Location: /echo", status="301 Moved", body=b""),
    "/redirect/302": answer("Location: /echo", status="302 Found", body=b""),
    "/redirect/303": answer("Location: /echo", status="303 See Other", body=b""),
    "/redirect/305": answer("Location: /plain", status="305 Use Proxy"),
    "/redirect/307": answer("Location: /echo", status="307 Temporary Redirect", body=b""),
    "/redirect/308": answer("Location: /echo", status="308 Permanent Redirect", body=b""),
    "/redirect/201": answer("Location: /echo", status="201 Created", body=b"made"),
}


def canonical(head, body):
    """A request in one spelling: the fields sorted, without what names the program and what only one of them sends."""
    first, *fields = head.decode("latin-1").split("\r\n")
    pairs = sorted((name.lower(), value.strip()) for name, _, value in (field.partition(":") for field in fields))
    lines = [f"{name}: {value if name != 'user-agent' or 'lab' in value else '*'}" for name, value in pairs
             if name not in FIELDS_LEFT_OUT]
    return "\n".join([first, *lines, "", body.decode("latin-1")])


def echo(head, body):
    """The request comes back; a sum of it as Last-Modified too: equal figures mean that equal requests were sent."""
    text = canonical(head, body)
    moment = time.gmtime(1e9 + zlib.crc32(text.encode()) % 10**8)
    modified = time.strftime("Last-Modified: %a, %d %b %Y %H:%M:%S GMT", moment)
    return answer(modified, body=text.encode())


class HttpHandler(socketserver.BaseRequestHandler):
    """One request, one answer, and the connection is closed."""

    def handle(self):
        self.request.settimeout(PATIENCE_SECONDS)
        with contextlib.suppress(OSError):
            self.answer()

    def read_request(self):
        data = b""
        while b"\r\n\r\n" not in data:
            more = self.request.recv(65536)
            if not more:
                return None, b""
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        fields = {name.lower(): value.strip() for name, _, value in
                  (line.partition(b":") for line in head.split(b"\r\n")[1:])}
        while len(body) < int(fields.get(b"content-length", 0)):
            body += self.request.recv(65536)
        return head, body

    def answer(self):
        head, body = self.read_request()
        if head is None:
            return
        path = head.split(b" ")[1].decode("latin-1")
        if path.split("?")[0] == "/echo":
            parts = echo(head, body)
        else:
            parts = ANSWERS.get(path, answer(status="404 Not Found"))
        for part in parts if isinstance(parts, list) else [parts]:
            self.play(part)

    def play(self, part):
        if part is PAUSE:
            time.sleep(SLOW_SECONDS)
        elif part is HANG:
            self.request.recv(1)
        elif part is RESET:
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        else:
            self.request.sendall(part)


class ProxyHandler(HttpHandler):
    """Forwards requests with a whole URL, and CONNECT; names of .lab are here. For refused.lab it answers 403."""

    def answer(self):
        head, body = self.read_request()
        if head is None:
            return
        method, url, _ = head.split(b"\r\n")[0].decode().split(" ")
        host = urlsplit(url if method != "CONNECT" else f"//{url}")
        if host.hostname == "refused.lab":
            self.request.sendall(answer(status="403 Forbidden"))
            return
        far = "127.0.0.1" if host.hostname.endswith(".lab") else host.hostname
        with socket.create_connection((far, host.port or 80), timeout=PATIENCE_SECONDS) as upstream:
            if method == "CONNECT":
                self.request.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                self.tunnel(upstream)
                return
            path = (host.path or "/") + (f"?{host.query}" if host.query else "")
            lines = [f"{method} {path} HTTP/1.1".encode(), b"Via: 1.1 lab", *head.split(b"\r\n")[1:]]
            upstream.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + body)
            self.pump(upstream, self.request)

    def pump(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def tunnel(self, upstream):
        back = threading.Thread(target=self.pump, args=(upstream, self.request), daemon=True)
        back.start()
        self.pump(self.request, upstream)
        back.join(PATIENCE_SECONDS)
