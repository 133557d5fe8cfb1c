"""Checks what `cadenas audit` gives out, and makes the like of it.

Written from RFC 6962, the C2SP pages signed-note, tlog-checkpoint, tlog-tiles, tlog-proof and
tlog-witness, and the article AuditLog, by recursion over whole trees: another way than the program's.

    check_log.py export DIR --key FILE          an export
    check_log.py entry FILE --key FILE          proofs that entries are in the log
    check_log.py growth FILE --since FILE --key FILE   the proof that a log goes on from a checkpoint
    check_log.py make DIR SIZE                  an export, proofs and a key, for the program to check

Exit status 0 where all is well; otherwise the first thing that is wrong is printed.
"""

import argparse
import base64
import hashlib
import json
import os
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def fail(message):
    sys.exit(f"wrong: {message}")


# RFC 6962, section 2.1


def leaf_hash(line):
    return hashlib.sha256(b"\x00" + line).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(size):
    """The largest power of two below `size`."""
    width = 1
    while width * 2 < size:
        width *= 2
    return width


class Tree:
    """A tree over hashes of leaves; hashes of whole subtrees are remembered."""

    def __init__(self, leaves):
        self.leaves = leaves
        self.known = {}

    def root(self, start, end):
        if end - start == 0:
            return hashlib.sha256(b"").digest()
        if end - start == 1:
            return self.leaves[start]
        if (start, end) not in self.known:
            middle = start + split(end - start)
            self.known[start, end] = node_hash(self.root(start, middle), self.root(middle, end))
        return self.known[start, end]

    def path(self, index, start, end):
        if end - start == 1:
            return []
        middle = start + split(end - start)
        if index < middle:
            return self.path(index, start, middle) + [self.root(middle, end)]
        return self.path(index, middle, end) + [self.root(start, middle)]

    def growth(self, old, start, end, is_known=True):
        if old == end:
            return [] if is_known else [self.root(start, end)]
        middle = start + split(end - start)
        if old <= middle:
            return self.growth(old, start, middle, is_known) + [self.root(middle, end)]
        return self.growth(old, middle, end, False) + [self.root(start, middle)]


def root_of_path(leaf, index, size, hashes):
    """The root that an inclusion proof leads to, by the recursion that made it."""
    if size == 1:
        if hashes:
            fail("the proof is too long")
        return leaf
    if not hashes:
        fail("the proof is too short")
    middle = split(size)
    if index < middle:
        return node_hash(root_of_path(leaf, index, middle, hashes[:-1]), hashes[-1])
    return node_hash(hashes[-1], root_of_path(leaf, index - middle, size - middle, hashes[:-1]))


def roots_of_growth(old, size, hashes, old_root, is_known=True):
    """Both roots that a consistency proof leads to."""
    if old == size:
        if is_known and not hashes:
            return old_root, old_root
        if is_known or len(hashes) != 1:
            fail("the proof does not have the shape that the sizes ask for")
        return hashes[0], hashes[0]
    if not hashes:
        fail("the proof is too short")
    middle = split(size)
    if old <= middle:
        left_old, left_new = roots_of_growth(old, middle, hashes[:-1], old_root, is_known)
        return left_old, node_hash(left_new, hashes[-1])
    right_old, right_new = roots_of_growth(
        old - middle, size - middle, hashes[:-1], old_root, False)
    return node_hash(hashes[-1], right_old), node_hash(hashes[-1], right_new)


# Signed notes and checkpoints


class Key:
    def __init__(self, text):
        self.name, self.hash, data = text.strip().split("+", 2)
        data = base64.b64decode(data, validate=True)
        if data[0] != 1:
            fail("the key is no Ed25519 key")
        self.bytes = data[1:]
        name = self.name.encode() + b"\n" + data
        if hashlib.sha256(name).digest()[:4].hex() != self.hash:
            fail("the key's hash does not fit")

    def verifies(self, text, signature):
        try:
            Ed25519PublicKey.from_public_bytes(self.bytes).verify(signature, text)
        except InvalidSignature:
            return False
        return True


def read_note(data):
    text, _, signatures = data.partition(b"\n\n")
    if not signatures.endswith(b"\n"):
        fail("the note has no signature")
    text += b"\n"
    lines = signatures[:-1].decode().split("\n")
    found = []
    for line in lines:
        dash, name, signature = line.split(" ")
        if dash != "—":
            fail("a line under the note is no signature")
        data = base64.b64decode(signature, validate=True)
        found.append((name, data[:4].hex(), data[4:]))
    return text, found


