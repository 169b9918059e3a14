"""Speaks to the router for tests word by word, to see exactly what it says."""

import hashlib
import socket
import time

from routeros import wire

PATIENCE_SECONDS = 20


class Talker:
    def __init__(self, port, name="netsonde", password="secret", tls=None, host="127.0.0.1"):
        self.socket = socket.create_connection((host, port), PATIENCE_SECONDS)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="127.0.0.1")
        self.reader = wire.Reader()
        self.waiting = []
        self.bytes = b""
        if name:
            self.log_in(name, password)

    def log_in(self, name, password):
        """As clients do that take every version: the challenge is answered when one comes."""
        answer = self.ask("/login", f"=name={name}", f"=password={password}")
        if answer[0][1:] and answer[0][1].startswith("=ret="):
            response = hashlib.md5(b"\x00" + password.encode() + bytes.fromhex(answer[0][1][5:])).hexdigest()
            answer = self.ask("/login", f"=name={name}", f"=response=00{response}")
        assert answer == [["!done"]]

    def write(self, *words):
        self.write_bytes(wire.encode_sentence(*(word if isinstance(word, bytes) else word.encode() for word in words)))

    def write_bytes(self, data):
        self.socket.sendall(data)

    def read(self):
        """The next sentence; None when the router has closed the connection."""
        while not self.waiting:
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self.bytes += data
            self.waiting = self.reader.feed(data)
        return [word.decode("latin-1") for word in self.waiting.pop(0)]

    def read_exactly(self, size):
        """So many bytes as they are; not to be mixed with read()."""
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            assert piece, f"closed after {data.hex(' ')}"
            data += piece
        return data

    def is_silent(self, seconds=0.1):
        """Whether nothing comes for a while. That something would have come is for another part of the test to show."""
        self.socket.settimeout(seconds)
        try:
            return self.read() is None
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(PATIENCE_SECONDS)

    def read_answer(self):
        """All sentences up to !done or !fatal, or the end."""
        sentences = []
        while (sentence := self.read()) is not None:
            sentences.append(sentence)
            if sentence[0] in ("!done", "!fatal"):
                break
        return sentences

    def ask(self, *words):
        self.write(*words)
        return self.read_answer()

    def rows(self, *words):
        answer = self.ask(*words)
        assert answer[-1] == ["!done"] and {sentence[0] for sentence in answer} <= {"!re", "!empty",
                                                                                    "!done"}, answer[-2:]
        return [row_of(sentence) for sentence in answer if sentence[0] == "!re"]

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def row_of(sentence):
    return dict(word[1:].split("=", 1) for word in sentence[1:] if word.startswith("="))


def wait_for(condition, what):
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.01)
    return found
