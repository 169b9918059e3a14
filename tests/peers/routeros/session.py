"""One connection to the router: login, tags, commands in flight together, /cancel, and what goes wrong on demand."""

import asyncio
import hashlib
import os
import random
import socket
import struct

from routeros import commands, wire
from routeros.trap import Trap

DONE = [b"!done"]
# Their real numbers are not published (1.6).
SENTENCES_BEFORE_LOGIN = 8
WORD_BYTES_BEFORE_LOGIN = 4096
CACHED_SECONDS = 0.1
CACHED_ANSWERS = 4096
INTERRUPTED = [b"!trap", b"=category=2", b"=message=interrupted"]


def tag_word(tag):
    return wire.encode_word(b".tag=" + tag) if tag else b""


def pieces_of(sentences):
    """Encoded, cut where the tag belongs: tag.join() of them is the answer."""
    pieces, before = [], b""
    for sentence in sentences:
        pieces.append(before + wire.encode_word(sentence[0]))
        before = wire.encode_sentence(*sentence[1:])
    pieces.append(before)
    return pieces


class Running:
    """A command that has not ended yet."""

    def __init__(self, session, tag, command, is_stuck=False):
        self.session, self.tag, self.command = session, tag, command
        self.task = None
        self.on_end = None
        self.is_stuck = is_stuck
        session.running.append(self)

    def end(self):
        if self in self.session.running:
            self.session.running.remove(self)
        if self.on_end:
            self.on_end()
        if self.task:
            self.task.cancel()


