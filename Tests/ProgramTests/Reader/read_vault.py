#!/usr/bin/env python3
"""Reads a vault's store from outside: with the key file, or with custodians' shares and passphrases,
it opens the keyring and every card, and prints them as JSON.

Written from the page "Data files" of the documentation alone, without a line of the program, so that
whoever has their keys can leave. What the page says a reader refuses, this one refuses.

    read_vault.py STORE --kek 0a1b2c3d.kek
    read_vault.py STORE --share a.share --share b.share < passphrases, one a line

A store whose vault was killed is read with its journal, and neither file is changed. With --log FILE the
entries of the audit log go to FILE, one a line.

Needs pyca/cryptography, argon2-cffi and lmdb.
"""
import argparse
import hashlib
import json
import pathlib
import re
import sys
from datetime import datetime, timedelta, timezone

import lmdb
from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

# Nothing is left beside the program.
sys.dont_write_bytecode = True
from fields import Bytes, Refused, require  # noqa: E402
from journal import REMOVED, TABLES, read_journal  # noqa: E402

ROLES = {1: "kek", 2: "data", 3: "fingerprint", 4: "audit"}
STATES = {1: "active", 2: "deactivated", 3: "compromised", 4: "destroying", 5: "destroyed"}
TOKEN_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
SHARE_DIGITS = TOKEN_DIGITS.upper()
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


# The cipher

def xaes_open(key, nonce, sealed, associated_data):
    ecb = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    shifted = int.from_bytes(ecb.update(bytes(16)), "big") << 1
    k1 = (shifted & (1 << 128) - 1) ^ (0x87 if shifted >> 128 else 0)
    message_key = b""
    for i in (1, 2):
        block = b"\0" + bytes([i]) + b"X\0" + nonce[:12]
        message_key += ecb.update((int.from_bytes(block, "big") ^ k1).to_bytes(16, "big"))
    try:
        return AESGCM(message_key).decrypt(nonce[12:], sealed, associated_data)
    except Exception:
        raise Refused("does not open") from None


def check_value(key):
    cmac = CMAC(algorithms.AES(key))
    cmac.update(bytes(16))
    return cmac.finalize()[:5]


def signing_check_value(seed):
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    return hashlib.sha256(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).digest()[:5]


# Custodians

def field_product(a, b, modulus, bits):
    product = 0
    for bit in range(bits):
        if b >> bit & 1:
            product ^= a << bit
    for bit in range(2 * bits - 2, bits - 1, -1):
        if product >> bit & 1:
            product ^= modulus << (bit - bits)
    return product


def gf256(a, b):
    return field_product(a, b, 0x11B, 8)


def gf256_inverse(a):
    return next(b for b in range(1, 256) if gf256(a, b) == 1)


def rebuild(shares):
    """The secret of {coordinate: share}."""
    secret = bytearray(32)
    for x_i, share in shares.items():
        weight = 1
        for x_j in shares:
            if x_j != x_i:
                weight = gf256(weight, gf256(x_j, gf256_inverse(x_j ^ x_i)))
        for index, byte in enumerate(share):
            secret[index] ^= gf256(byte, weight)
    return bytes(secret)


def read_custodians(row):
    fields = Bytes(row)
    require(fields.number(1) == 1, "custodians of another version")
    custodians = {"key": fields.take(4), "check value": fields.take(5), "created": fields.number(8),
                  "threshold": fields.number(1)}
    count = fields.number(1)
    require(2 <= custodians["threshold"] <= count <= 15, "threshold out of bounds")
    custodians["vault"] = fields.text()
    custodians["of"] = {x: (fields.text(), fields.take(32)) for x in range(1, count + 1)}
    fields.end()
    return custodians


def digit(character):
    character = {"O": "0", "I": "1", "L": "1"}.get(character.upper(), character.upper())
    require(character in SHARE_DIGITS, f"{character!r} is no digit of a share")
    return SHARE_DIGITS.index(character)


def line_check(text):
    remainder = 0
    for byte in text.encode("ascii"):
        for bit in range(7, -1, -1):
            top = remainder >> 14 & 1 ^ byte >> bit & 1
            remainder = remainder << 1 & 0x7FFF ^ (0x4599 if top else 0)
    return [remainder >> 10, remainder >> 5 & 31, remainder & 31]


def read_groups(lines):
    value = 0
    place = 0
    for number in range(1, 5):
        characters = re.sub(r"[\s-]", "", lines[f"line{number}"])
        require(len(characters) == 48, f"line {number} does not have 48 characters")
        for start in range(0, 48, 6):
            digits = [digit(character) for character in characters[start:start + 6]]
            check, weight = place, 1
            for one in digits[:5]:
                weight = field_product(weight, 2, 0b100101, 5)
                check ^= field_product(one, weight, 0b100101, 5)
                value = value << 5 | one
            require(check == digits[5], f"group {start // 6 + 1} of line {number} is mistyped")
            place += 1
    return value.to_bytes(100, "big")


