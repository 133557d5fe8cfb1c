"""What was tried against the page, by plain requests."""

import concurrent.futures
import re
import sqlite3
import threading
import time

import cards
from case import BrowserCase, ITEMS
from installation import LIMIT, until

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
SURE, UNSURE = "Nothing was charged", "do not pay again"


class One:
    """A browser without a window."""

    def __init__(self, all, payment, address=None):
        self.all, self.path = all, "/p/" + payment["url"].split("/p/")[1]
        self.cookie, self.more = None, {"Accept-Language": "en"}
        if address:
            self.more["X-Forwarded-For"] = address

    def ask(self, method, place="", body=None, **headers):
        fields = {**self.more, **({"Cookie": self.cookie} if self.cookie else {}),
                  **(FORM if method == "POST" else {}),
                  **{name.replace("_", "-"): value for name, value in headers.items()}}
        status, answer, text = self.all.anybody.ask(method, self.path + place, body, fields)
        if answer["Set-Cookie"]:
            self.cookie = answer["Set-Cookie"].split(";")[0]
        return status, answer, text.decode()

    def look(self, place=""):
        return self.ask("GET", place)[2]

    def pay(self, page, number=None, more=""):
        form = re.search(r'name="form" value="([^"]+)"', page)[1]
        return self.ask("POST", "/pay", f"form={form}&number={number or cards.card()}"
                                        f"&expiry=03%2F29&cvc=737&b_js=0{more}")


class Attacks(BrowserCase):
    def locked(self):
        database = sqlite3.connect(self.all.store, isolation_level=None, timeout=LIMIT)
        database.execute("BEGIN IMMEDIATE")
        return database

    def test_a_store_that_cannot_be_written(self):
        """No POST is answered by a page, and what is said is true."""
        one = One(self.all, self.open())
        page = one.look()
        lock = self.locked()
        try:
            status, fields, text = one.pay(page)
            self.assertEqual((status, text, fields["Location"]),
                             (303, "", one.path + "?f=fault#outcome"))
            status, _, text = one.ask("GET", "?f=fault")
            self.assertEqual(status, 503)
            self.assertIn('data-screen="fault"', text)
            self.assertIn(SURE, text)
            self.assertIn(f'href="{one.path}"', text)
            status, _, text = one.ask("GET", "?lang=fr")
            self.assertEqual(status, 200)
            self.assertIn('lang="fr"', text)
        finally:
            lock.execute("ROLLBACK")
            lock.close()
        self.assertIn('data-screen="card"', one.look())

    def test_money_may_be_on_its_way(self):
        payment = self.open(100_010)
        one = One(self.all, payment)
        page = one.look()
        payer = threading.Thread(target=lambda: one.pay(page))
        payer.start()
        until(lambda: any(a.get("step") == "authorizing" for a in
                          self.all.attempts(payment["payment"])), "the acquirer is asked")
        lock = self.locked()
        try:
            status, fields, text = one.ask("POST", "/cancel", "cancel=yes")
            self.assertEqual((status, text), (303, ""))
            text = one.look("?f=fault")
            self.assertNotIn(SURE, text)
            self.assertIn(UNSURE, text)
        finally:
            lock.execute("ROLLBACK")
            lock.close()
        payer.join()
        until(lambda: self.document(payment)["state"] == "approved", "it is approved")
        self.assertIn('data-screen="approved"', one.look("?f=fault"))

    def test_a_post_to_nothing(self):
        for path in ("/p/00000000000000000000000000/pay", "/p/x/pay", "/none", "/", "//x.example/"):
            status, fields, text = self.all.anybody.ask("POST", path, "number=1", FORM)
            self.assertEqual((status, text), (303, b""), path)
            self.assertTrue(fields["Location"].startswith("/p/"), path)
            self.assertEqual(self.all.anybody.ask("GET", fields["Location"])[0], 404)

    def test_another_browser_keeps_no_card(self):
        payment = self.open(customer=self.customer(), keep_card="offer")
        One(self.all, payment).look()
        other = One(self.all, payment)
        other.pay(other.look(), more="&keep=yes")
        until(lambda: self.document(payment)["state"] == "approved", "it is approved")
        document = self.document(payment)
        self.assertIsNone(document["kept"])
        self.assertNotIn("token", document["card"])

    def test_a_foreign_site_gives_no_cookie(self):
        payment = self.open()
        one = One(self.all, payment)
        for place in ("/pay", "/cancel", "/more", "/wallet"):
            for site in ("cross-site", "same-origin"):
                status, fields, _ = one.ask("POST", place, "form=x", Sec_Fetch_Site=site)
                self.assertEqual((status, fields["Set-Cookie"]), (303, None), (place, site))

    def test_who_only_fetches_is_not_the_first(self):
        payment = self.open(items=ITEMS)
        for headers in ({"Sec_Purpose": "prefetch"}, {"Purpose": "prefetch"}):
            self.assertEqual(One(self.all, payment).ask("GET", **headers)[0], 503)
        for headers in ({"Sec_Fetch_Dest": "image"}, {"Sec_Fetch_Dest": "iframe"},
                        {"Sec_Fetch_Dest": "empty", "Sec_Fetch_Mode": "no-cors"}):
            _, fields, text = One(self.all, payment).ask("GET", **headers)
            self.assertNotIn(ITEMS[0]["label"], text)
            self.assertIsNone(fields["Set-Cookie"])
        text = One(self.all, payment).ask(
            "GET", Sec_Fetch_Dest="document", Sec_Fetch_Mode="navigate", Sec_Fetch_Site="cross-site")[2]
        self.assertIn(ITEMS[0]["label"], text)

    def test_who_tried_once_cancels_nothing(self):
        payment = self.open(100_003)
        One(self.all, payment).look()
        other = One(self.all, payment)
        other.pay(other.look())
        until(lambda: self.document(payment)["state"] == "open", "it is refused")
        self.assertNotIn("/cancel\"", other.look())
        other.ask("POST", "/cancel", "cancel=yes")
        self.assertEqual(self.document(payment)["state"], "open")

    def test_leaving_a_wallet_is_bounded(self):
        payment = self.open(methods=["paypal"])
        one = One(self.all, payment, "192.0.2.7")
        for _ in range(10):
            page = one.look()
            if 'name="form"' not in page:
                break
            form = re.search(r'name="form" value="([^"]+)"', page)[1]
            one.ask("POST", "/wallet", f"form={form}&method=paypal")
            one.ask("GET", "/wallet/left")
        document = self.document(payment)
        self.assertEqual((document["state"], document["attempts"]), ("refused", 7))

    def test_a_shop_is_told_as_fast_as_it_answers(self):
        payments = [self.open() for _ in range(80)]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda one: self.ask(one, "cancel"), payments))
        began = time.monotonic()
        for payment in payments:
            until(lambda: self.all.shop.told(payment["payment"]), "it is told")
        # Sixteen a second would take four.
        self.assertLess(time.monotonic() - began, 3)
