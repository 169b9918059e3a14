"""Name servers of the parity tests: Knot with the zone lab, unbound before it, and one that answers what no server would."""

import contextlib
import socketserver
import struct
import time

from blackbox_http import PATIENCE_SECONDS, SLOW_SECONDS

ZONE = """
$ORIGIN lab.
$TTL 300
@        SOA ns.lab. master.lab. 2024010203 7200 900 604800 60
@        NS ns
@        NS ns2
@        MX 10 mail
@        MX 20 mail2
@        TXT "v=lab1 -all" "second part"
ns       A 127.0.0.1
ns       AAAA ::1
ns2      A 127.0.0.1
mail     A 127.0.0.1
mail2    A 127.0.0.2
good     A 127.0.0.1
*.wild   A 127.0.0.1
dual     A 127.0.0.1
dual     AAAA ::1
four     A 127.0.0.1
six      AAAA ::1
elsewhere A 127.0.0.1
several  A 127.0.0.1
several  A 127.0.0.2
several  A 127.0.0.3
alias    CNAME alias2
alias2   CNAME alias3
alias3   CNAME good
dangling CNAME nowhere
outside  CNAME host.other.
onlytext TXT "text \\"quoted\\" and \\195\\188 back\\\\slash"
service  SRV 0 5 5060 good
caa      CAA 0 issue "lab.example"
pointer  PTR good.lab.
sub      NS ns.sub
ns.sub   A 127.0.0.9
"""
LARGE = "\n".join(f'large TXT "record {n:03} of the answer that does not fit into a small packet"' for n in range(40))

KNOT = """
server:
    listen: [ 127.0.0.1@{port}, ::1@{port} ]
    rundir: {folder}
    udp-workers: 1
    tcp-workers: 2
    background-workers: 1
log:
  - target: stderr
    any: warning
database:
    storage: {folder}
zone:
  - domain: lab
    file: {folder}/lab.zone
    zonefile-sync: -1
    journal-content: none
"""

# A resolver: what the probers ask for the names of targets, and a target itself (port 53, and TLS).
UNBOUND = """
server:
    interface: 127.0.0.1@53
    interface: ::1@53
    interface: 127.0.0.1@{tls_port}
    interface: 127.0.0.3@53
    tls-port: {tls_port}
    tls-service-key: {certificates}/good.key
    tls-service-pem: {certificates}/good.pem
    access-control: 127.0.0.0/8 allow
    access-control: ::1/128 allow
    access-control: 127.0.0.9/32 refuse
    do-not-query-localhost: no
    do-daemonize: no
    username: ""
    chroot: ""
    directory: "{folder}"
    pidfile: ""
    use-syslog: no
    logfile: ""
    verbosity: 1
    num-threads: 1
    msg-cache-size: 1m
    rrset-cache-size: 1m
    module-config: "iterator"
    minimal-responses: no
    rrset-roundrobin: no
    local-zone: "lab." nodefault
    local-zone: "refused.test." always_refuse
    local-zone: "nothing.test." always_nxdomain
    local-zone: "local.test." static
    local-data: "local.test. 60 IN SOA ns.local.test. root.local.test. 7 3600 600 86400 60"
    local-data: "a.local.test. 60 IN A 127.0.0.1"
    local-data: "b.local.test. 60 IN TXT 'text'"
    identity: "lab resolver"
    hide-version: no
    version: "lab 1"
remote-control:
    control-enable: no
stub-zone:
    name: "lab."
    stub-addr: 127.0.0.1@{knot_port}
stub-zone:
    name: "fail.test."
    stub-addr: 127.0.0.1@{closed_port}
forward-zone:
    name: "."
    forward-addr: 127.0.0.1@{closed_port}
"""

NOERROR, NXDOMAIN = 0, 3
ANSWER_A = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1"  # the name of the question, A, IN, 60 s, 127.0.0.1


def reply(query, answers=(), flags=0x8180, authority=0, additional=0, number=None):
    """A reply to query with its question; answers: records as bytes, in the order of the sections."""
    records = list(answers)
    counts = len(records) - authority - additional, authority, additional
    (own,) = struct.unpack("!H", query[:2])
    head = struct.pack("!HHHHHH", own if number is None else number, flags, 1, *counts)
    return head + question_of(query) + b"".join(records)


