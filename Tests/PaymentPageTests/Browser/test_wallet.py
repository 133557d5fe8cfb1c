import json
import unittest

import cards
from case import BrowserCase, ITEMS
from installation import Client, until

DECLINED_ONCE, PENDING, FAILS_AFTER, REFUSES_TOKEN, NEVER, NO_ORDER, DECLINED, FAILS_BEFORE = (
    210_002, 210_003, 210_004, 210_005, 210_006, 210_007, 210_008, 210_009)
PAID = ["in_progress", "approved"]
AGAIN = ["in_progress", "open"]


class Wallet(BrowserCase):
    """PayPal: there is no card, and vault and acquirer hear nothing."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if "paypal" not in cls.all.line:
            raise unittest.SkipTest("this installation has no PayPal")
        cls.paypal = Client(cls.all.line["paypal"], cls.all.pki / "ca.pem")

    def captured(self, payment):
        _, _, body = self.paypal.ask("GET", "/received")
        return [one for one in json.loads(body)["captured"] if one.startswith(payment["payment"])]

    def at_paypal(self, amount=4990, name="first", **order):
        payment = self.open(amount, items=ITEMS, **order)
        one = self.plain() if name == "plain" else self.shopper(name)
        one.opens(payment["url"], "card")
        one.click("button[value=paypal]")
        if name == "plain":
            one.sees("out")
            one.click("#out")
        one.find("button[name=approve]")
        return payment, one

    def test_paid(self):
        payment, one = self.at_paypal()
        self.assertEqual(self.document(payment)["state"], "in_progress")
        one.click("button[name=approve]")
        one.sees("approved")
        self.assertIn("PayPal", one.text())
        document = self.agree(payment, "approved", PAID, 0, attempts=1)
        self.assertEqual((document["method"], document["card"]), ("paypal", None))
        self.assertEqual(len(self.captured(payment)), 1)
        one.reloads()
        one.sees("approved")
        self.assertEqual(one.messages(), [])

    def test_paid_with_script_off(self):
        payment, one = self.at_paypal(name="plain")
        one.click("button[name=approve]")
        one.sees("approved")
        self.agree(payment, "approved", PAID, 0, attempts=1)
        self.assertEqual(len(self.captured(payment)), 1)

    def test_wallet_only(self):
        payment = self.open(methods=["paypal"])
        one = self.visit(payment, "methods")
        one.click("button[value=paypal]")
        one.click("button[name=approve]")
        one.sees("approved")
        self.agree(payment, "approved", PAID, 0, attempts=1)

    def test_left(self):
        payment, one = self.at_paypal()
        one.click("button[name=cancel]")
        one.sees("refused")
        self.assertIn("You came back from PayPal without paying.", one.text())
        self.assertIn("Nothing was charged.", one.text())
        self.agree(payment, "open", AGAIN, 0, attempts=1)
        one.click("button[value=paypal]")
        one.click("button[name=approve]")
        one.sees("approved")
        self.agree(payment, "approved", AGAIN + PAID, 0, attempts=2)
        self.assertEqual(len(self.captured(payment)), 1)

    def test_left_for_a_card(self):
        payment, one = self.at_paypal()
        one.click("button[name=cancel]")
        one.sees("refused")
        one.leaves("a.act[href$='/card']")
        one.sees("card")
        one.pays_with(cards.card())
        self.agree(payment, "approved", AGAIN + PAID, 2, attempts=2)
        self.assertEqual(self.captured(payment), [])

    def test_back_button_at_paypal(self):
        """The page says that the payment is at PayPal, and leads there again."""
        payment, one = self.at_paypal()
        one.opens(payment["url"], "wait")
        self.assertIn("Complete the payment at PayPal.", one.text())
        one.leaves("a.act[href$='/out']")
        one.click("button[name=approve]")
        one.sees("approved")
        self.agree(payment, "approved", PAID, 0, attempts=1)

    def test_come_back_twice(self):
        payment, one = self.at_paypal()
        one.click("button[name=approve]")
        one.sees("approved")
        for place in ("back", "left"):
            one.opens(f"{payment['url']}/wallet/{place}", "approved")
        self.agree(payment, "approved", PAID, 0, attempts=1)
        self.assertEqual(len(self.captured(payment)), 1)

    def test_come_back_without_having_approved(self):
        payment, one = self.at_paypal()
        one.opens(f"{payment['url']}/wallet/back", "refused")
        self.agree(payment, "open", AGAIN, 0, attempts=1)
        self.assertEqual(self.captured(payment), [])

    def test_declined(self):
        for amount in (DECLINED_ONCE, DECLINED):
            with self.subTest(amount):
                self.setUp()
                payment, one = self.at_paypal(amount)
                one.click("button[name=approve]")
                one.sees("refused")
                self.assertIn("PayPal did not accept the payment.", one.text())
                self.agree(payment, "open", AGAIN, 0, attempts=1)
                self.assertEqual(self.captured(payment), [])

    def test_pending_then_settled(self):
        payment, one = self.at_paypal(PENDING)
        one.click("button[name=approve]")
        one.sees("waiting")
        self.agree(payment, "pending", ["in_progress", "pending"], 0)
        self.assertEqual(self.ask(payment, "settle", {"state": "approved"})[0], 200)
        one.reloads()
        one.sees("approved")
        self.agree(payment, "approved", ["in_progress", "pending", "approved"], 0)

    def test_an_answer_that_is_lost(self):
        """500 after the capture has happened, and before: it is paid once."""
        for amount in (FAILS_AFTER, FAILS_BEFORE):
            with self.subTest(amount):
                self.setUp()
                payment, one = self.at_paypal(amount)
                one.click("button[name=approve]")
                one.sees("approved")
                self.agree(payment, "approved", PAID, 0, attempts=1)
                self.assertEqual(len(self.captured(payment)), 1)

    def test_no_order_is_made(self):
        for amount in (REFUSES_TOKEN, NO_ORDER):
            with self.subTest(amount):
                self.setUp()
                payment = self.open(amount)
                one = self.visit(payment)
                one.click("button[value=paypal]")
                one.sees("refused")
                self.assertIn("Nothing was charged.", one.text())
                self.agree(payment, "open", AGAIN, 0, attempts=1)
                self.assertEqual(self.captured(payment), [])

    def test_never_answered(self):
        """It cannot be known: nobody is told that nothing was charged."""
        payment, one = self.at_paypal(NEVER)
        one.click("button[name=approve]")
        one.sees("wait", "waiting")
        self.assertNotIn("Nothing was charged", one.text())
        one.sees("waiting", limit=240)
        self.assertIn("Please do not pay again", one.text())
        self.agree(payment, "unknown", ["in_progress", "unknown"], 0)
        self.assertEqual(self.ask(payment, "settle", {"state": "refused"})[0], 200)
        one.reloads()
        one.sees("ended")
        until(lambda: self.document(payment)["state"] == "refused", "settled")

    def test_another_browser_has_no_wallet(self):
        payment, one = self.at_paypal()
        other = self.visit(payment, "wait", "other")
        self.assertFalse(other.has("a[href$='/out']"))
        other.opens(payment["url"] + "/out", "wait")
        one.click("button[name=cancel]")
        one.sees("refused")
