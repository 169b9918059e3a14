"""What readers of languages by recursive descent share: promql.py, flux.py."""


class Wrong(Exception):
    """The text is not of its language, or not what its reader knows of it."""


class Tokens:
    """(kind, text) each, the last of the kind "end"; and how far they are read."""

    def __init__(self, tokens=()):
        self.tokens = list(tokens)
        self.place = 0

    def peek(self, ahead=0):
        return self.tokens[min(self.place + ahead, len(self.tokens) - 1)]

    def take(self, *wanted):
        """The next token, if it is one of these (any, where none are named); else None. What is quoted is none of them."""
        kind, text = self.peek()
        if wanted and (kind in ("string", "regex") or text not in wanted):
            return None
        self.place += 1
        return text

    def need(self, wanted):
        if self.take(wanted) is None:
            raise Wrong(f"{wanted} is missing before {self.peek()[1] or 'the end'}")

    def of_kind(self, wanted, called=None):
        kind, text = self.peek()
        if kind != wanted:
            raise Wrong(f"a {called or wanted} is missing before {text or 'the end'}")
        return self.take()
