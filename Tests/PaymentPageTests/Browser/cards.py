"""Numbers of test cards, as each brand has them."""

import itertools
import random

# First digits and length; all in deploy/brands.yaml.
KINDS = {
    "cb_visa": ("497010", 16),
    "cb_mastercard": ("513181", 16),
    "visa": ("411111", 16),
    "visa_electron": ("491730", 16),
    "mastercard": ("555555", 16),
    "maestro": ("675964", 19),
    "amex": ("378282", 15),
}
# What the form calls them.
NAMES = {
    "cb": "CB", "visa": "Visa", "visa_electron": "Visa Electron", "mastercard": "Mastercard",
    "maestro": "Maestro", "amex": "American Express",
}
EXPIRY = "03/29"

_used = set()
_codes = itertools.count(random.randrange(1_000))


def luhn(digits):
    """The digit that completes a number."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit)
        if place % 2 == 0:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return str(-total % 10)


def card(kind="cb_visa"):
    """A number that no test has had."""
    prefix, length = KINDS[kind]
    while True:
        middle = "".join(random.choice("0123456789") for _ in range(length - len(prefix) - 1))
        number = prefix + middle
        number += luhn(number)
        if number not in _used:
            _used.add(number)
            return number


def code(kind="cb_visa"):
    """A security code, with leading zeros now and then."""
    digits = 4 if kind == "amex" else 3
    return str(next(_codes) % 10 ** digits).zfill(digits)
