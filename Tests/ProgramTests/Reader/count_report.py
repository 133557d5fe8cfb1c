#!/usr/bin/env python3
"""Counts the entries of an export and compares them with the figures of an audit report of it.

    count_report.py report.html entries.jsonl [FROM TO]

FROM and TO (RFC 3339 in UTC with milliseconds, TO not included) are the report's period; all entries without
them. Written from the page AuditLog ("The report"), and from nothing of the program. Exit status 0: every figure
is the same.
"""

import html
import json
import re
import sys
from collections import Counter

LOOKS = {"audit.show", "audit.verify", "audit.report", "audit.checkpoint", "audit.prove", "audit.export"}
NOT_PERMITTED = {"operation-not-permitted", "acquirer-not-permitted", "not-permitted"}


def entries(path, begin, end):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            entry = json.loads(line)
            # An archived entry is its leaf's hash.
            if isinstance(entry, dict) and (begin is None or begin <= entry["time"] < end):
                yield entry


def is_use(e):
    if e["operation"] != "detokenize":
        return False
    if e["outcome"] == "released":
        return True
    return "payment_id" in e and e["outcome"] not in ("intent", "not_sent", "replayed")


def count(all_entries):
    n, pairs, actors, running = Counter(), Counter(), {}, False
    for e in all_entries:
        op, outcome, actor = e["operation"], e["outcome"], e["actor"]
        pairs[op, outcome] += 1
        user = actor.startswith("user:")
        if actor != "system":
            actors[actor] = user
        n["tokenized"] += op == "tokenize" and outcome in ("created", "existing", "updated")
        n["uses"] += is_use(e)
        n["not_sent"] += op == "detokenize" and outcome == "not_sent"
        n["deleted"] += op == "delete" and outcome == "deleted"
        n["of_users"] += user
        n["looks"] += user and op in LOOKS and outcome not in ("refused", "failed")
        if op in ("refusals", "user.refusals"):
            n["only_counted"] += int(e["reason"])
            n["refused"] += int(e["reason"])
            n["of_clients"] += int(e["reason"]) if op == "refusals" else 0
        elif outcome == "refused" and "payment_id" not in e and actor != "system":
            n["refused"] += 1
            n["of_clients"] += op in ("tokenize", "detokenize", "delete", "request")
            n["not_permitted"] += e.get("reason") in NOT_PERMITTED
        if op == "serve":
            n["crashes"] += outcome == "started" and running
            running = outcome == "started"
    n["clients"] = sum(not user for user in actors.values())
    n["users"] = sum(actors.values())
    return n, pairs


def main(arguments):
    page = open(arguments[0], encoding="utf-8").read()
    begin, end = (arguments[2], arguments[3]) if len(arguments) > 3 else (None, None)
    n, pairs = count(entries(arguments[1], begin, end))
    rows = [
        [html.unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]
        for row in page.split("<tr>")[1:]
    ]
    figures = {row[0].split(" ")[0]: row[2] for row in rows if len(row) == 3}
    boxes = [int(box) for box in re.findall(r"<li><b>(\d+)</b>", page)]
    compared = [
        ("boxes", boxes, [n["tokenized"], n["uses"], n["deleted"], n["of_clients"]]),
        ("7.2", figures["7.2"],
         f"{n['not_permitted']} not permitted; of {n['only_counted']} more the cause is not kept"),
        ("8.2.1", figures["8.2.1,"], f"{n['clients']} clients, {n['users']} users"),
        ("10.2.1.1", figures["10.2.1.1"], f"{n['uses']} uses; {n['not_sent']} payments were not sent"),
        ("10.2.1.2", figures["10.2.1.2"], f"{n['of_users']} entries"),
        ("10.2.1.3", figures["10.2.1.3"], f"{n['looks']} looks"),
        ("10.2.1.4", figures["10.2.1.4"], f"{n['refused']} refused"),
        ("10.2.1.6", figures["10.2.1.6"],
         f"{pairs['serve', 'started']} starts, {pairs['serve', 'stopped']} stops, "
         f"{n['crashes']} ends without a stop"),
    ]
    table = {(row[0], row[1]): int(row[2]) for row in rows if len(row) == 3 and (row[0], row[1]) in pairs}
    compared.append(("operations", table, dict(pairs)))
    wrong = [(what, told, counted) for what, told, counted in compared if told != counted]
    for what, told, counted in wrong:
        print(f"{what}: the report says {told}, and the log {counted}")
    if not wrong:
        print(f"equal: {len(compared) - 1} figures, {len(pairs)} operations")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
