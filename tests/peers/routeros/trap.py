"""What ends a command without its answer."""


class Trap(Exception):
    def __init__(self, message, category=None):
        super().__init__(message)
        self.message = message if isinstance(message, bytes) else message.encode()
        self.category = category

    def sentences(self):
        words = [b"!trap"]
        if self.category is not None:
            words.append(b"=category=%d" % self.category)
        return [[*words, b"=message=" + self.message], [b"!done"]]
