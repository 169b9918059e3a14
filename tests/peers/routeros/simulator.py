"""The router as a thing to start, ask and stop, for tests and benches. It runs in processes of its own."""

import json
import pathlib
import subprocess
import sys
import threading

PROGRAM = pathlib.Path(__file__).with_name("router.py")


class Simulator:
    """with Simulator(profile="7.18", rows=["routes=22000"]) as router: ... router.port

    Options are those of the program, with _ for -; a list gives an option several times, True one without a value.
    """

    def __init__(self, **options):
        arguments = []
        for name, value in options.items():
            for one in value if isinstance(value, (list, tuple)) else [value]:
                option = "--" + name.replace("_", "-")
                arguments += [option] if one is True else [] if one is None or one is False else [f"{option}={one}"]
        # Whoever runs the tests may be another Python; this one needs nothing but its own library.
        self.process = subprocess.Popen(["/usr/bin/python3" if pathlib.Path("/usr/bin/python3").exists()
                                         else sys.executable, str(PROGRAM), *arguments, "--exit-on-eof"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.lock = threading.Lock()
        words = self.process.stdout.readline().split()
        if words[:1] != [b"ready"]:
            self.stop()
            raise RuntimeError(f"the router did not start: {arguments}")
        named = dict(zip(words[::2], words[1::2]))
        self.port = int(named[b"ready"])
        self.tls_port = int(named.get(b"tls", 0)) or None
        self.control_port = int(named.get(b"control", 0)) or None

    def ask(self, line):
        """A request (router.py --help lists them); its answer as a dictionary."""
        with self.lock:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
            reply = json.loads(self.process.stdout.readline())
        if not reply.pop("ok"):
            raise ValueError(reply["error"])
        return reply

    def fault(self, text):
        self.ask(f"fault {text}")

    def clear(self, name=""):
        self.ask(f"clear {name}".strip())

    def seen(self):
        return self.ask("seen")

    def said(self):
        """The last commands, each as a list of words without its tag."""
        return self.ask("said")["said"]

    def forget(self):
        self.ask("forget")

    def set(self, name, value):
        self.ask(f"set {name} {value}")

    def add(self, path, **values):
        return self.ask(f"add {path} {json.dumps({name.replace('_', '-'): value for name, value in values.items()})}")["id"]

    def change(self, path, row, **values):
        self.ask(f"change {path} {row} {json.dumps({name.replace('_', '-'): value for name, value in values.items()})}")

    def remove(self, path, row):
        self.ask(f"remove {path} {row}")

    def reboot(self, seconds=0):
        self.ask(f"reboot {seconds}")

    def drop(self):
        self.ask("drop")

    def stop(self):
        for pipe in (self.process.stdin, self.process.stdout):
            pipe.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
