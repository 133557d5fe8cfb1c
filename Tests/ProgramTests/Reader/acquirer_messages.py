"""Makes what a hostile shop and a careless acquirer could send, and judges what became of it: with another
JSON parser than the vault's, and with another idea of what a card number is."""
import base64
import json
import random
import sys
import unicodedata
import urllib.parse

NUMBER = "4970105181818183"
WORDS = ["auto", "manual"]
NASTY = ['"', "\\", "\\\"", "/", "},{", '":"', "'", "<b>", "\u2028", "\u00e9", "\u20ac", "\U0001f4b3", "\ufeff",
         "\u202e", "%0a", "a", " ", "0", "{var:", "}}"]
CONTROLS = ["\r", "\n", "\t", "\x00", "\x1b", "\x7f", "\u0085"]
DIGITS = ["0123456789", "\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669",
          "".join(chr(0xFF10 + i) for i in range(10)), "".join(chr(0x0966 + i) for i in range(10))]
GAPS = ["", " ", "-", ".", "_", "\u200b", " - ", "\u00a0", ":"]


def disguised(choose):
    """The card number as somebody might hide it."""
    digits, gap = choose.choice(DIGITS), choose.choice(GAPS)
    size = choose.choice([1, 2, 4, 8, 16])
    groups = [NUMBER[i:i + size] for i in range(0, 16, size)]
    return gap.join("".join(digits[int(d)] for d in group) for group in groups)


