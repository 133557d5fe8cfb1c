"""Bytes that are taken apart, and refused where no writer writes them so."""


class Refused(Exception):
    """What no writer of these formats writes, or what does not open."""


def require(condition, what):
    if not condition:
        raise Refused(what)


class Bytes:
    """Takes fields from the beginning of some bytes."""

    def __init__(self, data):
        self.data = bytes(data)

    def take(self, count):
        require(len(self.data) >= count, "cut off")
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def number(self, count):
        return int.from_bytes(self.take(count), "big")

    def text(self):
        return self.take(self.number(1)).decode("ascii")

    def end(self):
        require(not self.data, "longer than it should be")