def question_of(query):
    end = query.index(b"\0", 12) + 5
    return query[12:end]


def first_label(query):
    return query[13 : 13 + query[12]].decode("latin-1").lower()


def swap_question(query):
    """A reply to another question."""
    good = reply(query, [ANSWER_A])
    return good[:13] + b"z" + good[14:]


def later(query):
    time.sleep(SLOW_SECONDS)
    return reply(query, [ANSWER_A])


# By the first label of the name that is asked for. None: no answer.
ODD = {
    "ok": lambda query: reply(query, [ANSWER_A]),
    "slow": later,
    "silent": lambda query: None,
    "sections": lambda query: reply(query, [ANSWER_A] * 6, authority=2, additional=3),
    "garbage": lambda query: b"this is not DNS",
    "short": lambda query: reply(query, [ANSWER_A])[:7],
    "header-only": lambda query: query[:2] + b"\x81\x80" + bytes(8),
    "cut": lambda query: reply(query, [ANSWER_A])[:-3],
    "trailing": lambda query: reply(query, [ANSWER_A]) + b"more bytes",
    "wrong-id": lambda query: reply(query, [ANSWER_A], number=struct.unpack("!H", query[:2])[0] ^ 0xFFFF),
    "wrong-question": swap_question,
    "no-response-bit": lambda query: reply(query, [ANSWER_A], flags=0x0100),
    "truncated": lambda query: reply(query, [ANSWER_A], flags=0x8380),
    "truncated-empty": lambda query: reply(query, flags=0x8380),
    "formerr": lambda query: reply(query, flags=0x8181),
    "notimp": lambda query: reply(query, flags=0x8184),
    "rcode9": lambda query: reply(query, flags=0x8189),
    "rcode15": lambda query: reply(query, flags=0x818F),
    "empty": lambda query: reply(query),
    "loop": lambda query: reply(query, [b"\xc0" + bytes([12 + len(question_of(query))]) + ANSWER_A[2:]]),
    "unknown-type": lambda query: reply(query, [b"\xc0\x0c\xff\x01\0\1\0\0\0\x3c\0\4\x7f\0\0\1"]),
    "bad-a": lambda query: reply(query, [b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\3\x7f\0\0"]),
    "other-name": lambda query: reply(query, [b"\5other\3lab\0" + ANSWER_A[2:]]),
}


def odd_reply(query):
    return ODD.get(first_label(query), lambda query: reply(query, flags=0x8183))(query)


class UdpDnsHandler(socketserver.BaseRequestHandler):
    def handle(self):
        data, sock = self.request
        with contextlib.suppress(OSError, IndexError, ValueError):
            answer = odd_reply(data)
            if answer is not None:
                sock.sendto(answer, self.client_address)


class TcpDnsHandler(socketserver.BaseRequestHandler):
    """One question per connection. "twice" is not answered at once, "half" ends in the middle, "split" comes in two."""

    def handle(self):
        self.request.settimeout(PATIENCE_SECONDS)
        with contextlib.suppress(OSError, IndexError, ValueError):
            data = self.request.recv(65536)
            while len(data) < 2 or len(data) < 2 + struct.unpack("!H", data[:2])[0]:
                data += self.request.recv(65536)
            query = data[2:]
            self.answer(query, first_label(query))
            self.request.recv(1)

    def answer(self, query, what):
        good = reply(query, [ANSWER_A])
        framed = struct.pack("!H", len(good)) + good
        if what == "half":
            self.request.sendall(framed[:10])
            self.request.shutdown(1)
        elif what == "split":
            self.request.sendall(framed[:1])
            time.sleep(SLOW_SECONDS)
            self.request.sendall(framed[1:])
        elif what == "close":
            self.request.shutdown(1)
        else:
            answer = odd_reply(query)
            if answer is not None:
                self.request.sendall(struct.pack("!H", len(answer)) + answer)
