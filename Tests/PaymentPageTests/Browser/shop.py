"""A shop: takes notifications over TLS, and browsers that come back."""

import hashlib
import hmac
import http.server
import json
import ssl
import threading
import time

# A notification is signed when it is sent.
GREATEST_AGE = 300


def code(secret, text):
    return hmac.new(secret, text, hashlib.sha256).hexdigest()


def verified(secret, header, body):
    """Whether the page has signed `body`."""
    parts = dict(part.split("=", 1) for part in header.split(","))
    expected = code(secret, parts["t"].encode() + b"." + body)
    return hmac.compare_digest(expected, parts["v1"]) and abs(time.time() - int(parts["t"])) < GREATEST_AGE

PAGE = b"<!doctype html><html lang=en><title>Shop</title><body data-screen=shop><h1>Shop</h1>"
# A form as the page's must not be.
FORM = PAGE.replace(b"screen=shop", b"screen=form") + b"""<form action=/ method=post>
<input name=number autocomplete=cc-number><input name=cvc autocomplete=cc-csc></form>"""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.shop.take(self.headers, body)
        self.answer(204, b"")

    def do_GET(self):
        self.server.shop.returns.append(self.path)
        self.answer(200, FORM if self.path == "/form" else PAGE)

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def finish_request(self, request, address):
        # The handshake belongs to the connection's thread, so that an idle one holds up nobody.
        request.settimeout(60)
        with self.context.wrap_socket(request, server_side=True) as connection:
            super().finish_request(connection, address)

    def handle_error(self, request, address):
        pass


class Shop:
    def __init__(self, certificate, key):
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.context.load_cert_chain(certificate, key)
        self.server.shop = self
        self.url = f"https://127.0.0.1:{self.server.server_port}"
        self.secret = b""
        self.returns = []
        self.wrong = []
        self._told = {}
        self._lock = threading.Lock()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, headers, body):
        if not verified(self.secret, headers.get("Cadenas-Signature", ""), body):
            self.wrong.append(body)
            return
        document = json.loads(body)
        with self._lock:
            told = self._told.setdefault(document["payment"], [])
            # One that was not answered in time comes again.
            if not told or told[-1] != document:
                told.append(document)

    def told(self, payment):
        """The notifications of a payment, in the order in which they came."""
        with self._lock:
            return list(self._told.get(payment, []))

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
