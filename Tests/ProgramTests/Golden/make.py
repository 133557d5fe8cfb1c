#!/usr/bin/env python3
"""Makes a golden installation: what the programs of one commit wrote, kept so that later ones are held
against it.

    make.py PROGRAMS DIRECTORY [killed]

PROGRAMS holds `cadenas` and `cadenas-dev`; DIRECTORY must be absent. It then holds an installation that
`cadenas-dev up` starts (its administrator is called USER, to be replaced), `export`, `archive` and
`backup.mdb`, `public-key` (what was noted outside after the first start), and `manifest`: what was asked
and what was answered, a line each:

    made: SECONDS                           the Unix time at the end; idempotency keys live a day from then
    card: MERCHANT TOKEN NUMBER             a card that is there
    deleted: MERCHANT TOKEN                 one that is not
    honeytoken: MERCHANT TOKEN
    kept: METHOD PATH KEY BODY              a request with an idempotency key
    answer: STATUS BODY                     what repeating it was answered, by the same programs

A first session is three months and a half ago by its clock (clock.c), so that there is something to
archive. Takes root, since e49ef30 could not pay without.

The one of e49ef30 was made with its release build:

    Tests/ProgramTests/Golden/make.py .build-release/release Tests/ProgramTests/Golden/e49ef30

With `killed` it is the smaller installation of a vault that was killed with frames in its journal:
`store` has the `cards.journal` of then, and `manifest` the cards that were acknowledged.

    Tests/ProgramTests/Golden/make.py .build-release/release Tests/ProgramTests/Golden/killed killed
"""
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time

CLOCK = tempfile.NamedTemporaryFile(suffix=".so")
FIRST_SESSION_SECONDS = -105 * 86_400
ARCHIVED_BEFORE_SECONDS = -100 * 86_400
# Published test numbers, a merchant each. Two merchants have one card in common.
FIRST_CARDS = [
    ("shop", "4970105181818183"), ("shop", "378282246310005"), ("other-shop", "4970105181818183"),
    ("other-shop", "5555555555554444"),
]
SECOND_CARDS = [("shop", "5555555555554444"), ("shop", "4111111111111111")]
LAST_CARDS = [("shop", "5970100300000018"), ("other-shop", "4111111111111111")]
# What the simulator makes of an amount.
AMOUNTS = {"approved": 4990, "refused": 100_001, "closed": 100_011, "half": 100_012}


class Session:
    """Vault and acquirer, with their clock `offset` seconds beside the system's."""

    def __init__(self, programs, directory, offset=0):
        self.programs, self.directory, self.environment = programs, directory, dict(os.environ)
        if offset:
            self.environment |= {"LD_PRELOAD": CLOCK.name, "CLOCK_OFFSET": str(offset)}

    def __enter__(self):
        command = [f"{self.programs}/cadenas-dev", "up", "--directory", self.directory]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, env=self.environment)
        line = json.loads(self.process.stdout.readline())
        self.address = line["vault"].removeprefix("https://")
        self.vault, self.is_killed = line["vault_pid"], False
        while subprocess.run(self.command("status"), capture_output=True).returncode != 0:
            pass
        return self

    def __exit__(self, *_):
        self.process.terminate()
        if self.process.wait() != 0 and not self.is_killed:
            sys.exit("the installation did not stop as it should")

    def kill(self):
        """Ends the vault as a crash would; the rest follows."""
        os.kill(self.vault, signal.SIGKILL)
        self.is_killed = True
        self.process.wait()

    def command(self, *arguments):
        return [f"{self.programs}/cadenas", *arguments, "--config", f"{self.directory}/cadenas.yaml"]

    def cadenas(self, *arguments):
        command = self.command(*arguments)
        return subprocess.run(
            command, check=True, stdout=subprocess.PIPE, env=self.environment, text=True).stdout

    def connect(self, client):
        pki = f"{self.directory}/pki"
        context = ssl.create_default_context(cafile=f"{pki}/ca.pem")
        context.load_cert_chain(f"{pki}/{client}.pem", f"{pki}/{client}.key")
        return http.client.HTTPSConnection(self.address, context=context)

    def ask(self, client, method, path, body=None, key=None):
        connection = self.connect(client)
        headers = {"Content-Type": "application/json"} if body else {}
        if key:
            headers["Idempotency-Key"] = key
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text


def tokenize(session, manifest, cards):
    for merchant, number in cards:
        body = json.dumps({"number": number, "exp_month": 12, "exp_year": 2035})
        status, text = session.ask(merchant, "POST", "/v1/tokens", body)
        assert status in (200, 201), text
        manifest.append(f"card: {merchant} {json.loads(text)['token']} {number}")


def keep(session, manifest, path, body, key):
    """Asks twice with a key, and notes the second answer."""
    session.ask("shop", "POST", path, body, key)
    status, text = session.ask("shop", "POST", path, body, key)
    manifest.append(f"kept: POST {path} {key} {body}")
    manifest.append(f"answer: {status} {text}")


def pay(session, manifest, token, round):
    for name, amount in AMOUNTS.items():
        body = json.dumps(
            {"acquirer": "credit-du-nord", "amount": {"value": amount, "currency": "EUR"}})
        keep(session, manifest, f"/v1/tokens/{token}/detokenize", body, f"{name}-{round}")


