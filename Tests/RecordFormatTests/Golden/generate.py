#!/usr/bin/env python3
"""Writes the golden files next to it, from the page "Data files" alone and without a line of the
program. They freeze version 1: run this again only for a new version. Needs pyca/cryptography."""
import hashlib
import hmac
import pathlib
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HERE = pathlib.Path(__file__).parent
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


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


def type_id(text):
    """The 16 bytes of a token or payment id."""
    value = 0
    for character in text[4:]:
        value = value << 5 | ALPHABET.index(character)
    return value.to_bytes(16, "big")


def field(text, size):
    return bytes([len(text)]) + text.encode().ljust(size, b"\0")


def write(name, heading, entries):
    lines = [f"# {heading}", "# Binary values are hexadecimal. An empty value means none."]
    for entry in entries:
        lines.append("")
        for key, value in entry.items():
            value = value.hex() if isinstance(value, bytes) else str(value)
            lines.append(f"{key}: {value}".rstrip())
    (HERE / name).write_text("\n".join(lines) + "\n")


def card(key, key_id, merchant, token, nonce, number, month, year, deduplicated, brand, customer):
    plaintext = (field(number, 19) + struct.pack(">BHB", month, year, deduplicated)
                 + field(brand, 15) + field(customer, 64)).ljust(112, b"\0")
    header = struct.pack(">B4sI", 1, key_id, merchant)
    sealed = xaes_seal(key, nonce, plaintext, header + type_id(token))
    return {"key": key, "key id": key_id, "merchant": merchant, "token": token, "nonce": nonce,
            "number": number, "month": month, "year": year, "deduplicated": deduplicated,
            "preferred brand": brand, "customer": customer, "plaintext": plaintext,
            "record": header + nonce + sealed}


def keyring(key, key_id, store, generation, nonce, keys):
    plaintext = struct.pack(">H", len(keys))
    entry = {"key": key, "key id": key_id, "store": store, "generation": generation,
             "nonce": nonce}
    for number, (identifier, role, state, created, period, deactivated, material) in enumerate(keys):
        plaintext += struct.pack(">4sBBQQQB", identifier, role, state, created, period,
                                 deactivated, len(material)) + material
        entry[f"entry {number}"] = " ".join(
            [identifier.hex(), str(role), str(state), str(created), str(period), str(deactivated),
             material.hex()])
    header = struct.pack(">B4sQ", 1, key_id, generation)
    binding = b"cadenas/keyring/v1" + store + header[1:]
    entry["plaintext"] = plaintext
    entry["blob"] = header + nonce + xaes_seal(key, nonce, plaintext, binding)
    return entry


def keyring_v2(key, key_id, store, generation, nonce, keys):
    plaintext = struct.pack(">H", len(keys))
    entry = {"key": key, "key id": key_id, "store": store, "generation": generation,
             "nonce": nonce}
    for number, (*fields, successor, check_value, material) in enumerate(keys):
        plaintext += (struct.pack(">4sBBBQQQQQ", *fields) + successor + check_value
                      + bytes([len(material)]) + material)
        entry[f"entry {number}"] = " ".join(
            [fields[0].hex()] + [str(field) for field in fields[1:]]
            + [successor.hex(), check_value.hex(), material.hex()])
    header = struct.pack(">B4sQ", 2, key_id, generation)
    binding = b"cadenas/keyring/v2" + store + header[1:]
    entry["plaintext"] = plaintext
    entry["blob"] = header + nonce + xaes_seal(key, nonce, plaintext, binding)
    return entry


def row(key, row_key, digest_key, digest, expires, payment, token, status, data_key, nonce, answer):
    is_done = status != 0
    header = (struct.pack(">BB4s", 1, 2 if is_done else 1, digest_key) + digest
              + struct.pack(">Q", expires) + (type_id(payment) if payment else bytes(16))
              + (type_id(token) if token else bytes(16)) + struct.pack(">H4s", status, data_key))
    sealed = xaes_seal(key, nonce, answer.encode(), row_key + header) if is_done else b""
    return {"key": key, "row key": row_key, "digest key id": digest_key, "request digest": digest,
            "expires": expires, "payment": payment, "token": token, "status": status,
            "data key id": data_key, "nonce": nonce, "answer": answer,
            "row": header + nonce + sealed}


def fingerprint(key, merchant, customer, number):
    message = (b"cadenas/fp/v1" + struct.pack(">I", merchant) + bytes([len(customer)])
               + customer.encode() + bytes([len(number)]) + number.encode())
    return {"key": key, "merchant": merchant, "customer": customer, "number": number,
            "message": message, "fingerprint": hmac.digest(key, message, hashlib.sha256)}


