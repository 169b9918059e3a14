#!/usr/bin/python3
"""A router for tests: router.py --profile 7.18 --port 0 --fault stuck=... prints "ready PORT" and serves until it is told to quit.

Each line on its standard input (or on the control port) is a request; each gets one line of JSON. They are listed in CONTROLS.
"""

import argparse
import asyncio
import collections
import json
import os
import pathlib
import resource
import signal
import socket
import ssl
import stat
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from routeros import commands, profiles  # noqa: E402
from routeros.faults import FAULTS, Faults  # noqa: E402
from routeros.session import CACHED_ANSWERS, CACHED_SECONDS, Session  # noqa: E402
from routeros.table import World  # noqa: E402

RIGHTS = "read,write,test,api,reboot"
KEPT_COMMANDS = 2000
CONTROLS = {
    "fault FAULT": "sets a fault",
    "clear [NAME]": "takes faults back",
    "seen": "what was seen: commands, logins, sessions",
    "said": "the last commands, as lists of words, without passwords",
    "forget": "begins to count anew",
    "set NAME VALUE": "identity, profile, rights, password, max-sessions, pace, traffic",
    "reboot [SECONDS]": "closes all sessions in mid-sentence and counts from nothing; away for so long",
    "drop": "closes all sessions",
    "add PATH JSON": "a row; gives its id",
    "change PATH ID JSON": "changes a row",
    "remove PATH ID": "removes a row",
    "quit": "ends the program",
}


class User:
    def __init__(self, text):
        name, password, rights = (text.split(":", 2) + ["", ""])[:3]
        self.name = name.encode()
        self.password = password.encode()
        self.rights = frozenset((rights or RIGHTS).split(","))


