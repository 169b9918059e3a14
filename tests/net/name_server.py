"""A name server that does as it is told: right answers, and every kind of wrong one."""

import contextlib
import socket
import ssl
import struct
import threading
import time

TC, AA, RA, AD = 0x0200, 0x0400, 0x0080, 0x0020
A, SOA, TXT, AAAA = 1, 6, 16, 28


class Query:
    def __init__(self, data, client=None, transport="udp"):
        self.data, self.client, self.transport = data, client, transport
        self.id, self.flags = struct.unpack("!HH", data[:4])
        at, labels = 12, []
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode("latin-1"))
            at += 1 + data[at]
        self.name = ".".join(labels)
        self.type, self.klass = struct.unpack("!HH", data[at + 1:at + 5])
        self.question = data[12:at + 5]
        self.rest = data[at + 5:]

    @property
    def edns(self):
        """(size, flags) of the EDNS record, or None."""
        if len(self.rest) < 11 or self.rest[:3] != b"\x00\x00\x29":
            return None
        return struct.unpack("!H", self.rest[3:5])[0], struct.unpack("!H", self.rest[7:9])[0]


def record(data, kind=A, ttl=60, klass=1, name=b"\xc0\x0c"):
    return name + struct.pack("!HHIH", kind, klass, ttl, len(data)) + data


def address(text, ttl=60):
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    return record(socket.inet_pton(family, text), AAAA if ":" in text else A, ttl)


def soa(serial, ttl=60):
    return record(b"\x00\x00" + struct.pack("!IIIII", serial, 1, 2, 3, 4), SOA, ttl)


def text(value, ttl=60):
    return record(bytes([len(value)]) + value.encode(), TXT, ttl)


def reply(query, answers=(), authority=(), additional=(), flags=RA, rcode=0, id=None, question=None):
    question = query.question if question is None else question
    head = struct.pack(
        "!HHHHHH", query.id if id is None else id, 0x8000 | (query.flags & 0x0100) | flags | rcode, 1 if question else 0,
        len(answers), len(authority), len(additional),
    )
    return head + question + b"".join(answers) + b"".join(authority) + b"".join(additional)


def good(query):
    return [reply(query, [address("192.0.2.1"), address("192.0.2.2", 30)])]


class NameServer:
    """behave(query) -> messages to send, for UDP datagrams; over TCP, each goes behind its length. stream(query, connection)
    does with the connection as it likes, instead. context: TLS."""

    def __init__(self, behave=good, stream=None, context=None, family=socket.AF_INET, host="127.0.0.1"):
        self.behave, self.stream, self.context = behave, stream, context
        self.queries = []
        self.ports = set()
        while True:
            self.udp = socket.socket(family, socket.SOCK_DGRAM)
            self.udp.bind((host, 0))
            self.port = self.udp.getsockname()[1]
            self.tcp = socket.socket(family, socket.SOCK_STREAM)
            try:
                self.tcp.bind((host, self.port))
                break
            except OSError:
                self.udp.close()
                self.tcp.close()
        self.tcp.listen(128)
        # From another port, and so from somebody else.
        self.other = socket.socket(family, socket.SOCK_DGRAM)
        self.other.bind((host, 0))
        self.address = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self.is_open = True
        for serve in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    def serve_udp(self):
        while self.is_open:
            try:
                data, client = self.udp.recvfrom(65536)
            except OSError:
                return
            if len(data) < 12:
                continue
            query = Query(data, client)
            self.note(query)
            self.ports.add(client[1])
            for message in self.behave(query):
                if callable(message):
                    message(self, query)
                else:
                    self.udp.sendto(message, client)

    def serve_tcp(self):
        while self.is_open:
            try:
                connection, client = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self.serve_connection, args=(connection, client), daemon=True).start()

    def serve_connection(self, connection, client):
        with contextlib.suppress(OSError), connection:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            with connection:
                length = struct.unpack("!H", self.read(connection, 2))[0]
                query = Query(self.read(connection, length), client, "tcp")
                self.note(query)
                if self.stream:
                    self.stream(query, connection)
                    return
                for message in self.behave(query):
                    connection.sendall(struct.pack("!H", len(message)) + message)
                connection.recv(1)

    @staticmethod
    def read(connection, n):
        data = b""
        while len(data) < n:
            part = connection.recv(n - len(data))
            if not part:
                raise OSError("closed")
            data += part
        return data

    def note(self, query):
        if len(self.queries) < 100000:
            self.queries.append(query)

    def close(self):
        self.is_open = False
        for one in (self.udp, self.tcp, self.other):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def framed(message):
    return struct.pack("!H", len(message)) + message


def drip(message, connection, pause=0.05):
    for byte in message:
        connection.sendall(bytes([byte]))
        time.sleep(pause)


def server_context(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
