#!/usr/bin/env python3
"""Makes the golden signed notes of AuditLogTests from C2SP signed-note, independently of the Swift
code. Run it again only for new cases. Needs pyca/cryptography."""
import base64
import hashlib
import pathlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HERE = pathlib.Path(__file__).parent


class Signer:
    def __init__(self, name, seed):
        self.name, self.seed = name, seed
        self.key = Ed25519PrivateKey.from_private_bytes(seed)
        public = b"\x01" + self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.hash = hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]
        self.verifier_key = f"{name}+{self.hash.hex()}+{base64.b64encode(public).decode()}"

    def line(self, text):
        signature = base64.b64encode(self.hash + self.key.sign(text.encode())).decode()
        return f"\u2014 {self.name} {signature}\n"


def entry(text, *signers):
    note = text + "\n" + "".join(signer.line(text) for signer in signers)
    values = {"text": text.encode(), "note": note.encode()}
    for number, signer in enumerate(signers):
        values[f"seed {number}"] = signer.seed
        values[f"name {number}"] = signer.name.encode()
        values[f"verifier key {number}"] = signer.verifier_key.encode()
    return values


def ascending(first):
    return bytes((first + index) & 0xFF for index in range(32))


def main():
    log = Signer("cadenas/0102030405060708090a0b0c0d0e0f10", ascending(0))
    witness = Signer("witness.example/\u00e9t\u00e9", ascending(0x80))
    entries = [
        entry("cadenas/0102030405060708090a0b0c0d0e0f10\n7\n"
              "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", log),
        entry("one line\n", log, witness),
        entry("an empty line\n\nand \u2014 a dash\n\n", witness),
        entry("\n", log),
    ]
    lines = ["# Signed notes: text and note, seeds, names and verifier keys of the signers.",
             "# Every value is hexadecimal."]
    for values in entries:
        lines.append("")
        lines += [f"{key}: {value.hex()}" for key, value in values.items()]
    (HERE / "signed-notes.txt").write_text("\n".join(lines) + "\n")


main()