class Router:
    def __init__(self, options):
        self.options = options
        self.users = {user.name: user for user in map(User, options.user or ["netsonde:secret"])}
        self.max_sessions = options.max_sessions
        self.pace = options.pace
        self.faults = Faults(options.fault or ())
        self.sizes = {name: int(number) for name, number in (one.split("=") for one in options.rows or ())}
        self.seen = collections.Counter()
        self.commands = collections.Counter()
        self.last = collections.deque(maxlen=KEPT_COMMANDS)
        self.sessions = set()
        self.by_address = collections.Counter()
        self.silent = []
        self.closed_until = 0
        self.answers = {}
        self.now = 0.0
        self.requests, self.slot, self.last_request = 0, 0.0, 0.0
        self.loop = None
        self.world = None
        self.set_profile(options.profile)

    def set_profile(self, name):
        self.profile = profiles.Profile(name, self.options.board, self.options.wifi)
        identity = self.world.identity if self.world else self.options.identity
        self.world = World(self.profile, self.sizes, identity)
        self.apply_counters()
        self.tables = commands.make_tables(self.profile)
        self.answers.clear()

    def apply_counters(self):
        value = self.faults.take("counters")
        self.faults.clear("counters")
        self.world.counter_base = int(value) if value else None
        self.forget()

    def forget(self):
        self.answers.clear()

    # --- sessions ---

    def admit(self, session):
        self.sessions.add(session)
        self.by_address[session.local] += 1
        self.seen["sessions total"] += 1
        self.seen["sessions peak"] = max(self.seen["sessions peak"], len(self.sessions))
        if self.by_address[session.local] > self.max_sessions:
            self.seen["sessions refused"] += 1
            return False
        return self.faults.take("refuse") is None and self.loop.time() >= self.closed_until

    def leave(self, session):
        if session in self.sessions:
            self.sessions.discard(session)
            self.by_address[session.local] -= 1

    def note(self, words):
        self.commands[words[0]] += 1
        self.last.append(words)

    def cached(self, rights, key):
        entry = self.answers.get((rights, key))
        if entry is None or entry[0] < self.loop.time():
            return None
        return entry[1]

    def cache(self, rights, key, answer):
        """Answers that change with time are good for a tenth of a second, the others until something is changed."""
        if len(self.answers) >= CACHED_ANSWERS:
            self.answers.clear()
        table = self.tables.get(key[0].decode("latin-1").rpartition("/")[0])
        if table:
            self.answers[(rights, key)] = (self.loop.time() + (CACHED_SECONDS if table.is_live else 1e9), answer)

    def wait_of(self, path, words, rows):
        """How long an answer takes, by the faults that say so."""
        wait = self.faults.number("delay", path) or 0.0
        cost = self.faults.number("row-cost", path)
        if cost and not any(word.startswith(b"=.proplist=") for word in words):
            wait += cost * rows
        most = self.faults.number("clamp", path)
        if most is not None:
            now = self.loop.time()
            if now - self.last_request > 1:
                self.requests = 0
            self.last_request, self.requests = now, self.requests + 1
            if self.requests > most:
                self.slot = max(now, self.slot) + 0.02
                wait += self.slot - now
        return wait

    def log(self, topics, message):
        table = self.tables["/log"]
        # The buffer holds a thousand lines.
        if len(table.added) >= 1000:
            del table.added[:500]
        stamp = self.world.ago(0)
        self.answers.clear()
        table.add(self.world, {"time": stamp.split()[1] if self.profile.is_v6 else stamp, "topics": topics,
                               "message": message, "buffer": "memory"})

    def drop(self, is_cut=False):
        for session in list(self.sessions):
            if is_cut and session.rights is not None:
                session.send(b"\x03!re\x0b=name=et")
            session.abort() if not is_cut else session.close()

    def reboot(self, seconds=0.0):
        self.drop(is_cut=True)
        self.world.reboot()
        self.closed_until = self.loop.time() + float(seconds)
        self.forget()

    # --- control ---

    def state(self):
        names = ("logins", "logins refused", "sessions total", "sessions peak", "sessions refused", "cancels",
                 "broken streams")
        return {
            "commands": {name.decode("latin-1"): number for name, number in self.commands.items()},
            "total": sum(self.commands.values()),
            **{name.replace(" ", "_"): self.seen[name] for name in names}, "sessions": len(self.sessions),
            "running": sum(len(session.running) for session in self.sessions),
            "waiting": [fault.text for fault in self.faults.faults],
        }

    def said(self):
        def shown(word):
            return "=password=" if word.startswith(b"=password=") else word.decode("latin-1")
        return [[shown(word) for word in words] for words in self.last]

    def set_value(self, name, value):
        if name == "identity":
            self.world.identity = value
            self.tables["/system/identity"].forget()
        elif name == "profile":
            self.set_profile(value)
        elif name in ("rights", "password"):
            for user in self.users.values():
                setattr(user, name, value.encode() if name == "password" else frozenset(value.split(",")))
            for session in self.sessions:
                if name == "rights" and session.rights is not None:
                    session.rights = frozenset(value.split(","))
        elif name == "max-sessions":
            self.max_sessions = int(value)
        elif name == "pace":
            self.pace = float(value)
        elif name == "traffic":
            self.world.set_traffic(float(value))
        else:
            raise ValueError(f"no such setting: {name}")
        self.forget()

    def control(self, line):
        """One request; what it gives."""
        verb, _, rest = line.strip().partition(" ")
        if verb == "fault":
            self.faults.add(rest)
            if rest.startswith("counters"):
                self.apply_counters()
        elif verb == "clear":
            self.faults.clear(rest or None)
        elif verb == "seen":
            return self.state()
        elif verb == "said":
            return {"said": self.said()}
        elif verb == "forget":
            self.seen.clear(), self.commands.clear(), self.last.clear()
            self.seen["sessions peak"] = len(self.sessions)
        elif verb == "set":
            self.set_value(*rest.split(" ", 1))
        elif verb == "reboot":
            self.reboot(float(rest or 0))
        elif verb == "drop":
            self.drop()
        elif verb in ("add", "change", "remove"):
            return self.change_row(verb, *rest.split(" ", 2 if verb == "change" else 1))
        elif verb == "quit":
            self.loop.call_later(0.05, self.loop.stop)
        else:
            raise ValueError(f"no such request: {verb!r}; there are: {', '.join(CONTROLS)}")
        return {}

    def change_row(self, verb, path, *rest):
        table = self.tables[path]
        self.forget()
        if verb == "add":
            return {"id": table.add(self.world, json.loads(rest[0]))}
        row = table.find(self.world, rest[0])
        if row is None:
            raise ValueError(f"no such row in {path}: {rest[0]}")
        if verb == "change":
            table.change(self.world, row, json.loads(rest[1]))
        else:
            table.remove(self.world, row)
        return {}

    def answer_control(self, line):
        try:
            return {"ok": True, **self.control(line)}
        except (ValueError, KeyError, TypeError) as error:
            return {"ok": False, "error": str(error)}

    # --- listening ---

    def accept(self, listener, context):
        for _ in range(64):
            try:
                connection, _ = listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            connection.setblocking(False)
            if self.faults.take("silent") is not None:
                self.silent.append(connection)
                continue
            self.loop.create_task(self.serve(connection, context))

    async def serve(self, connection, context):
        try:
            await self.loop.connect_accepted_socket(lambda: Session(self), connection, ssl=context)
        except (OSError, ssl.SSLError, asyncio.CancelledError):
            self.seen["handshakes failed"] += 1
            connection.close()

    def listen(self, port, context=None):
        listener = make_listener(self.options.host, port, self.options.reuse)
        self.loop.add_reader(listener.fileno(), self.accept, listener, context)
        return listener.getsockname()[1]


