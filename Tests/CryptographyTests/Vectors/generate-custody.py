#!/usr/bin/env python3
"""Writes secret-sharing.txt and argon2id.txt next to it, without a line of the program.

The field's products are polynomials, multiplied and divided as on paper; Argon2id is the reference
implementation. Needs argon2-cffi."""
import hashlib
import itertools
import pathlib

from argon2.low_level import Type, hash_secret_raw

HERE = pathlib.Path(__file__).parent


def multiply(a, b):
    """A product in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1."""
    product = 0
    for bit in range(8):
        if b >> bit & 1:
            product ^= a << bit
    for bit in range(14, 7, -1):
        if product >> bit & 1:
            product ^= 0x11B << (bit - 8)
    return product


def power(a, n):
    result = 1
    for _ in range(n):
        result = multiply(result, a)
    return result


def share(secret, coefficients, x):
    """The values at x: secret + first * x + second * x^2 + …, byte by byte."""
    size = len(secret)
    values = bytearray(secret)
    for degree in range(1, len(coefficients) // size + 1):
        row = coefficients[(degree - 1) * size:degree * size]
        for index in range(size):
            values[index] ^= multiply(row[index], power(x, degree))
    return bytes(values)


def noise(label, count):
    """Bytes that look random and are the same at each run."""
    return hashlib.shake_256(label.encode()).digest(count)


def write(name, heading, vectors):
    lines = [f"# {heading}", "# Made by generate-custody.py. Hexadecimal."]
    for vector in vectors:
        lines.append("")
        lines += [f"{key}: {value.hex()}" for key, value in vector.items()]
    (HERE / name).write_text("\n".join(lines) + "\n")


def sharing():
    for threshold, count, size in [(2, 2, 1), (2, 3, 32), (3, 5, 32), (5, 9, 16), (12, 15, 32),
                                   (15, 15, 32)]:
        name = f"{threshold} of {count}"
        secret = noise("secret " + name, size)
        coefficients = noise("coefficients " + name, (threshold - 1) * size)
        vector = {"threshold": bytes([threshold]), "count": bytes([count]), "secret": secret,
                  "coefficients": coefficients}
        for x in range(1, count + 1):
            vector[f"share {x}"] = share(secret, coefficients, x)
        yield vector


def argon2id():
    for passphrase, salt, passes, memory, size in itertools.chain(
            [(b"correct horse battery staple", bytes(range(16)), 1, 8, 32),
             (b"correct horse battery staple", bytes(range(16)), 3, 1024, 32),
             (b"x", b"\xff" * 16, 2, 65536, 32),
             (noise("passphrase", 1024), noise("salt", 16), 4, 256, 64)]):
        yield {"passphrase": passphrase, "salt": salt, "passes": bytes([passes]),
               "memory KiB": memory.to_bytes(4, "big"),
               "key": hash_secret_raw(passphrase, salt, passes, memory, 1, size, Type.ID)}


write("secret-sharing.txt", "Shamir's secret sharing over GF(2^8) modulo 0x11B.", sharing())
write("argon2id.txt", "Argon2id, version 1.3, one lane.", argon2id())