def token(manifest, number):
    return next(line.split()[2] for line in manifest if line.startswith("card: shop") and number in line)


def configure(programs, directory, sizes):
    """An installation of `cadenas-dev up` with a small store, its certificates as old as its keys."""
    with Session(programs, directory, FIRST_SESSION_SECONDS):
        pass
    for name in ("store", "keys"):
        shutil.rmtree(f"{directory}/{name}")
    os.mkdir(f"{directory}/keys", 0o700)
    path = f"{directory}/cadenas.yaml"
    with open(path) as file:
        text = file.read().replace("map_size: 16GiB", sizes)
    with open(path, "w") as file:
        file.write(text)


def make_killed(programs, directory, manifest):
    """Cards, a deletion, and the end right after the last answer, while LMDB lacks what was answered last."""
    with Session(programs, directory) as session:
        tokenize(session, manifest, FIRST_CARDS)
        # LMDB takes those when nothing has come for a while.
        time.sleep(1)
        shop = session.connect("shop")
        for _, number in SECOND_CARDS + LAST_CARDS:
            body = json.dumps({"number": number, "exp_month": 12, "exp_year": 2035})
            shop.request("POST", "/v1/tokens", body, {"Content-Type": "application/json"})
            answer = json.loads(shop.getresponse().read())
            if not any(answer["token"] in line for line in manifest):
                manifest.append(f"card: shop {answer['token']} {number}")
        gone = token(manifest, "378282246310005")
        shop.request("DELETE", f"/v1/tokens/{gone}")
        assert shop.getresponse().status == 204
        session.kill()
    manifest[:] = [line for line in manifest if gone not in line]
    manifest.append(f"deleted: shop {gone}")
    manifest.insert(0, f"made: {int(time.time())}")


def make_whole(programs, directory, manifest):
    # The first session of all three months and a half ago: its entries can be archived.
    with Session(programs, directory, FIRST_SESSION_SECONDS) as session:
        with open(f"{directory}/public-key", "w") as file:
            file.write(session.cadenas("keys", "public-key"))
        tokenize(session, manifest, FIRST_CARDS)
        session.cadenas("keys", "rotate", "audit")
        # Up to here it is signed, and can be archived.
        session.cadenas("audit", "checkpoint")
    with Session(programs, directory) as session:
        session.cadenas("keys", "rotate", "data")
        tokenize(session, manifest, SECOND_CARDS)
        pay(session, manifest, token(manifest, "4970105181818183"), 1)
        for role in ("fingerprint", "audit", "kek"):
            session.cadenas("keys", "rotate", role)
        session.cadenas("keys", "reencrypt")
        session.cadenas("keys", "rotate", "data")
        tokenize(session, manifest, LAST_CARDS)
        pay(session, manifest, token(manifest, "5970100300000018"), 2)
        body = json.dumps({"number": "378282246310005", "exp_month": 12, "exp_year": 2035})
        keep(session, manifest, "/v1/tokens", body, "token-1")
        gone = token(manifest, "4111111111111111")
        assert session.ask("shop", "DELETE", f"/v1/tokens/{gone}")[0] == 204
        manifest[:] = [line for line in manifest if f"card: shop {gone}" not in line]
        manifest.append(f"deleted: shop {gone}")
        bait = session.cadenas("honeytoken", "add", "--merchant", "shop", "--format", "json")
        manifest.append(f"honeytoken: shop {json.loads(bait)['token']}")
        before = time.strftime("%Y-%m-%d", time.gmtime(time.time() + ARCHIVED_BEFORE_SECONDS))
        session.cadenas(
            "audit", "archive", "--before", before, "--to", f"{directory}/archive", "--execute")
        session.cadenas("audit", "export", "--to", f"{directory}/export")
        session.cadenas("store", "backup", "--to", f"{directory}/backup.mdb")
    with Session(programs, directory) as session:
        session.cadenas("store", "compact")
        session.cadenas("audit", "verify")
        session.cadenas("store", "verify")
        manifest.insert(0, f"made: {int(time.time())}")


def finish(directory, manifest):
    """Leaves what a clone can hold."""
    with open(f"{directory}/manifest", "w") as file:
        file.write("\n".join(manifest) + "\n")
    path = f"{directory}/cadenas.yaml"
    with open(path) as file:
        lines = file.read().replace("operators: [root]", "operators: [USER]")
        lines = lines.replace("auditors: [root]", "auditors: [USER]")
    with open(path, "w") as file:
        file.write(lines)
    shutil.rmtree(f"{directory}/logs")
    for name in ("up.lock", "admin.sock", "store/lock", "store/cards.mdb-lock", "store/index.mdb-lock"):
        if os.path.exists(f"{directory}/{name}"):
            os.remove(f"{directory}/{name}")


def main():
    programs, directory = map(os.path.abspath, sys.argv[1:3])
    manifest = []
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clock.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", CLOCK.name, source], check=True)
    if sys.argv[3:] == ["killed"]:
        configure(programs, directory, "map_size: 8MiB\n  journal: 1MiB")
        make_killed(programs, directory, manifest)
    else:
        configure(programs, directory, "map_size: 8MiB")
        make_whole(programs, directory, manifest)
    finish(directory, manifest)


main()