def make_listener(host, port, is_shared):
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if is_shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((host, port))
    listener.listen(1024)
    listener.setblocking(False)
    return listener


def make_context(options):
    """1.7: with a certificate, or without one and then anonymous Diffie-Hellman up to TLS 1.2."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if options.certificate:
        context.load_cert_chain(options.certificate, options.key)
        if options.tls_1_2:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
    else:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("ADH:@SECLEVEL=0")
        context.load_dh_params(str(pathlib.Path(__file__).with_name("ffdhe2048.pem")))
    return context


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="faults:\n" + "\n".join(f"  {name:15} {text}" for name,
                                                                    text in FAULTS.items())
                                     + "\n\nrequests:\n" + "\n".join(f"  {name:22} {text}" for name,
                                                                     text in CONTROLS.items()))
    add = parser.add_argument
    add("--profile", default="7.18", help=f"{', '.join(profiles.VERSIONS)}, or any other version")
    add("--board", default="rb", choices=("rb", "chr"), help="chr: no health rows, no routerboard")
    add("--wifi", choices=("wireless", "wifiwave2", "wifi"),
        help="the package for radios, when it is not the one of the version")
    add("--host", default="127.0.0.1",
        help="to listen on; with 0.0.0.0 each address of 127.0.0.0/8 is a router with sessions of its own")
    add("--port", type=int, default=0)
    add("--tls-port", type=int, help="for TLS; anonymous Diffie-Hellman when there is no certificate")
    add("--certificate")
    add("--key")
    add("--tls-1-2", action="store_true", help="nothing newer than TLS 1.2")
    add("--user", action="append", help="NAME:PASSWORD[:RIGHTS]; netsonde:secret with all rights by default")
    add("--max-sessions", type=int, default=20, help="1.4: 20 by default")
    add("--identity", default="gw1")
    add("--rows", action="append",
        help="how many: routes=22000, queues, leases, ppp, interfaces, rules, connections, arp, logs")
    add("--pace", type=float, default=1.0, help="how long the second of monitors and pings lasts")
    add("--fault", action="append")
    add("--control", type=int, help="a port on loopback for requests")
    add("--exit-on-eof", action="store_true", help="ends when its standard input does")
    add("--processes", type=int, default=1)
    add("--reuse", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


async def answer_stream(answer, reader, writer):
    """Requests from one place, until it ends."""
    while line := await reader.readline():
        if line.strip():
            reply = answer(line.decode())
            if asyncio.iscoroutine(reply):
                reply = await reply
            writer.write(json.dumps(reply).encode() + b"\n")
            await writer.drain()


class Output:
    """Standard output as something to write to."""

    @staticmethod
    def write(data):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    @staticmethod
    async def drain():
        pass


async def read_requests(options, answer):
    if stat.S_ISREG(os.fstat(0).st_mode) or os.path.samestat(os.fstat(0), os.stat(os.devnull)):
        return
    reader = asyncio.StreamReader(limit=1 << 24)
    try:
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        await answer_stream(answer, reader, Output)
    except (ValueError, OSError):
        pass
    if options.exit_on_eof:
        asyncio.get_running_loop().stop()


async def open_control(options, answer):
    if options.control is None:
        return ""
    async def take(reader, writer):
        await answer_stream(answer, reader, writer)
        writer.close()
    server = await asyncio.start_server(take, "127.0.0.1", options.control)
    return f" control {server.sockets[0].getsockname()[1]}"


async def start_one(options):
    router = Router(options)
    router.loop = asyncio.get_running_loop()
    said = f"ready {router.listen(options.port)}"
    if options.tls_port is not None:
        said += f" tls {router.listen(options.tls_port, make_context(options))}"
    said += await open_control(options, router.answer_control)
    print(said, flush=True)
    await read_requests(options, router.answer_control)


def merged(replies):
    """What several processes say, as one: numbers are added up."""
    whole = dict(replies[0])
    for reply in replies[1:]:
        for name, value in reply.items():
            before = whole.get(name)
            if name == "ok":
                whole[name] = before and value
            elif isinstance(value, dict):
                whole[name] = dict(collections.Counter(before or {}) + collections.Counter(value))
            elif isinstance(value, (int, list)) and name != "waiting":
                whole[name] = (before or type(value)()) + value
            elif before is None:
                whole[name] = value
    return whole


async def start_several(options):
    """Processes that share the port; the kernel deals the connections out. Sessions are limited in each by itself."""
    first = make_listener(options.host, options.port, True)
    ports = ["--port", str(first.getsockname()[1])]
    held = [first]
    if options.tls_port is not None:
        held.append(make_listener(options.host, options.tls_port, True))
        ports += ["--tls-port", str(held[1].getsockname()[1])]
    children = [
        await asyncio.create_subprocess_exec(
            sys.executable, __file__, *own_arguments(), *ports, "--reuse", "--exit-on-eof", "--processes", "1",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 24)
        for _ in range(options.processes)
    ]
    lines = [await child.stdout.readline() for child in children]
    # Those that only held the numbers must get no connection.
    for listener in held:
        listener.close()
    lock = asyncio.Lock()

    async def answer(line):
        async with lock:
            for child in children:
                child.stdin.write(line.encode().rstrip(b"\n") + b"\n")
            replies = [json.loads(await child.stdout.readline()) for child in children]
        if line.strip() == "quit":
            asyncio.get_running_loop().call_later(0.05, asyncio.get_running_loop().stop)
        return merged(replies)

    said = lines[0].decode().strip() + await open_control(options, answer)
    print(said, flush=True)
    await read_requests(options, answer)


def own_arguments():
    """What the children are told: all but what is the parent's own."""
    arguments, skip = [], False
    for one in sys.argv[1:]:
        if skip:
            skip = False
        elif one in ("--processes", "--control", "--port", "--tls-port"):
            skip = True
        elif one.split("=")[0] not in ("--processes", "--control", "--port", "--tls-port"):
            arguments.append(one)
    return arguments


def main():
    options = read_options()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, loop.stop)
    task = loop.create_task(start_one(options) if options.processes == 1 else start_several(options))
    task.add_done_callback(lambda done: loop.stop() if not done.cancelled() and done.exception() else None)
    loop.run_forever()
    if task.done() and not task.cancelled() and task.exception():
        sys.exit(f"{sys.argv[0]}: {task.exception()}")
    os._exit(0)


if __name__ == "__main__":
    main()
