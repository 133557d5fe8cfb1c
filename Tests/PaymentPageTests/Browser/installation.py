"""One installation for all tests: vault, acquirer and page of `cadenas-dev up`, and a page of our own
beside it, whose configuration names the shop of these tests."""

import atexit
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import tempfile
import threading
import time
import uuid

from shop import Shop

PROGRAMS = pathlib.Path(os.environ.get("CADENAS_PROGRAMS", ".build/debug")).resolve()
# How long anything may take before it counts as never; machines differ by much.
LIMIT = int(os.environ.get("CADENAS_LIMIT", "90"))
_shared = None
_lock = threading.Lock()


def until(condition, what, limit=LIMIT):
    """Waits until `condition` gives something."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"after {limit} s still not: {what() if callable(what) else what}")
        time.sleep(0.05)


def port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def shared():
    global _shared
    with _lock:
        if _shared is None:
            # What ends a run at once, and tidies up: unittest takes SystemExit for a test's failure.
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            _shared = Installation()
            atexit.register(_shared.stop)
        return _shared


class Client:
    """Asks one server over TLS, each time on a connection of its own."""

    def __init__(self, url, authority, pair=None):
        self.host, self.port = re.fullmatch(r"https://(.+):(\d+)", url).groups()
        self.context = ssl.create_default_context(cafile=authority)
        if pair:
            self.context.load_cert_chain(f"{pair}.pem", f"{pair}.key")

    def ask(self, method, path, body=None, headers=None):
        """Status, headers and body."""
        connection = http.client.HTTPSConnection(
            self.host, int(self.port), context=self.context, timeout=LIMIT)
        try:
            if isinstance(body, (dict, list)):
                body = json.dumps(body)
                headers = {"Content-Type": "application/json", **(headers or {})}
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def json(self, method, path, body=None, key=None):
        headers = {"Idempotency-Key": key or str(uuid.uuid4())} if method == "POST" else {}
        status, _, body = self.ask(method, path, body, headers)
        return status, json.loads(body) if body else None


class Installation:
    def __init__(self):
        # Short, since a Unix socket's path is.
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="pg"))
        self.directory = self.root / "i"
        with (self.root / "up.log").open("w") as log:
            self.up = subprocess.Popen(
                [PROGRAMS / "cadenas-dev", "up", "--shop", "--directory", self.directory],
                stdout=subprocess.PIPE, stderr=log)
        line = self.up.stdout.readline()
        if not line:
            raise RuntimeError((self.root / "up.log").read_text())
        self.line = json.loads(line)
        self.pki = self.directory / "pki"
        self.shop = Shop(self.pki / "page-server.pem", self.pki / "page-server.key")
        self.shop.secret = (self.directory / "shop.secret").read_bytes().rstrip(b"\r\n")
        self.url = f"https://127.0.0.1:{port()}"
        self.shops_url = f"https://127.0.0.1:{port()}"
        self.configuration = self.directory / "browser.yaml"
        self.configuration.write_text(self.edited())
        self.page = None
        self.start_page()
        self.anybody = Client(self.url, self.pki / "ca.pem")
        self.backend = Client(self.shops_url, self.pki / "ca.pem", self.pki / "shop-backend")
        self.other_backend = Client(self.shops_url, self.pki / "ca.pem", self.pki / "other-shop")
        self.vault = Client(self.line["vault"], self.pki / "ca.pem", self.pki / "shop")
        self.acquirer = Client(
            self.line["acquirer"], self.pki / "acquirer-ca.pem", self.pki / "acquirer")

    # MARK: the page

    @property
    def store(self):
        return self.directory / "browser" / "payments.sqlite"

    @property
    def log(self):
        return self.directory / "logs" / "browser-page.log"

    def edited(self):
        """The page's configuration, with addresses of our own and a second merchant: one that gives a
        minute and two tries, asks for the name, and speaks English alone."""
        text = (self.directory / "page.yaml").read_text()
        self.store.parent.mkdir(exist_ok=True)

        def listen(name, url, more=""):
            return lambda found: f"{name}: {{listen: {url[8:]}{more}, certificate:"

        for pattern, to in [
            (r"public: \{listen.*?, certificate:", listen("public", self.url, f', url: "{self.url}"')),
            (r"shops: \{listen.*?, certificate:", listen("shops", self.shops_url)),
            (r"store: .*", f"store: {self.store}"),
            (r"socket: page.sock", "socket: browser.sock"),
            (r'notify: \{url: "[^"]*"', f'notify: {{url: "{self.shop.url}/payments"'),
            (r"return_urls: .*", f'return_urls: ["{self.shop.url}/"]'),
            (r"\nmerchants:", "\ntrusted_proxies: [127.0.0.1]\nmerchants:"),
        ]:
            text, count = re.subn(pattern, to, text)
            assert count == 1, pattern
        merchant = text[text.index("  shop:\n"):]
        for old, new in [
            ("  shop:\n", "  hasty:\n"), ('"Maison Exemple"', '"Hasty & Sons <Ltd>"'),
            ("spiffe://shop.example/backend", "spiffe://other-shop.example/checkout"),
            ("minutes: 30", "minutes: 1"), ("attempts: 5", "attempts: 2"),
            ("[fr, en, de]", "[en]"), ("inputs: [", "inputs: [cardholder_name, "),
            ("[card, paypal]", "[card]"), ("    acquirer_name: \"Banque Exemple\"\n", ""),
        ]:
            assert old in merchant, old
            merchant = merchant.replace(old, new)
        return text.rstrip("\n") + "\n" + merchant

    def start_page(self):
        self.page = self.serve(self.configuration, self.url, self.shops_url)

    def serve(self, configuration, *urls):
        """A page, when it answers shoppers and shops."""
        with self.log.open("a") as log:
            page = subprocess.Popen(
                [PROGRAMS / "cadenas-page", "serve", "--config", configuration],
                stdout=log, stderr=log, cwd=self.directory)
        clients = [Client(url, self.pki / "ca.pem", self.pki / "shop-backend") for url in urls]

        def answers():
            if page.poll() is not None:
                raise RuntimeError(self.log.read_text()[-4_000:])
            try:
                return all(client.ask("GET", "/")[0] for client in clients)
            except OSError:
                return False
        until(answers, "the page answers")
        return page

    def second(self, limits):
        """Another page with a store of its own and other limits: its process, addresses of shoppers and
        of shops."""
        url, shops = (f"https://127.0.0.1:{port()}" for _ in range(2))
        text = self.configuration.read_text()
        for old, new in [
            (self.url, url), (self.url[8:], url[8:]), (self.shops_url[8:], shops[8:]),
            ("payments.sqlite", "second.sqlite"), ("browser.sock", "second.sock"),
        ]:
            text = text.replace(old, new)
        text, count = re.subn(r"\nlimits: .*", f"\nlimits: {limits}", text)
        assert count == 1
        configuration = self.directory / "second.yaml"
        configuration.write_text(text)
        return self.serve(configuration, url, shops), url, shops

    def kill_page(self):
        self.page.kill()
        self.page.wait()

    def stop(self):
        for process, how in [(self.page, signal.SIGTERM), (self.up, signal.SIGTERM)]:
            if process and process.poll() is None:
                process.send_signal(how)
                try:
                    process.wait(LIMIT)
                except subprocess.TimeoutExpired:
                    process.kill()
        self.shop.stop()
        if "CADENAS_KEEP" not in os.environ:
            shutil.rmtree(self.root, ignore_errors=True)

    # MARK: what the others know

    def received(self):
        """How many messages the acquirer has had, and which."""
        status, _, body = self.acquirer.ask("GET", "/received")
        assert status == 200, status
        members = json.loads(body)
        return members["count"], members["payment_ids"]

    def attempts(self, payment):
        """The page's own rows; it has no card in them."""
        uri = f"file:{self.store}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=LIMIT)) as database:
            rows = database.execute(
                "SELECT body FROM attempts WHERE payment = ? ORDER BY id", (payment,)).fetchall()
        return [json.loads(body) for (body,) in rows]

    def tokens(self, payment):
        return [one["token"] for one in self.attempts(payment) if one.get("token")]

    def has_token(self, token):
        """Whether the vault knows it, without changing anything."""
        status, _ = self.vault.json("POST", "/v1/tokens", {"token": token})
        assert status in (200, 404), status
        return status == 200
