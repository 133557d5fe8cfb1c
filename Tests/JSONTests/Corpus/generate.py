#!/usr/bin/env python3
"""Writes verdicts.txt: mutated texts, and whether Python's json module, made as strict as
RFC 8259 and DESIGN.md 4 ask, accepts them. Run again only to change the corpus."""
import json
import pathlib
import random

SEEDS = [
    '{"number":"4111111111111111","exp_month":12,"exp_year":2028,"customer":"c-1042"}',
    '{"acquirer":"a","amount":{"value":4990,"currency":"EUR"},"three_ds":{"eci":"05"},"x":null}',
    '[1,-0,0.5,1e9,1E-2,-12.5e+3,true,false,null,"",[],{}]',
    '{"a":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00","é€😀":"é€😀"}',
    '{"a":{"b":{"c":{}}},"b":[[[]]]}',
    ' \t\r\n{ "a" : [ 1 , 2 ] } ',
    '"\\ud83d\\ude00\\u0000\\uFFFF"',
    '{"a":1,"b":2,"c":3}',
]
PIECES = [
    b'"', b'\\', b'{', b'}', b'[', b']', b':', b',', b'-', b'+', b'.', b'e', b'0', b'1', b' ',
    b'\\u', b'\\ud83d', b'\\ude00', b'\\u0061', b'null', b'true', b'NaN', b'\n', b'\x00', b'\x1f',
    b'\x7f', b'\x80', b'\xc0\x80', b'\xed\xa0\x80', b'\xf0\x9f\x98\x80', b'\xef\xbb\xbf', b'"a":1,',
    b',"a":1', b'[[', b']]', b'{"a":', b'1e', b'01', b"'", b'/', b'a', b'b',
]


class Refused(Exception):
    pass


def unique(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise Refused
    return dict(pairs)


def constant(_):
    raise Refused


def check(value, depth=0):
    if isinstance(value, str):
        value.encode("utf-8")  # refuses lone surrogates
    elif isinstance(value, (dict, list)):
        if depth == 4:
            raise Refused
        for item in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(value, dict):
                item[0].encode("utf-8")
            check(item[1], depth + 1)


def accepts(text):
    try:
        check(json.loads(text.decode("utf-8"), object_pairs_hook=unique, parse_constant=constant,
                         parse_float=str))
        return True
    except (ValueError, Refused, UnicodeError):
        return False


def mutate(rng, text):
    text = bytearray(text)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        at = rng.randrange(len(text) + 1)
        kind = rng.randrange(5)
        if kind == 0:
            text[at:at] = rng.choice(PIECES)
        elif kind == 1:
            text[at:at + 1] = rng.choice(PIECES)
        elif kind == 2:
            del text[at:at + rng.randrange(1, 4)]
        elif kind == 3:
            end = min(len(text), at + rng.randrange(1, 8))
            text[at:at] = text[at:end]
        else:
            text[at:at + 1] = bytes([rng.randrange(256)])
    return bytes(text)


def main():
    rng = random.Random(20261123)
    seeds = [seed.encode() for seed in SEEDS]
    found = {True: dict.fromkeys(seeds), False: {}}
    while min(len(texts) for texts in found.values()) < 500:
        text = mutate(rng, rng.choice(seeds))
        texts = found[accepts(text)]
        if len(texts) < 500:
            texts[text] = None
    lines = ["# Written by generate.py: hexadecimal texts by Python's verdict."]
    for verdict, name in [(True, "accept"), (False, "refuse")]:
        lines += [f"{name}: {text.hex()}" for text in found[verdict]]
    pathlib.Path(__file__).with_name("verdicts.txt").write_text("\n".join(lines) + "\n")


main()
