import json
import re

import cards
from case import BrowserCase, ITEMS

PLAIN = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'")
BANK = PLAIN.replace("'none'; require", "'none'; frame-src 'self' https:; require")
GO = (
    "default-src 'none'; script-src 'self'; style-src 'self'; form-action https:; base-uri 'none'; "
    "frame-ancestors 'self'; require-trusted-types-for 'script'; trusted-types 'none'")
BACK = GO.replace(" form-action https:;", "")
LARGEST_PAGE, LARGEST_CSS, LARGEST_JS, LARGEST_IN_ALL = 12 << 10, 16 << 10, 10 << 10, 60_000


class Headers(BrowserCase):
    """What a browser is told beside each page, and how much it has to fetch."""

    def visit_raw(self, payment):
        self.path = payment["url"][len(self.all.url):]
        self.cookie = None

    def get(self, place="", method="GET", body=None, **headers):
        if self.cookie:
            headers["Cookie"] = self.cookie
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        status, fields, text = self.all.anybody.ask(method, self.path + place, body, headers)
        if fields["Set-Cookie"]:
            self.cookie = fields["Set-Cookie"].split(";")[0]
        return status, fields, text

    def check(self, fields, policy=PLAIN, frame="DENY", language="en"):
        expected = {
            "Content-Security-Policy": policy, "Cache-Control": "no-store",
            "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
            "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": frame, "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin", "X-Robots-Tag": "noindex, nofollow",
            "Content-Language": language,
        }
        for name, value in expected.items():
            self.assertEqual(fields.get_all(name), [value] if value else None, name)
        permissions = fields["Permissions-Policy"]
        is_bank = policy == BANK
        for word in permissions.split(", "):
            name, value = word.split("=")
            open_to_bank = is_bank and name in ("payment", "publickey-credentials-get")
            self.assertEqual(value, "*" if open_to_bank else "()", name)
        for name in ("camera", "geolocation", "microphone", "payment", "publickey-credentials-get"):
            self.assertIn(f"{name}=", permissions)
        self.assertIsNone(fields["Server"])
        self.assertIsNone(fields["Access-Control-Allow-Origin"])
        self.assertIsNone(fields["Content-Encoding"])

    def check_cookie(self, fields):
        name, *attributes = fields["Set-Cookie"].split("; ")
        self.assertTrue(name.startswith("__Host-page="))
        self.assertEqual(
            set(attributes), {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"})

    def check_page(self, body):
        html = body.decode()
        self.assertLessEqual(len(body), LARGEST_PAGE)
        # Nothing in the line, nothing from elsewhere.
        self.assertNotRegex(html, r"<script(?![^>]* src=\"/a/)[^>]*>|<style|\sstyle=|\son[a-z]+=\"|javascript:")
        for tag, address in re.findall(r"<(script|link|img|iframe|source|use)\b[^>]*?(?:src|href)=\"([^\"]+)\"", html):
            self.assertTrue(address.startswith(("/a/", "/p/")), f"{tag} of {address}")
        for tag in re.findall(r"<(?:script|link rel=\"stylesheet\")[^>]*>", html):
            self.assertIn('integrity="sha256-', tag)

    def page(self, place="", screen=None, **how):
        status, fields, body = self.get(place)
        self.assertEqual(status, 200)
        self.check(fields, **how)
        self.check_page(body)
        if screen:
            self.assertIn(f'data-screen="{screen}"', body.decode())
        return fields, body

    def form(self, body):
        return re.search(rb'name="form" value="([^"]+)"', body)[1].decode()

    def test_each_page(self):
        customer = self.customer()
        payment = self.open(200_002, customer=customer, keep_card="offer", items=ITEMS)
        self.visit_raw(payment)
        fields, body = self.page("", "card")
        self.check_cookie(fields)
        first = fields["Set-Cookie"]
        fields, _ = self.page("/card", "card")
        self.assertNotEqual(fields["Set-Cookie"], first, "each answer changes the cookie")
        self.assertEqual(fields["Set-Cookie"][:38], first[:38])
        for wrong in (f"form={self.form(body)}&number=4&expiry=&cvc=", "x=%ff", "form=", ""):
            status, fields, text = self.get("/pay", "POST", wrong)
            self.assertEqual((status, text), (303, b""))
            self.check(fields, language=None)
        self.page("/card", "card")
        number = cards.card()
        status, fields, _ = self.get(
            "/pay", "POST", f"form={self.form(body)}&number={number}&expiry=03%2F29&cvc=123")
        self.assertEqual((status, fields["Location"]), (303, self.path + "#outcome"))
        self.assertNotIn(number, str(fields))
        self.page("", "bank", policy=BANK)
        fields, body = self.page("/bank/go", "bank_go", policy=GO, frame=None)
        status, fields, body = self.get("/bank/back", "POST", "cres=x")
        self.assertEqual(status, 200)
        self.check(fields, policy=BACK, frame=None)
        self.check_page(body)
        self.assertIsNone(fields["Set-Cookie"])
        fields, body = self.page("", "refused")
        self.page("/code", "code")
        status, fields, body = self.get("/state")
        self.assertEqual(json.loads(body)["screen"], "refused")
        self.check(fields, language=None)
        status, fields, body = self.get("", "HEAD")
        self.assertEqual((status, body), (200, b""))
        self.check(fields)
        status, fields, _ = self.get("/cancel", "POST", "cancel=yes")
        self.assertEqual((status, fields["Location"]), (303, self.path + "#outcome"))
        self.check(fields, language=None)
        self.page("", "ended")
        self.cookie = None
        fields, _ = self.page("", "closed")
        self.check_cookie(fields)

    def test_ends(self):
        for amount, screen in [(4990, "approved"), (100_013, "waiting"), (100_003, "refused")]:
            self.visit_raw(self.open(amount, items=ITEMS))
            _, body = self.page("", "card")
            self.get("/pay", "POST",
                     f"form={self.form(body)}&number={cards.card()}&expiry=03%2F29&cvc=123")
            self.page("", screen)

    def test_faults(self):
        self.visit_raw(self.open())
        for path, method, status in [
            ("/p/00000000000000000000000000", "GET", 404), ("/", "GET", 404), ("/p/x", "GET", 404),
            ("/a/none.css", "GET", 404), (self.path, "PUT", 405), (self.path, "DELETE", 405),
        ]:
            with self.subTest(f"{method} {path}"):
                answer, fields, body = self.all.anybody.ask(
                    method, path, headers={"Accept-Language": "en"})
                self.assertEqual(answer, status)
                self.check(fields)
                self.check_page(body)
                self.assertIn(b'data-screen="fault"', body)

        for path in ("/p/00000000000000000000000000/pay", self.path + "/card", "/"):
            with self.subTest(f"POST {path}"):
                status, fields, body = self.all.anybody.ask("POST", path, "number=4")
                self.assertEqual((status, body), (303, b""))
                self.check(fields, language=None)

    def test_get_of_what_is_posted(self):
        """An address that a browser has kept leads to the payment."""
        self.visit_raw(self.open())
        for place in ("pay", "cancel", "more", "wallet", "brand", "bank/back"):
            status, fields, _ = self.get(f"/{place}")
            self.assertEqual((status, fields["Location"]), (303, self.path), place)
            self.check(fields, language=None)

    def test_too_large(self):
        """303 too, since Chromium keeps what a POST that is answered by a page has carried."""
        self.visit_raw(self.open())
        self.page("", "card")
        status, fields, _ = self.get("/pay", "POST", "form=" + "0" * 100_000)
        self.assertEqual(status, 303)

    def test_files(self):
        self.visit_raw(self.open(items=ITEMS))
        _, body = self.page("", "card")
        total = len(body)
        for name in set(re.findall(rb'"(/a/[^"]+)"', body)):
            status, fields, text = self.all.anybody.ask("GET", name.decode())
            self.assertEqual(status, 200)
            self.assertEqual(fields["Cache-Control"], "public, max-age=31536000, immutable")
            self.assertEqual(fields["X-Content-Type-Options"], "nosniff")
            self.assertIsNone(fields["Set-Cookie"])
            limit = LARGEST_CSS if name.endswith(b".css") else LARGEST_JS
            self.assertLessEqual(len(text), limit, name)
            total += len(text)
        self.assertLess(total, LARGEST_IN_ALL)

    def test_files_are_precompressed(self):
        self.visit_raw(self.open())
        _, body = self.page("", "card")
        name = re.search(rb'"(/a/[^"]+css)"', body)[1].decode()
        _, fields, _ = self.all.anybody.ask("GET", name, headers={"Accept-Encoding": "gzip, br"})
        self.assertIn(fields["Content-Encoding"], ("gzip", "br"))

    def test_what_a_browser_fetches(self):
        """A whole payment with a challenge: this origin and the bank's, and nobody else; console silent."""
        payment = self.open(200_002, items=ITEMS)
        one = self.visit(payment)
        one.pays_with(cards.card(), "bank")
        one.answers_bank()
        one.sees("approved")
        urls = set()
        for entry in one.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                urls.add(message["params"]["request"]["url"])
        hosts = {re.match(r"(\w+:(//[^/]*)?)", url)[1] for url in urls} - {"about:", "data:"}
        self.assertEqual(hosts, {self.all.url, self.all.line["acs"]})
        self.assertEqual(one.messages(), [])
        self.assertEqual(one.run("return [localStorage.length, sessionStorage.length]"), [0, 0])
        self.assertEqual(one.run("return document.cookie"), "")

    def test_brand(self):
        self.visit_raw(self.open())
        self.page("", "card")
        for body, status in [
            ("bin=497010", 200), ("bin=49701051", 200), ("bin=497010518", 400), ("bin=4970", 400),
            ("bin=49701x", 400), ("", 400),
        ]:
            answer, fields, text = self.get("/brand", "POST", body, **{"X-Forwarded-For": "10.99.1.1"})
            self.assertEqual(answer, status, body)
            self.check(fields, language=None)
        answer, _, text = self.get("/brand", "POST", "bin=497010", **{"X-Forwarded-For": "10.99.1.1"})
        self.assertEqual(json.loads(text), {"brands": ["visa", "cb"], "lengths": [16], "cvc": 3})
        answers = [
            self.get("/brand", "POST", "bin=497010", **{"X-Forwarded-For": "10.99.1.1"})[0]
            for _ in range(60)]
        self.assertIn(429, answers)