class Session(asyncio.Protocol):
    def __init__(self, router):
        self.router = router
        self.reader = wire.Reader()
        self.out = []
        self.running = []
        self.rights = None
        self.challenge = None
        self.before_login = 0
        self.is_closed = False
        self.is_feeding = False
        self.is_deaf = False
        self.held = None
        self.in_pieces = None
        self.transport = None

    # --- the connection ---

    def connection_made(self, transport):
        self.transport = transport
        self.peer = transport.get_extra_info("peername") or ("nobody", 0)  # it has gone already
        self.local = transport.get_extra_info("sockname")[0]
        if not self.router.admit(self):
            self.is_closed = True
            transport.close()

    def connection_lost(self, error):
        self.is_closed = True
        for one in list(self.running):
            one.end()
        if self.in_pieces:
            self.in_pieces.cancel()
        self.router.leave(self)

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        if not self.is_closed and not self.is_deaf:
            self.transport.resume_reading()

    def data_received(self, data):
        if self.router.faults and self.router.faults.take("deaf") is not None:
            self.is_deaf = True
            self.transport.pause_reading()
            return
        try:
            sentences = self.reader.feed(data)
        except wire.Broken:
            self.router.seen["broken streams"] += 1
            self.close()
            return
        self.is_feeding = True
        for words in sentences:
            if self.is_closed:
                break
            self.handle(words)
        self.is_feeding = False
        self.flush()

    def close(self):
        """What was said before goes out first."""
        self.is_feeding = False
        self.flush()
        self.is_closed = True
        self.transport.close()

    def abort(self):
        """With a reset, not with an end."""
        self.is_closed = True
        connection = self.transport.get_extra_info("socket")
        if connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    # --- writing ---

    def send(self, data):
        if self.is_closed:
            return
        self.out.append(data)
        if not self.is_feeding:
            self.flush()

    def flush(self):
        if not self.out or self.is_closed:
            self.out.clear()
            return
        data = b"".join(self.out)
        self.out.clear()
        if not self.router.faults and self.held is None and self.in_pieces is None:
            self.transport.write(data)
        else:
            self.write_with_faults(data)

    def write_with_faults(self, data):
        faults = self.router.faults
        if faults.take("mute") is not None:
            return
        if self.held is not None:
            self.held.append(data)
            return
        stall = faults.number("stall")
        if stall is not None:
            faults.clear("stall")
            self.held = [data]
            self.router.loop.call_later(stall, self.release)
            return
        pieces = faults.take("pieces")
        if pieces is not None or self.in_pieces:
            self.write_pieces(data, pieces or "1")
        else:
            self.transport.write(data)

    def release(self):
        held, self.held = self.held, None
        if not self.is_closed:
            self.transport.write(b"".join(held))

    def write_pieces(self, data, how):
        size, _, pause = how.partition(":")
        before = self.in_pieces

        async def write():
            if before:
                await before
            for at in range(0, len(data), int(size)):
                if self.is_closed:
                    return
                self.transport.write(data[at:at + int(size)])
                await asyncio.sleep(float(pause or 0))
        self.in_pieces = self.router.loop.create_task(write())

    def answer(self, tag, sentences):
        form = self.router.faults.number("long-form") if self.router.faults else None
        if form:
            for sentence in sentences:
                words = [sentence[0], *([b".tag=" + tag] if tag else []), *sentence[1:]]
                self.send(b"".join(wire.encode_length_as(len(word), int(form)) + word for word in words) + b"\x00")
        else:
            self.send(tag_word(tag).join(pieces_of(sentences)))

    # --- commands ---

    def handle(self, words):
        router = self.router
        tag, key = b"", words
        for word in words:
            if word[:5] == b".tag=":
                tag = word[5:]
                key = [one for one in words if one[:5] != b".tag="]
                break
        router.note(key)
        if self.rights is None:
            self.handle_before_login(tag, key)
            return
        if router.faults:
            self.handle_with_faults(tag, key)
            return
        entry = router.cached(self.rights, tuple(key))
        if entry is not None:
            self.out.append(tag_word(tag).join(entry[0]))
            return
        self.execute(tag, key)

    def handle_before_login(self, tag, words):
        self.before_login += 1
        if words[0] != b"/login":
            self.fatal(b"not logged in")
        elif self.before_login > SENTENCES_BEFORE_LOGIN or max(map(len, words)) > WORD_BYTES_BEFORE_LOGIN:
            self.fatal(b"too many commands before login")
        else:
            delay = self.router.faults.number("delay", "/login")
            if self.router.faults.take("stuck", "/login") is not None:
                return
            if delay:
                self.router.loop.call_later(delay, self.login, tag, words)
            else:
                self.login(tag, words)

    def fatal(self, reason):
        """1.3: a bare word, no tag, and the end of the connection."""
        self.send(wire.encode_sentence(b"!fatal", reason))
        self.close()

    def login(self, tag, words):
        command, router = commands.Command(words), self.router
        profile, arguments = router.profile, command.arguments
        name, response = arguments.get("name", b""), arguments.get("response")
        if response is None and (not profile.takes_password or "password" not in arguments):
            self.challenge = os.urandom(16)
            self.answer(tag, [[b"!done", b"=ret=" + self.challenge.hex().encode()]])
            return
        user = router.users.get(name)
        if response is not None:
            is_right = bool(user) and profile.takes_challenge and self.challenge and response == self.expected(user.password)
            self.challenge = None
        else:
            is_right = bool(user) and user.password == arguments["password"]
        if not is_right or router.faults.take("login-refused") is not None or "api" not in user.rights:
            router.seen["logins refused"] += 1
            router.log("system,error,critical", b"login failure for user %s from %s via api" % (name,
                                                                                                str(self.peer[0]).encode()))
            text = "invalid user name or password (6)" if response is None or not profile.takes_challenge else "cannot log in"
            self.answer(tag, Trap(text).sentences())
            return
        self.rights = user.rights
        router.seen["logins"] += 1
        router.log("system,info,account", b"user %s logged in from %s via api" % (name, str(self.peer[0]).encode()))
        self.answer(tag, [DONE])

    def expected(self, password):
        return b"00" + hashlib.md5(b"\x00" + password + self.challenge).hexdigest().encode()

    def special(self, tag, words):
        """Those commands that exist in the API only."""
        if words[0] == b"/cancel":
            self.cancel(tag, commands.Command(words).arguments.get("tag"))
        elif words[0] == b"/quit":
            self.fatal(b"session terminated on request")
        elif words[0] == b"/login":
            self.login(tag, words)
        elif words[0][:1] != b"/":
            # Such as the "#" that node-routeros sends to keep the connection alive.
            self.answer(tag, Trap("no such command", 0).sentences())
        else:
            return False
        return True

    def cancel(self, tag, which):
        self.router.seen["cancels"] += 1
        ended = [one for one in self.running if (which is None or one.tag == which)]
        is_first = self.router.faults.take("cancel-first") is not None
        if is_first:
            self.answer(tag, [DONE])
        for one in ended:
            if not one.is_stuck:
                one.end()
                self.answer(one.tag, [INTERRUPTED, DONE])
        if not is_first:
            self.answer(tag, [DONE])

    def execute(self, tag, words):
        if self.special(tag, words):
            return
        sentences = self.result_of(tag, words)
        if sentences is not None:
            pieces = pieces_of(sentences)
            if words[0].endswith((b"/print", b"/getall")):
                # Without the sentences: those only matter where something has to go wrong.
                self.router.cache(self.rights, tuple(words), (pieces, None))
            self.send(tag_word(tag).join(pieces))

    def result_of(self, tag, words):
        """All sentences; or None for a command that goes on by itself from here."""
        command = commands.Command(words)
        try:
            result = commands.run(self.router, command, self.rights)
        except Trap as trap:
            return trap.sentences()
        if isinstance(result, commands.Following):
            self.follow(Running(self, tag, command), result)
            return None
        if not isinstance(result, list):
            running = Running(self, tag, command)
            running.task = self.router.loop.create_task(self.stream(running, result))
            return None
        if result and isinstance(result[0], dict):
            result = commands.row_sentences(command, result)
        return self.complete(result)

    def complete(self, sentences, is_quiet=None):
        if sentences and sentences[-1][0] == b"!done":
            return sentences
        if not sentences and (self.router.profile.says_empty if is_quiet is None else not is_quiet):
            return [[b"!empty"], DONE]
        return [*sentences, DONE]

    def follow(self, running, following):
        def tell(row):
            self.answer(running.tag, commands.row_sentences(running.command, [row]))
        if following.rows:
            self.answer(running.tag, commands.row_sentences(running.command, following.rows))
        following.table.listeners.add(tell)
        running.on_end = lambda: following.table.listeners.discard(tell)

    async def stream(self, running, generator):
        try:
            async for rows in generator:
                if rows:
                    self.answer(running.tag, commands.row_sentences(running.command, rows))
            self.answer(running.tag, [DONE])
        except Trap as trap:
            self.answer(running.tag, trap.sentences())
        running.task = None
        running.end()

    # --- what goes wrong ---

    def handle_with_faults(self, tag, words):
        path = words[0].decode("latin-1")
        if self.special(tag, words) or self.spoil(tag, path, words):
            return
        faults = self.router.faults
        sentences = self.result_of_spoilt(tag, path, words)
        if sentences is None:
            return
        sentences = self.spoil_sentences(path, sentences)
        wait = self.router.wait_of(path, words, len(sentences))
        if faults.take("interleave", path) is not None:
            self.later(tag, words, self.one_by_one(tag, sentences, wait))
        elif wait:
            self.later(tag, words, self.one_by_one(tag, [sentences], wait))
        else:
            self.give(tag, path, sentences)

    def later(self, tag, words, coroutine):
        running = Running(self, tag, commands.Command(words))

        async def go():
            await coroutine
            running.task = None
            running.end()
        running.task = self.router.loop.create_task(go())

    async def one_by_one(self, tag, parts, wait):
        if wait:
            await asyncio.sleep(wait)
        for part in parts:
            self.answer(tag, part if isinstance(part[0], list) else [part])
            await asyncio.sleep(0)

    def spoil(self, tag, path, words):
        """Faults that stand in the answer's place; whether there was one."""
        faults = self.router.faults
        stuck = faults.take("stuck", path)
        if stuck is not None:
            Running(self, tag, commands.Command(words), is_stuck=stuck != "cancellable")
            return True
        reason = faults.take("fatal", path)
        if reason is not None:
            self.fatal(reason.encode() or b"out of memory")
            return True
        byte = faults.take("control-byte", path)
        if byte is not None:
            self.send(bytes([int(byte or "0xF8", 0)]))
            return True
        size = faults.take("lie", path)
        if size is not None:
            self.send(b"\x03!re" + wire.encode_length(int(size or 2**31)) + b"=comment=and so on")
            return True
        if faults.take("endless", path) is not None:
            self.later(tag, words, self.endless(tag))
            return True
        return False

    async def endless(self, tag):
        number = 0
        while not self.is_closed:
            number += 1
            self.answer(tag, [[b"!re", b"=.id=*%X" % number, b"=name=row%d" % number]])
            await asyncio.sleep(0)

    def result_of_spoilt(self, tag, path, words):
        faults, trap = self.router.faults, None
        text = faults.take("trap", path)
        if text is not None:
            category, _, message = text.partition(":")
            trap = Trap((message or "failure").replace("\\r", "\r").replace("\\n", "\n"), int(category) if category
                        else None)
            return trap.sentences()
        if faults.take("two-traps", path) is not None:
            return [*Trap("no such command or directory (x)").sentences()[:1],
                    *Trap("no such command prefix", 0).sentences()]
        if faults.take("absent", path) is not None:
            return Trap("no such command prefix", None if self.router.profile.is_v6 else 0).sentences()
        if faults.take("forbidden", path) is not None:
            return Trap("not enough permissions (9)").sentences()
        if faults.take("empty", path) is not None:
            return self.complete([])
        entry = self.router.cached(self.rights, tuple(words))
        if entry is not None and entry[1]:
            return entry[1]
        sentences = self.result_of(tag, words)
        if sentences is not None and words[0].endswith((b"/print", b"/getall")):
            self.router.cache(self.rights, tuple(words), (pieces_of(sentences), sentences))
        return sentences

    def spoil_sentences(self, path, sentences):
        faults = self.router.faults
        rows = [sentence for sentence in sentences if sentence[0] == b"!re"]
        rest = sentences[len(rows):]
        after = faults.number("trap-after", path)
        if after is not None:
            rows, rest = rows[:int(after)], Trap("action failed (6)", 4).sentences()
        say_empty = faults.take("say-empty", path)
        if say_empty is not None and not rows and rest[-1] == DONE:
            rest = self.complete([], is_quiet=say_empty == "no")
        rows = [self.spoil_row(path, row) for row in rows] if rows else rows
        word = faults.take("unknown-reply", path)
        if word is not None:
            rest = [[b"!" + (word or "news").encode(), b"=about=nothing"], *rest]
        if faults.take("two-dones", path) is not None:
            rest = [*rest, DONE]
        if faults.take("no-done", path) is not None:
            rest = rest[:-1]
        return [*rows, *rest]

    def spoil_row(self, path, row):
        faults, words = self.router.faults, row[1:]
        if faults.take("lacking", path) is not None:
            words = words[::2]
        if faults.take("extra", path) is not None:
            words = [*words, b"=something-new=1", b"=.nextid=*2", b"=empty="]
        size = faults.number("long-word", path)
        if size is not None:
            words = [*words, b"=contents=" + b"x" * int(size)]
        if faults.take("bare-word", path) is not None:
            words = [*words, b"bare", b"=no-second-sign", b"="]
        if faults.take("shuffle", path) is not None:
            words = random.sample(words, len(words))
        return [row[0], *words]

    def give(self, tag, path, sentences):
        faults = self.router.faults
        other = faults.take("wrong-tag", path)
        if other is not None:
            tag = other.encode() or b"nobody"
        if faults.take("no-tag", path) is not None:
            tag = b""
        for name, end in (("close", self.close), ("reset", self.abort)):
            size = faults.number(name, path, 0)
            if size is not None and sentences:
                self.send(tag_word(tag).join(pieces_of(sentences))[:int(size)])
                self.is_feeding = False
                self.flush()
                end()
                return
        if sentences:
            self.answer(tag, sentences)
