#!/usr/bin/env python3
"""Writes the golden files about custodians: custodian-set.txt and sealed-share.txt here, and a share's
text in the tests of the keyring. From the page "Data files" alone and without a line of the program;
they freeze version 1. Needs pyca/cryptography and argon2-cffi."""
import hashlib
import pathlib
import struct

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HERE = pathlib.Path(__file__).parent
TEXT = HERE.parent.parent / "KeyringTests" / "Golden" / "custodian-2.share"
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def xaes_seal(key, nonce, plaintext, associated_data):
    """XAES-256-GCM (C2SP): two one-block CMACs give the key of AES-256-GCM."""
    ecb = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    double = int.from_bytes(ecb.update(bytes(16)), "big") << 1
    k1 = ((double & (1 << 128) - 1) ^ (0x87 if double >> 128 else 0)).to_bytes(16, "big")
    derived = b""
    for counter in (1, 2):
        block = bytes([0, counter]) + b"X\0" + nonce[:12]
        derived += ecb.update(bytes(a ^ b for a, b in zip(block, k1)))
    return AESGCM(derived).encrypt(nonce[12:], plaintext, associated_data)


def prefixed(text):
    return bytes([len(text)]) + text.encode()


def commitment(key_id, x, share):
    return hashlib.sha256(b"cadenas/share/v1" + key_id + bytes([x]) + share).digest()


def custodian_set(key_id, check_value, created, threshold, vault, names):
    shares = [hashlib.sha256(name.encode()).digest() for name in names]
    commitments = [commitment(key_id, x, share) for x, share in enumerate(shares, 1)]
    row = (b"\1" + key_id + check_value + struct.pack(">QBB", created, threshold, len(names))
           + prefixed(vault))
    for name, value in zip(names, commitments):
        row += prefixed(name) + value
    entry = {"key id": key_id, "check value": check_value, "created": created,
             "threshold": threshold, "vault": vault, "count": len(names)}
    for x, (name, share) in enumerate(zip(names, shares), 1):
        entry[f"name {x}"] = name
        entry[f"share {x}"] = share
    entry["row"] = row
    return entry


def sealed_share(key_id, check_value, created, x, threshold, count, vault, custodian, passphrase,
                 passes, memory, salt, nonce, share):
    clear = (b"\1" + key_id + bytes([x, threshold, count, passes]) + memory.to_bytes(3, "big")
             + salt)
    binding = (b"cadenas/custodian-share/v1" + clear + check_value + struct.pack(">Q", created)
               + prefixed(vault) + prefixed(custodian))
    key = hash_secret_raw(passphrase, salt, passes, memory, 1, 32, Type.ID)
    return {"key id": key_id, "check value": check_value, "created": created, "coordinate": x,
            "threshold": threshold, "count": count, "vault": vault, "custodian": custodian,
            "passphrase": passphrase, "passes": passes, "memory KiB": memory, "salt": salt,
            "nonce": nonce, "share": share,
            "sealed": clear + nonce + xaes_seal(key, nonce, share, binding)}


def line_check(line):
    """CRC-15/CAN as a division of polynomials, and its three digits."""
    remainder = int.from_bytes(line.encode(), "big") << 15
    for bit in range(remainder.bit_length() - 1, 14, -1):
        if remainder >> bit & 1:
            remainder ^= 0xC599 << (bit - 15)
    return "".join(ALPHABET[remainder >> shift & 31] for shift in (10, 5, 0))


def field_product(a, b):
    """In GF(32) modulo x^5 + x^2 + 1."""
    product = 0
    for bit in range(5):
        if b >> bit & 1:
            product ^= a << bit
    for bit in range(8, 4, -1):
        if product >> bit & 1:
            product ^= 0b100101 << (bit - 5)
    return product


def group(digits, place):
    check, weight = place, 1
    for digit in digits:
        weight = field_product(weight, 2)
        check ^= field_product(weight, digit)
    return "".join(ALPHABET[digit] for digit in digits + [check])


def share_text(entry, created):
    """The lines of a share, without what is only there to be read by people."""
    lines = [("format", "cadenas-share-1"), ("vault", entry["vault"]),
             ("key", entry["key id"].hex()), ("check value", entry["check value"].hex().upper()),
             ("custodian", entry["custodian"]),
             ("share", f"{entry['coordinate']} of {entry['count']}"),
             ("threshold", str(entry["threshold"])), ("created", created)]
    text = "".join(f"{name}: {value} {line_check(f'{name}: {value}')}\n" for name, value in lines)
    number = int.from_bytes(entry["sealed"], "big")
    digits = [number >> shift & 31 for shift in range(795, -1, -5)]
    groups = [group(digits[place * 5:place * 5 + 5], place) for place in range(32)]
    for line in range(4):
        text += f"line {line + 1}: " + " ".join(groups[line * 8:line * 8 + 8]) + "\n"
    return text


def write(name, heading, entries):
    lines = [f"# {heading}", "# Binary values are hexadecimal. An empty value means none."]
    for entry in entries:
        lines.append("")
        for key, value in entry.items():
            value = value.hex() if isinstance(value, bytes) else str(value)
            lines.append(f"{key}: {value}".rstrip())
    (HERE / name).write_text("\n".join(lines) + "\n")


def ascending(first, count):
    return bytes((first + index) & 0xFF for index in range(count))


def main():
    key_id, check_value = bytes.fromhex("0a1b2c3d"), bytes.fromhex("a1b2c3d4e5")
    created = 1795459405123
    write("custodian-set.txt", "Sets of custodians, version 1.", [
        custodian_set(key_id, check_value, created, 3, "demo-vault",
                      [f"custodian-{x}" for x in range(1, 6)]),
        custodian_set(bytes.fromhex("ffffffff"), bytes(5), 0, 15, "V",
                      [chr(0x61 + x) * 64 for x in range(15)]),
        custodian_set(bytes.fromhex("00000001"), bytes(5), 2**64 - 1, 2, "a vault with 2",
                      ["x", "Y.z_0-9 A"]),
    ])
    shares = [
        sealed_share(key_id, check_value, created, 2, 3, 5, "demo-vault", "custodian-2",
                     b"correct horse battery staple", 2, 64 << 10, ascending(0x20, 16),
                     ascending(0x40, 24), ascending(0, 32)),
        sealed_share(bytes.fromhex("ffffffff"), bytes(5), 0, 15, 15, 15, "V" * 64, "c" * 64,
                     ascending(0, 1024), 3, 80 << 10, bytes(16), bytes(24), bytes(32)),
    ]
    write("sealed-share.txt", "Sealed shares, version 1.", shares)
    TEXT.write_text(share_text(shares[0], "2026-11-23T18:43:25.123Z"))


main()