def text(choose, longest):
    if choose.random() < 0.15:
        return choose.choice(["", "x "]) + disguised(choose) + choose.choice(["", " y"])
    parts = [choose.choice(NASTY) for _ in range(choose.choice([0, 1, 5, 20, longest // 2]))]
    if choose.random() < 0.1:
        parts.insert(choose.randint(0, len(parts)), choose.choice(CONTROLS))
    return "".join(parts)


def inputs(count, seed):
    choose = random.Random(seed)
    for _ in range(count):
        value = {"note": text(choose, 200)}
        if choose.random() < 0.3:
            value["order"] = choose.choice([1042, 0, int(NUMBER), int(NUMBER[:15]), -1])
        if choose.random() < 0.5:
            value["mode"] = choose.choice(WORDS * 4 + ["later", "AUTO", 'auto"'])
        if choose.random() < 0.5:
            value["zone"] = choose.choice([0, -60, 1440] * 4 + [1441, int(NUMBER), 1.5, "60", True])
        if choose.random() < 0.3:
            value["script"] = choose.choice([True, False] * 4 + ["true", 1])
        body = {"acquirer": "bank", "amount": {"value": 4990, "currency": "EUR"}, "inputs": value}
        print(json.dumps(body, ensure_ascii=choose.random() < 0.5))


def holds_number(value):
    """Whether the digits of any script in `value` are the card's, without a letter between them."""
    run = ""
    for character in value:
        digit = unicodedata.decimal(character, None)
        if digit is not None:
            run += str(digit)
        elif character.isalpha():
            run = ""
        if NUMBER in run:
            return True
    return False


def expected(value):
    """The body that has to come out, or None where the request has to be refused."""
    note = value["note"]
    if not 1 <= len(note) <= 200 or any(unicodedata.category(c) == "Cc" for c in note) or holds_number(note):
        return None
    body = {"id": "ID", "pan": NUMBER, "shopper": {"note": note}}
    if "order" in value:
        if value["order"] < 0 or value["order"] == int(NUMBER):
            return None
        body["shopper"]["order"] = value["order"]
    if "mode" in value:
        if value["mode"] not in WORDS:
            return None
        body["mode"] = {"auto": 0, "manual": None}[value["mode"]]
    if "zone" in value:
        if type(value["zone"]) is not int or not -1440 <= value["zone"] <= 1440:
            return None
        body["zone"] = value["zone"]
    if "script" in value:
        if type(value["script"]) is not bool:
            return None
        body["script"] = value["script"]
    return body


def unique(pairs):
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise ValueError("a name stands twice")
    return dict(pairs)


def judge_inputs(requests, messages):
    counts = {"sent": 0, "refused": 0}
    for request, message in zip(open(requests), open(messages), strict=True):
        body = expected(json.loads(request)["inputs"])
        if message.startswith("refused "):
            if body is not None:
                sys.exit(f"refused without need: {request}{message}")
            counts["refused"] += 1
            continue
        sent = json.loads(message, object_pairs_hook=unique)
        if "\r" in message or sent != body or list(sent) != list(body):
            sys.exit(f"not what was asked for: {request}{message}")
        counts["sent"] += 1
    print(f"{counts['sent']} sent, {counts['refused']} refused")


def answers(count, seed):
    choose = random.Random(seed)
    for _ in range(count):
        def value():
            kind = choose.random()
            if kind < 0.35:
                return disguised(choose)
            if kind < 0.45:
                return NUMBER[choose.randint(0, 6):][:choose.randint(8, 10)]
            if kind < 0.5:
                return NUMBER[::-1]
            if kind < 0.55:
                return int(NUMBER)
            if kind < 0.6:
                return [NUMBER[:8], NUMBER[8:]]
            return text(choose, 8)
        body = {"status": choose.choice(["APPROVED", "DECLINED", "LATER", value()])}
        if choose.random() < 0.3:
            body["amount"] = choose.choice(["49.90", "20.5", 20.5, NUMBER[:2] + "." + NUMBER[2:4], int(NUMBER), "x"])
        if choose.random() < 0.4:
            body = authentication(choose)
        for name in ["code", "id", "network", "auth", "other"]:
            if choose.random() < 0.5:
                body[name] = value()
        print(json.dumps(body, ensure_ascii=choose.random() < 0.5))


def authentication(choose):
    """What a 3-D Secure server could say, the card's digits hidden wherever they fit."""
    def either(harmless, *others):
        return harmless if choose.random() < 0.8 else choose.choice(others)
    inside = json.dumps({"a": either("x", disguised(choose), NUMBER[:10])}, ensure_ascii=True)
    inside = either(inside, inside.replace("4", "\\u0034"))
    creq = base64.urlsafe_b64encode(inside.encode()).decode()
    identifier = "f25084f0-5b16-4c0a-ae5d-b24808a95e4b"
    return {
        "status": choose.choice(["AUTHENTICATED", "CHALLENGE"]), "version": either("2.2.0", NUMBER, "2"),
        "state": either("Y", "A", "N", "1"), "exemption": either("gAAA", "1234"),
        "cavv": either("AAABBEg0VhI0VniQEjRWAAAAAAA=", NUMBER + "AAAAAAAAAAA="),
        "url": either("https://acs.example/c", "https://acs.example/" + NUMBER, "javascript:x", "https://a/" +
                      "".join(f"%{ord(d):02x}" for d in NUMBER)),
        "creq": either(creq.rstrip("="), creq, "QQ==" + creq, NUMBER, "x y"),
        "transaction": either(identifier, NUMBER, "x"),
    }


def texts(value):
    if isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from texts(member)
    elif value is not None:
        yield str(value)


def judge_answers(told):
    outcomes = {}
    for line in open(told):
        body = json.loads(line, object_pairs_hook=unique)
        if set(body) - {"payment_id", "outcome", "acquirer", "code", "reason", "transaction_id", "captured",
                        "three_ds", "network_transaction_id", "approved_amount", "fields", "type", "title", "status"}:
            sys.exit(f"a member that nobody declared: {line}")
        told = list(texts({name: member for name, member in body.items() if name != "payment_id"}))
        fields = body.get("fields", {})
        if "creq" in fields:
            inside = base64.urlsafe_b64decode(fields["creq"] + "===")
            told.append(inside.decode(errors="replace"))
            try:
                told.append(str(json.loads(inside)))
            except ValueError:
                pass  # nobody reads it as JSON then
            told.append(urllib.parse.unquote(fields["acs_url"]))
        for one in told:
            digits = "".join(str(unicodedata.decimal(c)) for c in one if unicodedata.decimal(c, None) is not None)
            for size in range(len(digits) - 8):
                piece = digits[size:size + 9]
                if piece in NUMBER or piece in NUMBER[::-1]:
                    sys.exit(f"digits of the card come back: {line}")
        outcomes[body.get("outcome", "unknown")] = outcomes.get(body.get("outcome", "unknown"), 0) + 1
    print(", ".join(f"{name} {count}" for name, count in sorted(outcomes.items())))


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    if command == "inputs":
        inputs(int(rest[0]), int(rest[1]))
    elif command == "judge-inputs":
        judge_inputs(*rest)
    elif command == "answers":
        answers(int(rest[0]), int(rest[1]))
    elif command == "judge-answers":
        judge_answers(*rest)
    else:
        sys.exit("inputs COUNT SEED | judge-inputs REQUESTS MESSAGES | answers COUNT SEED | judge-answers TOLD")
