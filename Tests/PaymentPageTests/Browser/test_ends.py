import base64
import datetime
import re
import time
from urllib.parse import parse_qs, urlsplit

import cards
import shop
from case import BrowserCase
from installation import until

PENDING, UNKNOWN, GARBLED, PARTLY, LATE = 100_013, 100_011, 100_008, 100_012, 100_010


class Ends(BrowserCase):
    """How a payment ends."""

    def test_cancelled_by_the_shopper(self):
        payment = self.open()
        one = self.visit(payment)
        one.leaves("form.leave button")
        one.sees("ended")
        self.assertIn("Payment cancelled", one.text())
        self.assertIn("Nothing was charged.", one.text())
        self.agree(payment, "cancelled", ["cancelled"], 0, attempts=0)
        one.leaves("#return")
        one.sees("shop")
        self.assertIn("state=cancelled", one.driver.current_url)

    def test_cancelled_after_a_refusal(self):
        payment = self.open(100_001)
        one = self.visit(payment)
        one.pays_with(cards.card(), "refused")
        one.leaves("form.leave button")
        one.sees("ended")
        self.assertIn("Payment cancelled", one.text())
        self.agree(payment, "cancelled", ["in_progress", "open", "cancelled"], 2, attempts=1)

    def test_cancelled_by_the_shop(self):
        payment = self.open()
        one = self.visit(payment)
        status, document = self.ask(payment, "cancel")
        self.assertEqual((status, document["state"]), (200, "cancelled"))
        one.pays_with(cards.card(), "ended")
        self.assertIn("Payment cancelled", one.text())
        self.agree(payment, "cancelled", ["cancelled"], 0, attempts=0)

    def test_the_shop_cannot_cancel_what_is_under_way(self):
        payment = self.open(200_002)
        one = self.visit(payment)
        one.pays_with(cards.card(), "bank")
        status, problem = self.ask(payment, "cancel")
        self.assertEqual((status, problem["type"]), (409, "urn:cadenas:problem:payment-closed"))
        one.answers_bank()
        one.sees("approved")
        self.assertEqual(self.ask(payment, "cancel")[0], 409)
        self.agree(payment, "approved", ["in_progress", "approved"], 3)

    def test_cancel_in_another_tab_while_under_way(self):
        """The other tab's cancel says that it comes too late."""
        payment = self.open(200_002)
        one = self.visit(payment)
        first = one.driver.current_window_handle
        one.driver.switch_to.new_window("tab")
        one.opens(payment["url"], "card")
        second = one.driver.current_window_handle
        one.driver.switch_to.window(first)
        one.pays_with(cards.card(), "bank")
        one.driver.switch_to.window(second)
        one.leaves("form.leave button")
        one.sees("bank")
        self.assertIn("already under way: it cannot be cancelled here", one.text())
        one.driver.switch_to.window(first)
        one.answers_bank()
        one.sees("approved")
        self.agree(payment, "approved", ["in_progress", "approved"], 3)

    def test_time_is_over(self):
        payment = self.open(merchant="hasty")
        one = self.visit(payment)
        self.assertIn("Time to pay: 1 minute left", one.text())
        one.types("number", cards.card())
        one.sees("ended", limit=150)
        self.assertIn("The time to pay is over", one.text())
        # The shop hears of it within a second: the page's clock notes it then.
        until(lambda: self.document(payment, "hasty")["state"] == "expired", "the shop knows", 5)
        self.agree(payment, "expired", ["expired"], 0, merchant="hasty", attempts=0)
        one.leaves("#return")
        one.sees("shop")

    def test_time_does_not_run_out_on_what_is_under_way(self):
        payment = self.open(200_002, merchant="hasty")
        one = self.visit(payment)
        one.types("name", "A. Person")
        one.pays_with(cards.card(), "bank")
        end = datetime.datetime.fromisoformat(payment["expires_at"]).timestamp()
        until(lambda: time.time() > end + 3, "the minute is over", 150)
        self.assertEqual(self.document(payment, "hasty")["state"], "in_progress")
        one.answers_bank("0000")
        one.sees("ended")
        self.assertIn("The time to pay is over", one.text())
        self.agree(payment, "expired", ["in_progress", "expired"], 2, merchant="hasty")

    def test_more_time(self):
        payment = self.open(merchant="hasty")
        one = self.visit(payment)
        one.leaves("button[name=more]")
        one.sees("card")
        self.assertFalse(one.find("#time").is_displayed(), "there is time enough now")
        document = self.document(payment, "hasty")
        self.assertGreater(document["expires_at"], payment["expires_at"])
        self.told(payment, ["open"])
        one.types("name", "A. Person")
        one.pays_with(cards.card())
        self.agree(payment, "approved", ["open", "in_progress", "approved"], 2, merchant="hasty")

    def test_more_time_ten_times(self):
        """Without script the button is always there."""
        payment = self.open()
        one = self.plain()
        one.opens(payment["url"], "card")
        for _ in range(10):
            one.leaves("button[name=more]")
            one.sees("card")
        self.assertFalse(one.has("button[name=more]"))
        self.assertEqual(len(self.told(payment, ["open"] * 10)), 10)

    def test_pending_then_settled(self):
        for state, screen, words in [
            ("approved", "approved", "Your payment is confirmed"),
            ("refused", "ended", "Your bank declined the payment"),
        ]:
            with self.subTest(state):
                self.setUp()
                payment = self.open(PENDING)
                one = self.visit(payment)
                one.pays_with(cards.card(), "waiting")
                self.assertIn("Please do not pay again", one.text())
                document = self.agree(payment, "pending", ["in_progress", "pending"], 2)
                self.assertEqual(self.ask(payment, "cancel")[0], 409)
                self.assertEqual(self.ask(payment, "settle", {"state": state})[0], 200)
                one.opens(payment["url"], screen)
                self.assertIn(words, one.text())
                self.agree(payment, state, ["in_progress", "pending", state], 2)
                self.assertIsNotNone(document["payment_id"])

    def test_unknown_then_settled(self):
        for amount in (UNKNOWN, GARBLED):
            with self.subTest(amount):
                self.setUp()
                payment = self.open(amount)
                one = self.visit(payment)
                one.pays_with(cards.card(), "waiting")
                self.assertIn("Your payment may have gone through. Please do not pay again", one.text())
                document = self.agree(payment, "unknown", ["in_progress", "unknown"], 2)
                self.assertIn(document["payment_id"], one.text())
                # It cannot be paid a second time.
                one.opens(payment["url"] + "/card", "waiting")
                self.assertEqual(
                    self.ask(payment, "settle", {"state": "approved", "approved_amount": 5})[0], 200)
                one.opens(payment["url"], "approved")
                self.assertIn("€0.05", one.text())
                self.agree(payment, "approved", ["in_progress", "unknown", "approved"], 2)

    def test_settle_is_only_for_what_is_open_to_doubt(self):
        payment, _ = self.paid()
        self.assertEqual(self.ask(payment, "settle", {"state": "refused"})[0], 409)
        self.agree(payment, "approved", ["in_progress", "approved"], 2)

    def test_approved_in_part(self):
        payment = self.open(PARTLY)
        one = self.visit(payment)
        one.pays_with(cards.card())
        self.assertEqual(one.words("h1 .amount"), "€500.06")
        self.assertIn("Your bank allowed €500.06 of €1,000.12.", one.text())
        document = self.agree(payment, "approved", ["in_progress", "approved"], 2)
        self.assertEqual(document["approved_amount"], 50_006)

    def test_approved_late(self):
        payment = self.open(LATE)
        one = self.visit(payment)
        one.pays_with(cards.card())
        self.agree(payment, "approved", ["in_progress", "approved"], 2)

    def test_back_at_the_shop(self):
        payment, one = self.paid()
        one.leaves("#return")
        one.sees("shop")
        query = {key: value[0] for key, value in parse_qs(urlsplit(one.driver.current_url).query).items()}
        self.assertEqual((query["payment"], query["state"]), (payment["payment"], "approved"))
        text = f"{query['payment']}.{query['state']}.{query['t']}".encode()
        self.assertEqual(query["signature"], shop.code(self.all.shop.secret, text))
        one.goes_back()
        one.sees("approved")

    def test_the_receipt_is_one_page_of_paper(self):
        items = [{"label": f"Article {number}", "quantity": 1, "amount": 998} for number in range(5)]
        payment = self.open(items=items)
        one = self.visit(payment)
        one.pays_with(cards.card())
        for width, height in ((8.27, 11.69), (8.5, 11)):
            printed = one.tell(
                "Page.printToPDF", paperWidth=width, paperHeight=height, preferCSSPageSize=False)
            pages = re.findall(rb"/Type\s*/Page\b", base64.b64decode(printed["data"]))
            self.assertEqual(len(pages), 1)
        one.tell("Emulation.setEmulatedMedia", media="print")
        text = one.text()
        for words in ("Paid to Maison Exemple", "€49.90", "ending in", "Article 4", "Banque Exemple"):
            self.assertIn(words, text)
        for words in ("Continue to", "Print", "Français", "Skip"):
            self.assertNotIn(words, text)
        one.tell("Emulation.setEmulatedMedia", media="")
