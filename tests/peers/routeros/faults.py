"""What goes wrong on demand. A fault is NAME[=VALUE][@/path][#TIMES]: for all commands or those below a path, always or so often."""

import re

# Each with what it does; the value's meaning stands in it.
FAULTS = {
    # of a command
    "delay": "answers after VALUE seconds; others are not held up",
    "stuck": "never answers; with the value cancellable, /cancel ends it",
    "trap": "!trap and !done instead of the answer: VALUE is CATEGORY:MESSAGE, either may be missing; \\r\\n is a line end",
    "two-traps": "two !trap and one !done",
    "trap-after": "the first VALUE rows, then !trap and !done",
    "fatal": "!fatal with VALUE as its reason, and the end of the connection",
    "empty": "no rows, told as the version does",
    "say-empty": "!empty before the !done of an answer without rows, whatever the version; with the value no, never",
    "absent": "a menu that does not exist",
    "forbidden": "not enough permissions",
    "unknown-reply": "a sentence with the reply word !VALUE before the end",
    "wrong-tag": "the answer under the tag VALUE, which nobody gave",
    "no-tag": "the answer without the tag",
    "two-dones": "!done twice",
    "no-done": "no !done after the rows",
    "endless": "rows for ever",
    "long-word": "a further property of VALUE bytes in each row",
    "bare-word": "a word in each row that is neither an attribute nor anything else",
    "shuffle": "attributes in another order in each row",
    "extra": "further properties that nobody asked for",
    "lacking": "each second property is missing",
    "row-cost": "VALUE seconds for each row, unless a proplist was given",
    "close": "the connection ends VALUE bytes into the answer",
    "reset": "the connection is reset VALUE bytes into the answer",
    "control-byte": "a byte VALUE (as 0xF8) before the answer, where a length should be",
    "lie": "a word that says it has VALUE bytes and is never finished",
    "interleave": "one row at a time, in turn with other commands",
    "clamp": "after VALUE requests one every 20 ms, until a second without any",
    # of a connection
    "pieces": "writes in pieces of VALUE bytes; VALUE:SECONDS waits between them",
    "stall": "gives nothing for VALUE seconds, then all at once; once only for each time it is set",
    "mute": "reads on and gives nothing any more",
    "deaf": "reads nothing any more",
    "long-form": "lengths in the form of VALUE bytes (2 to 5) although shorter would do",
    "cancel-first": "the !done of /cancel comes before that of what it cancelled",
    "refuse": "closes new connections",
    "silent": "takes new connections and neither reads nor answers",
    "login-refused": "refuses whoever logs in",
    # of the data
    "counters": "counters begin at VALUE, such as 18446744073709551000",
}
SHAPE = re.compile(r"([a-z-]+)(?:=((?:(?!@/|#\d+$).)*))?(?:@(/[^#]*))?(?:#(\d+))?", re.S)


class Fault:
    def __init__(self, text):
        match = SHAPE.fullmatch(text)
        if not match or match[1] not in FAULTS:
            raise ValueError(f"no such fault: {text!r}; there are {', '.join(sorted(FAULTS))}")
        self.text = text
        self.name = match[1]
        self.value = match[2] or ""
        self.path = match[3]
        self.left = int(match[4]) if match[4] else None

    def is_for(self, path):
        return not self.path or path == self.path or path.startswith(self.path + "/")


class Faults:
    def __init__(self, texts=()):
        self.faults = [Fault(text) for text in texts]

    def __bool__(self):
        return bool(self.faults)

    def add(self, text):
        self.faults.append(Fault(text))

    def clear(self, name=None):
        self.faults = [fault for fault in self.faults if name and fault.name != name]

    def take(self, name, path=""):
        """Its value when there is such a fault for the path, "" when it has none; None otherwise."""
        for fault in self.faults:
            if fault.name == name and fault.is_for(path):
                if fault.left is not None:
                    fault.left -= 1
                    if fault.left == 0:
                        self.faults.remove(fault)
                return fault.value
        return None

    def number(self, name, path="", default=0.0):
        value = self.take(name, path)
        return None if value is None else float(value or default)
