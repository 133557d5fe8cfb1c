"""The journal of a store, as the page "Data files" describes it."""
import hashlib

from fields import Bytes, require

BLOCK = 4096
TABLES = ["cards", "audit", "leaves", "checkpoints", "keyring", "idempotency", "idempotencyExpiry", "meta"]
PUT, APPENDED, REMOVED = 0, 1, 2


def digest(data):
    return hashlib.sha256(data).digest()[:16]


def signed_fields(block, magic, count):
    """What stands behind magic and version in a block that begins with `count` bytes of that kind."""
    if block[:8] != magic or block[count:count + 16] != digest(block[:count]):
        return None
    fields = Bytes(block[8:count])
    return fields if fields.number(4) == 1 else None


class Frame:
    def __init__(self, fields, block):
        self.journal, self.sequence, self.before = fields.take(16), fields.number(8), fields.take(16)
        self.row_bytes, self.row_count, self.row_digest = fields.number(4), fields.number(4), fields.take(16)
        self.digest = block[76:92]
        self.block_count = -(-(92 + self.row_bytes) // BLOCK)

    @staticmethod
    def read(block, journal):
        """The head in a block; None where there is none of this journal."""
        fields = signed_fields(block, b"CdnFrame", 76)
        frame = Frame(fields, block) if fields else None
        return frame if frame and frame.journal == journal else None

    def changes(self, data):
        """Table, kind, key and value of each row."""
        rows = Bytes(data)
        for _ in range(self.row_count):
            table, kind = rows.number(1), rows.number(1)
            key_bytes, value_bytes = rows.number(2), rows.number(4)
            require(table < len(TABLES) and TABLES[table] != "keyring", "a row of no table")
            require(kind in (PUT, APPENDED, REMOVED), "a row of no kind")
            require(1 <= key_bytes <= 511 and (kind != REMOVED or value_bytes == 0), "a row out of bounds")
            yield TABLES[table], kind, rows.take(key_bytes), rows.take(value_bytes)
        rows.end()


def read_journal(path, row):
    """The changes of the frames that follow what the row `journal` says, frame by frame."""
    require(row is not None and len(row) == 42, "no row says where the journal goes on")
    fields = Bytes(row)
    journal, sequence, before, half = fields.take(16), fields.number(8), fields.take(16), fields.number(1)
    is_alone = fields.number(1)
    require(half <= 1 and is_alone <= 1, "a row out of bounds")
    require(path.exists(), "the journal is missing, and acknowledged operations with it")
    data = path.read_bytes()
    header = signed_fields(data[:BLOCK], b"CdnJourn", 36)
    require(header, "the journal's header is damaged")
    require(header.take(16) == journal, "the journal is another one")
    half_bytes = header.number(8)
    require(half_bytes % BLOCK == 0 and BLOCK <= half_bytes <= 64 << 20, "a half out of bounds")
    require(len(data) >= BLOCK + 2 * half_bytes, "the journal is cut off")
    data = data[:BLOCK + 2 * half_bytes]
    known, newest = known_sequences(data, journal)
    require(is_alone or newest >= sequence, "the journal is an older one")
    frames, end = [], None
    for half in (half, 1 - half):
        start = BLOCK + half * half_bytes
        taken, end_of_half = take_frames(data[start:start + half_bytes], journal, sequence, before)
        if end is None or taken:
            end = start + end_of_half
        for frame, changes in taken:
            sequence, before = frame.sequence, frame.digest
            frames.append(changes)
    require(sequence >= known, f"block {end // BLOCK} of the journal is damaged")
    return frames


def known_sequences(data, journal):
    """The sequence that was acknowledged for certain, and the greatest."""
    known = newest = 0
    for start in range(BLOCK, len(data), BLOCK):
        block = data[start:start + BLOCK]
        mark = signed_fields(block, b"CdnAcked", 52)
        if mark and mark.take(16) == journal:
            sequence = mark.number(8)
            known, newest = max(known, sequence), max(newest, sequence)
        frame = Frame.read(block, journal)
        if frame:
            known, newest = max(known, frame.sequence - 1), max(newest, frame.sequence)
    return known, newest


def take_frames(half, journal, sequence, before):
    """The frames of a half that follow a step, each with its changes; and where the next would stand."""
    taken, place = [], 0
    while place < len(half):
        frame = Frame.read(half[place:place + BLOCK], journal)
        if not frame or (frame.sequence, frame.before) != (sequence + 1, before):
            break
        if frame.row_count == 0:
            # LMDB was to take a batch by itself.
            break
        end = place + frame.block_count * BLOCK
        rows = half[place + 92:place + 92 + frame.row_bytes]
        if end > len(half) or digest(rows) != frame.row_digest:
            break
        taken.append((frame, list(frame.changes(rows))))
        sequence, before, place = frame.sequence, frame.digest, end
    return taken, place
