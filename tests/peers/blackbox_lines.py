"""Servers that talk in lines, with STARTTLS where their protocol has it, and some that hardly talk at all."""

import contextlib
import socket
import socketserver
import ssl
import time

from blackbox_http import PATIENCE_SECONDS, SLOW_SECONDS


class Talk:
    """One connection: send, read lines, begin TLS."""

    def __init__(self, sock, context):
        self.sock = sock
        self.context = context
        self.rest = b""

    def send(self, *lines):
        self.sock.sendall(b"".join(line.encode() + b"\r\n" for line in lines))

    def raw(self, data):
        self.sock.sendall(data)

    def line(self):
        while b"\n" not in self.rest:
            more = self.sock.recv(4096)
            if not more:
                raise EOFError
            self.rest += more
        line, _, self.rest = self.rest.partition(b"\n")
        return line.decode("latin-1").rstrip("\r")

    def start_tls(self):
        self.sock = self.context.wrap_socket(self.sock, server_side=True)

    def wait(self):
        """Until the other side leaves."""
        while self.sock.recv(4096):
            pass


def smtp(talk):
    talk.send("220 mail.lab ESMTP")
    while True:
        word, _, rest = talk.line().partition(" ")
        match word.upper():
            case "EHLO":
                talk.send(f"250-mail.lab greets {rest}", "250-SIZE 1000", "250 STARTTLS")
            case "STARTTLS":
                talk.send("220 go ahead")
                talk.start_tls()
            case "QUIT":
                talk.send("221 bye")
                return
            case _:
                talk.send("502 what?")


def smtp_refuses(talk):
    talk.send("220 mail.lab ESMTP")
    while True:
        talk.send("250 mail.lab" if talk.line().upper().startswith("EHLO") else "454 TLS not available")


def smtp_lies(talk):
    """Agrees to TLS, and then goes on in the clear."""
    talk.send("220 mail.lab ESMTP")
    while True:
        talk.send("250-mail.lab\r\n250 STARTTLS" if talk.line().upper().startswith("EHLO") else "220 go ahead")


def pop3(talk):
    talk.send("+OK POP3 ready <1896.697170952@lab>")
    while True:
        match talk.line().upper():
            case "STLS":
                talk.send("+OK begin")
                talk.start_tls()
            case "QUIT":
                talk.send("+OK bye")
                return
            case _:
                talk.send("-ERR what?")


def imap(talk):
    talk.send("* OK [CAPABILITY IMAP4rev1 STARTTLS] lab ready")
    while True:
        tag, _, command = talk.line().partition(" ")
        match command.upper():
            case "STARTTLS":
                talk.send(f"{tag} OK begin TLS now")
                talk.start_tls()
            case "CAPABILITY":
                talk.send("* CAPABILITY IMAP4rev1", f"{tag} OK done")
            case _:
                talk.send(f"{tag} BAD what?")


def ftp(talk):
    talk.send("220-lab FTP", "220 ready")
    while True:
        if talk.line().upper() == "AUTH TLS":
            talk.send("234 begin")
            talk.start_tls()
        else:
            talk.send("200 fine")


def irc(talk):
    talk.send(":lab NOTICE AUTH :*** Looking up your hostname...")
    nick = talk.line().split(" ")[1]
    talk.line()
    talk.send("PING :12345")
    if talk.line() == "PONG 12345":
        talk.send(f":lab 001 {nick} :Welcome to the lab")
    talk.wait()


def ssh(talk):
    talk.send("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3")
    talk.wait()


def echo(talk):
    while True:
        talk.raw(f"you said: {talk.line()!r}\n".encode())


def lengths(talk):
    """Answers with how many bytes came within a moment: shows which line end was sent."""
    data = talk.sock.recv(4096)
    talk.raw(f"{len(data)} {data!r}\n".encode())
    talk.wait()


def split(talk):
    talk.raw(b"SSH-2")
    time.sleep(SLOW_SECONDS)
    talk.raw(b".0-OpenSSH_9.2p1\r\n")
    talk.wait()


def prompt(talk):
    talk.raw(b"login: ")
    talk.line()
    talk.send("welcome")


def many(talk):
    talk.send(*[f"line {n}" for n in range(30)], "the last one")
    talk.wait()


def long_line(talk):
    talk.raw(b"x" * 70000 + b" end\n")
    talk.wait()


def quite_long_line(talk):
    talk.raw(b"x" * 60000 + b" end\n")
    talk.wait()


def unended(talk):
    """The last line has no end, and the connection closes."""
    talk.raw(b"first\nlast without end")


def drip(talk):
    for byte in b"220 slowly\r\n":
        talk.raw(bytes([byte]))
        time.sleep(0.03)
    talk.wait()


def endless(talk):
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        talk.send("nothing of interest")
        time.sleep(0.02)


def reset(talk):
    talk.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def close(talk):
    del talk


def silent(talk):
    talk.wait()


def binary(talk):
    talk.raw(bytes(range(256)) + b"\n")
    talk.wait()


def tls_banner(talk):
    talk.start_tls()
    talk.send("+OK POP3 ready")
    talk.wait()


def tls_later(talk):
    time.sleep(SLOW_SECONDS)
    tls_banner(talk)


def tls_garbage(talk):
    talk.sock.recv(4096)
    talk.raw(b"this is not TLS, whatever you expected\r\n")
    talk.wait()


def tls_close(talk):
    talk.sock.recv(4096)


SCRIPTS = {
    one.__name__.replace("_", "-"): one
    for one in (smtp, smtp_refuses, smtp_lies, pop3, imap, ftp, irc, ssh, echo, lengths, split, prompt, many, long_line,
                quite_long_line, unended, drip, endless, reset, close, silent, binary, tls_banner, tls_later,
                tls_garbage, tls_close)
}
# Which certificates "tls-banner" and "smtp" are there with, besides good ones: their names get this at the end.
CERTIFICATES = ("expired", "self-signed", "wrong-name", "chained", "odd", "good-and-expired")


def make_context(folder, name, client_ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / client_ca)
    return context


def make_handler(script, context):
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.settimeout(PATIENCE_SECONDS)
            talk = Talk(self.request, context)
            with contextlib.suppress(OSError, EOFError, IndexError):
                script(talk)
            # A socket that was given to TLS is no longer the server's to close.
            with contextlib.suppress(OSError):
                talk.sock.close()

    return Handler