def ascending(first, count):
    return bytes((first + index) & 0xFF for index in range(count))


def main():
    key, nonce = ascending(0, 32), ascending(0x40, 24)
    tokens = ["tok_01k9411bg7f9yapvw0q6pm2z1y", "tok_01kbp123wbe7t9q6aag2sa9erz",
              "tok_01kar1fs7qe0cv6rvzpm17phbe"]
    write("card-record.txt", "Card records, version 1.", [
        card(key, bytes.fromhex("0a1b2c3d"), 1, tokens[0], nonce,
             "4970105181818183", 12, 2028, 1, "cb", "c-1042"),
        card(ascending(0x80, 32), bytes.fromhex("fffffffe"), 0xFFFFFFFF, tokens[1],
             ascending(0xF0, 24), "378282246310005", 1, 2000, 0, "", ""),
        card(key, bytes(4), 0, tokens[2], bytes(24),
             "4222222222222", 6, 2099, 1, "x23456789012345", "A.b_c:d-" * 8),
    ])
    write("keyring.txt", "Wrapped keyrings, version 1.", [
        keyring(key, bytes.fromhex("0a1b2c3d"), ascending(0x10, 16), 7, nonce, [
            (bytes.fromhex("0a1b2c3d"), 1, 1, 1795459405123, 31536000, 0, b""),
            (bytes.fromhex("00000001"), 2, 2, 1763923405000, 31536000, 1795459405000,
             ascending(0x20, 32)),
            (bytes.fromhex("00000002"), 2, 1, 1795459405000, 31536000, 0, ascending(0x60, 32)),
            (bytes.fromhex("00000003"), 3, 3, 1, 2, 3, ascending(0xA0, 32)),
            (bytes.fromhex("00000004"), 4, 4, 1, 2, 3, b""),
            (bytes.fromhex("00000005"), 2, 5, 1, 2, 3, b""),
        ]),
        keyring(ascending(0x80, 32), bytes.fromhex("ffffffff"), bytes(16), 2**64 - 1, bytes(24), []),
    ])
    none, check_value = bytes(4), bytes.fromhex("a1b2c3d4e5")
    write("keyring-v2.txt", "Wrapped keyrings, version 2.", [
        keyring_v2(key, bytes.fromhex("0a1b2c3d"), ascending(0x10, 16), 8, nonce, [
            (bytes.fromhex("0a1b2c3d"), 1, 1, 3, 1795459405123, 31536000, 0, 0, 0,
             none, check_value, b""),
            (bytes.fromhex("00000001"), 2, 2, 1, 1763923405000, 31536000, 1795459405000, 0, 0,
             bytes.fromhex("00000002"), check_value, ascending(0x20, 32)),
            (bytes.fromhex("00000002"), 2, 1, 2, 1795459405000, 31536000, 0, 0, 0,
             none, bytes(5), ascending(0x60, 32)),
            (bytes.fromhex("00000003"), 3, 3, 2, 1, 2, 3, 4, 0, none, check_value,
             ascending(0xA0, 32)),
            (bytes.fromhex("00000004"), 4, 4, 1, 1, 2, 3, 0, 0, none, check_value, b""),
            (bytes.fromhex("00000005"), 2, 5, 4, 1, 2, 3, 4, 5, none, check_value, b""),
        ]),
        keyring_v2(ascending(0x80, 32), bytes.fromhex("ffffffff"), bytes(16), 2**64 - 1,
                   bytes(24), []),
    ])
    digest = hashlib.sha256(b"request").digest()
    row_key = hashlib.sha256(b"row").digest()
    payment = "pay_01k9tnxd9gfbjag28j26bekq2w"
    write("idempotency-row.txt", "Idempotency rows, version 1.", [
        row(b"", row_key, bytes.fromhex("00000003"), digest, 1795545805123, payment, tokens[0],
            0, bytes(4), bytes(24), ""),
        row(key, row_key, bytes.fromhex("00000003"), digest, 1795545805123, payment, tokens[0],
            200, bytes.fromhex("00000002"), nonce, '{"outcome":"approved"}'),
        row(key, bytes(32), bytes(4), bytes(32), 0, "", "", 504, bytes(4), nonce, ""),
    ])
    write("fingerprint.txt", "Fingerprints, version 1.", [
        fingerprint(key, 1, "", "4970105181818183"),
        fingerprint(key, 1, "c-1042", "4970105181818183"),
        fingerprint(key, 0xFFFFFFFF, "A.b_c:d-" * 8, "378282246310005"),
    ])


main()
