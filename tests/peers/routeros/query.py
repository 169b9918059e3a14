"""The query words of print: a stack machine that is run for each row (routeros.md, 1.9)."""

import re

BOOLEANS = {b"yes": b"true", b"no": b"false"}


class BadQuery(Exception):
    pass


def as_bytes(value):
    return value if isinstance(value, bytes) else value.encode()


def same(value, wanted):
    value = as_bytes(value)
    return BOOLEANS.get(value, value) == BOOLEANS.get(wanted, wanted)


def compare(value, wanted):
    """Less than nothing, nothing or more: as numbers where both are numbers."""
    value = as_bytes(value)
    try:
        left, right = int(value), int(wanted)
    except ValueError:
        left, right = value, wanted
    return (left > right) - (left < right)


def split(word):
    name, _, value = word.partition(b"=")
    return name.decode("latin-1"), value


def test_of(word):
    """The test of one word without its question mark: a function of a row."""
    sign = word[:1]
    if sign == b"-":
        name = word[1:].decode("latin-1")
        return lambda row: name not in row
    if sign in (b"<", b">"):
        name, value = split(word[1:])
        if sign == b"<":
            return lambda row: name in row and compare(row[name], value) < 0
        return lambda row: name in row and compare(row[name], value) > 0
    if sign == b"=":
        word = word[1:]
    if b"=" not in word:
        name = word.decode("latin-1")
        return lambda row: name in row
    name, value = split(word)
    return lambda row: name in row and same(row[name], value)


OPERATION = re.compile(rb"(\d+)|([!&|.])")


def operations_of(text):
    found, at = [], 0
    while at < len(text):
        match = OPERATION.match(text, at)
        if not match:
            raise BadQuery(f"unknown query operation in {text!r}")
        at = match.end()
        if match[1] is not None:
            index, last = int(match[1]), at == len(text)
            found.append(("keep" if last else "push", index))
            if not last and text[at:at + 1] == b".":
                at += 1
        else:
            found.append((match[2].decode(), 0))
    return found


def operate(stack, operation, index):
    if operation == "push":
        stack.append(stack[-1 - index])
    elif operation == "keep":
        stack[:] = [stack[-1 - index]]
    elif operation == "!":
        stack[-1] = not stack[-1]
    elif operation == ".":
        stack.append(stack[-1])
    else:
        top, below = stack.pop(), stack.pop()
        stack.append((top and below) if operation == "&" else (top or below))


def compile_query(words):
    """A function of a row from the query words, in their order."""
    steps = []
    for word in words:
        word = word[1:]
        if word[:1] == b"#":
            steps.extend((None, operation) for operation in operations_of(word[1:]))
        else:
            steps.append((test_of(word), None))
    if all(test for test, _ in steps):
        tests = [test for test, _ in steps]
        return lambda row: all(test(row) for test in tests)

    def passes(row):
        stack = []
        try:
            for test, operation in steps:
                if test:
                    stack.append(test(row))
                else:
                    operate(stack, *operation)
        except IndexError:
            raise BadQuery("a query operation without its values") from None
        return all(stack)

    return passes