def verify_note(data, keys):
    text, signatures = read_note(data)
    for name, hash_, signature in signatures:
        for key in keys:
            if (key.name, key.hash) == (name, hash_):
                if not key.verifies(text, signature):
                    fail(f"the signature of {name} is not valid")
                return text
    fail("no key that is trusted has signed the note")


def read_checkpoint(data, keys):
    text = verify_note(data, keys).decode()
    origin, size, root, rest = text.split("\n")
    if rest or origin != keys[0].name or str(int(size)) != size:
        fail("the note is no checkpoint of this log")
    return int(size), base64.b64decode(root, validate=True)


def read_keys(path):
    """The keys on lines of their own, and the notes by which each vouches for the next."""
    with open(path, "rb") as file:
        data = file.read()
    keys, notes, note = [], [], None
    for line in data.split(b"\n"):
        if line == b"cadenas/key-succession/v1":
            note = []
        if note is not None:
            note.append(line)
            if line.startswith("— ".encode()):
                notes.append(b"\n".join(note) + b"\n")
                note = None
        elif line.startswith(b"cadenas/"):
            keys.append(Key(line.decode()))
    return keys, notes


def follow(keys, notes):
    """The trusted keys, and those that they lead to."""
    trusted = list(keys)
    for _ in notes:
        for note in notes:
            text = note.partition(b"\n\n")[0].decode().split("\n")
            old, new = (Key(line.split(" ")[2]) for line in text[2:4])
            if any(old.bytes == key.bytes for key in trusted) and not any(
                new.bytes == key.bytes for key in trusted
            ):
                verify_note(note, [old])
                trusted.append(new)
    return trusted


# What is checked


def tile_path(level, index, width):
    text = f"{index % 1000:03d}"
    while index >= 1000:
        index //= 1000
        text = f"x{index % 1000:03d}/{text}"
    return f"tile/{level}/{text}" + (f".p/{width}" if width < 256 else "")


