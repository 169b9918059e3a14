"""The words of the RouterOS API: lengths, words, sentences (routeros.md, 1.1 and 1.2)."""


class Broken(Exception):
    """The stream cannot be read any further: a control byte, or a word beyond every measure."""


# Only so that a test that sends rubbish does not take the machine's memory: the router itself names no limit.
SENTENCE_BYTES_MAX = 512 << 20


def encode_length(length):
    if length < 0x80:
        return bytes((length,))
    if length < 0x4000:
        return (length | 0x8000).to_bytes(2, "big")
    if length < 0x200000:
        return (length | 0xC00000).to_bytes(3, "big")
    if length < 0x10000000:
        return (length | 0xE0000000).to_bytes(4, "big")
    return b"\xf0" + length.to_bytes(4, "big")


def encode_length_as(length, form):
    """As a longer form than need be: the manual neither allows nor forbids that."""
    marks = {1: (1, 0), 2: (2, 0x8000), 3: (3, 0xC00000), 4: (4, 0xE0000000), 5: (5, 0xF000000000)}
    size, mark = marks[form]
    shortest = encode_length(length)
    return shortest if len(shortest) >= size else (length | mark).to_bytes(size, "big")


def encode_word(word):
    return encode_length(len(word)) + word


SHORT = [bytes((length,)) for length in range(0x80)]


def encode_sentence(*words):
    return b"".join([SHORT[len(word)] + word if len(word) < 0x80 else encode_word(word) for word in words]) + b"\x00"


def read_length(data, at):
    """The length at this place and the bytes it takes; None while it is not all there."""
    first = data[at]
    if first < 0x80:
        return first, 1
    if first < 0xC0:
        size, mask = 2, 0x3FFF
    elif first < 0xE0:
        size, mask = 3, 0x1FFFFF
    elif first < 0xF0:
        size, mask = 4, 0xFFFFFFF
    elif first == 0xF0:
        size, mask = 5, 0xFFFFFFFF
    else:
        raise Broken(f"control byte {first:#x}")
    if len(data) - at < size:
        return None
    return int.from_bytes(data[at:at + size], "big") & mask, size


class Reader:
    """Takes the stream in whatever pieces and gives whole sentences, as lists of words. Empty sentences are left out."""

    def __init__(self):
        self.rest = b""
        self.words = []
        self.size = 0
        self.wanted = 0

    def feed(self, data):
        if self.rest:
            if len(self.rest) + len(data) < self.wanted:
                # A long word that comes in many pieces is put together once.
                self.rest += data
                return []
            data = bytes(self.rest) + data
        sentences, words, at, end = [], self.words, 0, len(data)
        while at < end:
            length = data[at]
            if length == 0:
                at += 1
                if words:
                    sentences.append(words)
                    words, self.size = [], 0
                continue
            begin = at + 1
            if length >= 0x80:
                found = read_length(data, at)
                if found is None:
                    self.wanted = 0
                    break
                length, size = found
                begin = at + size
                if length == 0:
                    at = begin
                    if words:
                        sentences.append(words)
                        words, self.size = [], 0
                    continue
            stop = begin + length
            if stop > end:
                self.wanted = stop - at
                break
            words.append(data[begin:stop])
            at = stop
        self.words = words
        self.rest = bytearray(data[at:]) if at < end else b""
        if words:
            self.size += at
        if self.size > SENTENCE_BYTES_MAX or self.wanted > SENTENCE_BYTES_MAX:
            raise Broken("a sentence without an end")
        return sentences


def decode_sentences(data):
    """Everything in these bytes, which must end with a sentence."""
    reader = Reader()
    sentences = reader.feed(data)
    if reader.rest or reader.words:
        raise Broken("the last sentence has no end")
    return sentences