def read_share(path):
    """The header's facts and the 100 bytes of a share's text."""
    lines = {}
    for line in path.read_text("ascii").splitlines():
        if line.strip() and not line.strip().startswith("#"):
            name, _, value = line.partition(":")
            name = re.sub(r"\s", "", name).lower()
            require(name not in lines, f"{name} stands there twice")
            lines[name] = value
    sealed = read_groups(lines)
    header = {}
    for name in ("format", "vault", "key", "check value", "custodian", "share", "threshold", "created"):
        *words, check = lines[name.replace(" ", "")].split()
        header[name] = " ".join(words)
        require([digit(character) for character in check] == line_check(f"{name}: {header[name]}"),
                f"{name} is mistyped")
    require(header["format"] == "cadenas-share-1", "a share of another format")
    return header, sealed


def open_share(path, passphrase):
    """Who holds a share, its coordinate, and the share in clear."""
    header, sealed = read_share(path)
    fields = Bytes(sealed)
    require(fields.number(1) == 1, "a share of another version")
    key, x, threshold, count = fields.take(4), fields.number(1), fields.number(1), fields.number(1)
    passes, memory = fields.number(1), fields.number(3)
    require(2 <= passes <= 16 and 65536 <= memory <= 1048576, "a cost out of bounds")
    salt, nonce = fields.take(16), fields.take(24)
    require((header["key"], header["share"], header["threshold"])
            == (key.hex(), f"{x} of {count}", str(threshold)), "header and groups differ")
    made = datetime.strptime(header["created"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    created = (made - EPOCH) // timedelta(milliseconds=1)
    binding = (b"cadenas/custodian-share/v1" + sealed[:28] + bytes.fromhex(header["check value"])
               + created.to_bytes(8, "big"))
    for name in (header["vault"], header["custodian"]):
        binding += bytes([len(name)]) + name.encode("ascii")
    derived = hash_secret_raw(passphrase, salt, passes, memory, 1, 32, Type.ID)
    return header["custodian"], x, xaes_open(derived, nonce, fields.data, binding)


def kek_of_custodians(row, shares, passphrases):
    custodians = read_custodians(row)
    opened = {}
    for path, passphrase in zip(shares, passphrases, strict=True):
        name, x, share = open_share(path, passphrase)
        known, commitment = custodians["of"][x]
        made = hashlib.sha256(b"cadenas/share/v1" + custodians["key"] + bytes([x]) + share).digest()
        require(name == known and made == commitment, f"the share of {name} is not the one made")
        opened[x] = share
    require(len(opened) >= custodians["threshold"], "more shares are needed")
    kek = rebuild(opened)
    require(check_value(kek) == custodians["check value"], "the shares rebuild another key")
    return kek


# The store

class Tables:
    """The tables of `cards.mdb`, with what the journal has beyond them."""

    def __init__(self, directory, environment, transaction):
        self.environment, self.transaction = environment, transaction
        self.changed = {name: {} for name in TABLES}
        self.frames = []
        store_format = self.get("meta", b"format")
        require(store_format in (b"\1", b"\2"), "a store of another format")
        if store_format == b"\2":
            self.frames = read_journal(directory / "cards.journal", self.get("meta", b"journal"))
        for changes in self.frames:
            for table, kind, key, value in changes:
                self.changed[table][key] = None if kind == REMOVED else value

    def database(self, table):
        return self.environment.open_db(table.encode(), self.transaction, create=False)

    def get(self, table, key, default=None):
        if key in self.changed[table]:
            value = self.changed[table][key]
        else:
            value = self.transaction.get(key, db=self.database(table))
        return default if value is None else value

    def rows(self, table):
        """Key and value of each row, in the order of the keys."""
        rows = dict(self.transaction.cursor(self.database(table))) | self.changed[table]
        return [(key, rows[key]) for key in sorted(rows) if rows[key] is not None]


def read_keyring(blob, store, kek):
    """The keys by their ids."""
    fields = Bytes(blob)
    version = fields.number(1)
    require(version in (1, 2), "a keyring of another version")
    header = fields.take(12)
    nonce = fields.take(24)
    plaintext = Bytes(xaes_open(kek, nonce, fields.data,
                                b"cadenas/keyring/v%d" % version + store + header))
    keys = {}
    for _ in range(plaintext.number(2)):
        identifier = plaintext.take(4)
        require(identifier not in keys, "a key occurs twice")
        key = {"role": ROLES[plaintext.number(1)], "state": STATES[plaintext.number(1)]}
        if version == 2:
            plaintext.take(1 + 5 * 8 + 4)
            key["check value"] = plaintext.take(5)
        else:
            plaintext.take(3 * 8)
        key["material"] = plaintext.take(plaintext.number(1))
        keys[identifier] = key
        if key["material"] and key.get("check value", bytes(5)) != bytes(5):
            compute = signing_check_value if key["role"] == "audit" else check_value
            require(compute(key["material"]) == key["check value"], "a check value differs")
    plaintext.end()
    active = [i for i, key in keys.items() if key["role"] == "kek" and key["state"] == "active"]
    require(active == [header[:4]], "the KEK of the header is not the active one")
    return keys


def padded(fields, size):
    """A field of the given size: its text."""
    text = fields.text()
    require(len(text) <= size and not any(fields.take(size - len(text))), "padding is not zero")
    return text


def token_text(token):
    value = int.from_bytes(token, "big")
    return "tok_" + "".join(TOKEN_DIGITS[value >> 5 * place & 31] for place in range(25, -1, -1))


def open_card(token, record, keys):
    require(len(token) == 16 and len(record) == 161, "a record of another length")
    fields = Bytes(record)
    require(fields.number(1) == 1, "a record of another version")
    key, merchant = fields.take(4), fields.number(4)
    nonce = fields.take(24)
    card = Bytes(xaes_open(keys[key]["material"], nonce, fields.data, record[:9] + token))
    opened = {"token": token_text(token), "merchant": merchant, "key": key.hex(),
              "number": padded(card, 19), "exp_month": card.number(1), "exp_year": card.number(2)}
    require(card.number(1) <= 1, "a flag that is not listed")
    opened["preferred_brand"] = padded(card, 15)
    opened["customer"] = padded(card, 64)
    require(not any(card.take(7)), "padding is not zero")
    card.end()
    return opened


def read_log(tables):
    """The entries that are not archived."""
    entries = {int.from_bytes(sequence, "big"): entry for sequence, entry in tables.rows("audit")}
    leaves = 0
    for first, hashes in tables.rows("leaves"):
        require(len(hashes) % 32 == 0, "leaves of another length")
        for place in range(len(hashes) // 32):
            sequence = int.from_bytes(first, "big") + place
            leaves += sequence in entries
            made = hashlib.sha256(b"\0" + entries.get(sequence, b"")).digest()
            require(sequence not in entries or hashes[32 * place:32 * place + 32] == made, "a leaf differs")
    require(leaves == len(entries), "an entry has no leaf")
    return entries.values()


def read_vault(directory, kek_path, shares, passphrases, log_path=None):
    environment = lmdb.open(str(directory / "cards.mdb"), subdir=False, readonly=True, lock=False,
                            max_dbs=16)
    with environment.begin() as transaction:
        tables = Tables(directory, environment, transaction)
        store = tables.get("meta", b"store")
        blob = tables.get("keyring", b"keyring")
        if kek_path:
            kek = kek_path.read_bytes()
            require(kek_path.name == blob[1:5].hex() + ".kek" and len(kek) == 32, "another key file")
        else:
            row = tables.get("keyring", b"custodians")
            require(row and row[1:5] == blob[1:5], "no custodians hold this key")
            kek = kek_of_custodians(row, shares, passphrases)
        keys = read_keyring(blob, store, kek)
        cards = [open_card(token, record, keys) for token, record in tables.rows("cards")]
        for identifier, key in keys.items():
            if key["role"] == "data":
                count = sum(card["key"] == identifier.hex() for card in cards)
                tally = tables.get("meta", b"cards/" + identifier, bytes(8))
                require(int.from_bytes(tally, "big") == count, "a count of cards differs")
        if log_path:
            log_path.write_bytes(b"".join(entry + b"\n" for entry in read_log(tables)))
    return {"store": store.hex(), "kek": blob[1:5].hex(), "kek_check_value": check_value(kek).hex().upper(),
            "keys": [{"id": identifier.hex(), "role": key["role"], "state": key["state"]}
                     for identifier, key in keys.items()],
            "frames": len(tables.frames), "cards": cards}


def main():
    parser = argparse.ArgumentParser(description="Reads a vault's store from outside.")
    parser.add_argument("store", type=pathlib.Path)
    parser.add_argument("--kek", type=pathlib.Path)
    parser.add_argument("--log", type=pathlib.Path)
    parser.add_argument("--share", type=pathlib.Path, action="append", default=[])
    arguments = parser.parse_args()
    if bool(arguments.kek) == bool(arguments.share):
        parser.error("name either a key file or shares")
    passphrases = sys.stdin.buffer.read().splitlines() if arguments.share else []
    try:
        print(json.dumps(read_vault(
            arguments.store, arguments.kek, arguments.share, passphrases, arguments.log)))
    except Refused as error:
        sys.exit(f"refused: {error}")


if __name__ == "__main__":
    main()