def tiles(tree, size):
    level, count = 0, size
    while count:
        width = 256**level
        for index in range((count + 255) // 256):
            here = range(index * 256, min(count, index * 256 + 256))
            yield (
                tile_path(level, index, len(here)),
                b"".join(tree.root(node * width, (node + 1) * width) for node in here),
            )
        level, count = level + 1, count // 256


def check_export(directory, trusted):
    _, notes = read_keys(f"{directory}/keys.txt")
    keys = follow(trusted, notes)

    def file(name):
        with open(f"{directory}/{name}", "rb") as opened:
            return opened.read()

    size, root = read_checkpoint(file("checkpoint"), keys)
    lines = file("entries.jsonl").split(b"\n")
    if lines.pop() != b"" or len(lines) != size:
        fail(f"there are {len(lines)} lines and {size} entries")
    leaves, hidden, told = [], [], None
    for index, line in enumerate(lines):
        value = json.loads(line)
        if isinstance(value, str):
            leaves.append(base64.b64decode(value, validate=True))
            hidden.append(index)
            continue
        if value["seq"] != index:
            fail(f"entry {index} says another sequence")
        leaves.append(leaf_hash(line))
        if value["operation"] == "audit.archive" and value.get("reason", "").startswith("below="):
            told = dict(word.split("=") for word in value["reason"].split(" "))
    if hidden:
        check_archive(lines, leaves, hidden, told)
    tree = Tree(leaves)
    if tree.root(0, size) != root:
        fail("the root is another one")
    for name in os.listdir(f"{directory}/checkpoints") if size > 1 else []:
        old, old_root = read_checkpoint(file(f"checkpoints/{name}"), keys)
        if str(old) != name or tree.root(0, old) != old_root:
            fail(f"the checkpoint of {name} entries is of another log")
    for name, content in tiles(tree, size):
        if file(name) != content:
            fail(f"{name} is another one")
    print(f"{size} entries, {len(hidden)} archived")


def check_archive(lines, leaves, hidden, told):
    clients = ["tokenize", "detokenize", "delete", "request", "refusals"]
    if told is None or hidden[-1] >= int(told["below"]):
        fail("lines are missing that no entry tells were archived")
    count, digest = 0, bytes(32)
    for line, leaf in list(zip(lines, leaves))[: int(told["below"])]:
        value = json.loads(line)
        if isinstance(value, dict) and value["operation"] not in clients:
            count, digest = count + 1, node_hash(digest, leaf)
    if (str(count), digest.hex()) != (told["kept"], told["digest"]):
        fail("other lines are missing than were archived")


def read_proof(data, title):
    head, _, note = data.partition(b"\n\n")
    lines = head.decode().split("\n")
    if title and lines.pop(0) != title:
        fail("it is no proof")
    values = {}
    while lines and " " in lines[0]:
        name, value = lines.pop(0).split(" ")
        values[name] = value
    return values, [base64.b64decode(line, validate=True) for line in lines], note


def check_entries(path, keys):
    title = "c2sp.org/tlog-proof@v1"
    with open(path, "rb") as file:
        proofs = file.read().split(title.encode() + b"\n")
    for number, proof in enumerate(proofs[1:], 1):
        proof = proof if number == len(proofs) - 1 else proof[:-1]
        values, hashes, note = read_proof(title.encode() + b"\n" + proof, title)
        size, root = read_checkpoint(note, keys)
        line = base64.b64decode(values["extra"], validate=True)
        index = int(values["index"])
        if root_of_path(leaf_hash(line), index, size, hashes) != root:
            fail(f"entry {index} is not in the tree")
        print(line.decode())


def check_growth(path, since, keys):
    with open(path, "rb") as file:
        values, hashes, note = read_proof(file.read(), None)
    with open(since, "rb") as file:
        old, old_root = read_checkpoint(file.read(), keys)
    size, root = read_checkpoint(note, keys)
    if int(values["old"]) != old:
        fail("the proof goes on from another checkpoint")
    if roots_of_growth(old, size, hashes, old_root) != (old_root, root):
        fail("the log does not go on from the checkpoint")
    print(f"{size} entries go on from {old}")


# What is made


def make(directory, size):
    secret = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    public = b"\x01" + secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    name = "cadenas/000102030405060708090a0b0c0d0e0f"
    key_hash = hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]

    def checkpoint(tree, size):
        root = base64.b64encode(tree.root(0, size)).decode()
        text = f"{name}\n{size}\n{root}\n"
        signature = base64.b64encode(key_hash + secret.sign(text.encode())).decode()
        return f"{text}\n— {name} {signature}\n"

    def write(path, content):
        path = f"{directory}/{path}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())

    lines = [
        json.dumps(
            {"seq": index, "time": "2026-11-23T18:43:25.123Z", "actor": "system",
             "operation": "tokenize", "token": f"é{index}", "outcome": "created"},
            separators=(",", ":"), ensure_ascii=False).encode()
        for index in range(size)
    ]
    tree = Tree([leaf_hash(line) for line in lines])
    old, index = max(1, size * 2 // 3), size // 3
    newest = checkpoint(tree, size)
    write("key", f"{name}+{key_hash.hex()}+{base64.b64encode(public).decode()}\n")
    write("keys.txt", f"{name}+{key_hash.hex()}+{base64.b64encode(public).decode()}\n")
    write("checkpoint", newest)
    write(f"checkpoints/{old}", checkpoint(tree, old))
    write("entries.jsonl", b"".join(line + b"\n" for line in lines))
    for path, content in tiles(tree, size):
        write(path, content)

    def hashes(proof):
        return "".join(base64.b64encode(hash_).decode() + "\n" for hash_ in proof)

    extra = base64.b64encode(lines[index]).decode()
    write("entry.proof", f"c2sp.org/tlog-proof@v1\nextra {extra}\nindex {index}\n"
          + hashes(tree.path(index, 0, size)) + "\n" + newest)
    write("growth.proof", f"old {old}\n{hashes(tree.growth(old, 0, size))}\n{newest}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["export", "entry", "growth", "make"])
    parser.add_argument("path")
    parser.add_argument("size", nargs="?", type=int)
    parser.add_argument("--key")
    parser.add_argument("--since")
    arguments = parser.parse_args()
    if arguments.what == "make":
        return make(arguments.path, arguments.size)
    keys, notes = read_keys(arguments.key)
    if arguments.what == "export":
        return check_export(arguments.path, keys)
    keys = follow(keys, notes)
    if arguments.what == "entry":
        return check_entries(arguments.path, keys)
    check_growth(arguments.path, arguments.since, keys)


if __name__ == "__main__":
    main()
