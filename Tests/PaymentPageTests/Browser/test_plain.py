import os
import signal

import cards
from case import BrowserCase

PAID = ["in_progress", "approved"]


class Plain(BrowserCase):
    """All of it with script off."""

    def visit_plain(self, payment, screen="card"):
        one = self.plain()
        one.opens(payment["url"], screen)
        return one

    def test_paid(self):
        payment = self.open()
        one = self.visit_plain(payment)
        self.assertFalse(one.has("html.js"))
        self.assertTrue(one.run("return document.querySelector('#scheme').offsetHeight > 0"))
        self.assertIn("If your card carries two brands, you can choose", one.text())
        one.fills(cards.card())
        one.click("label[for=scheme-cb]")
        one.pays("approved")
        document = self.agree(payment, "approved", PAID, 2, attempts=1)
        self.assertEqual(document["card"]["scheme"], "cb")

    def test_a_choice_that_a_card_of_one_brand_cannot_have(self):
        payment = self.open()
        one = self.visit_plain(payment)
        one.fills(cards.card("amex"), code="1234")
        one.click("label[for=scheme-cb]")
        one.pays("approved")
        document = self.agree(payment, "approved", PAID, 2)
        self.assertIsNone(document["card"]["scheme"])

    def test_challenge(self):
        payment = self.open(200_002)
        one = self.visit_plain(payment)
        one.pays_with(cards.card(), "bank")
        one.find("iframe")
        one.driver.switch_to.frame("bank")
        one.find("#go button").click()
        one.answers_bank()
        one.driver.switch_to.frame("bank")
        one.find("#back button").click()
        one.driver.switch_to.default_content()
        one.driver.switch_to.frame("bank")
        one.find("a#back[target=_top]").click()
        one.driver.switch_to.default_content()
        one.sees("approved")
        self.agree(payment, "approved", PAID, 3, attempts=1)

    def test_challenge_in_the_whole_window_and_failed(self):
        payment = self.open(200_002)
        one = self.visit_plain(payment)
        one.pays_with(cards.card(), "bank")
        one.click("#help > summary")
        one.leaves("#help a[href$='/bank/go']")
        one.leaves("#go button")
        one.answers_bank("0000", frame=False)
        one.find("#back button").click()
        one.find("a#back[target=_top]").click()
        one.sees("refused")
        self.assertIn("The payment was not confirmed", one.text())
        one.leaves("a[href$='/code']")
        one.sees("code")
        one.fills(code="12")
        one.pays("code")
        self.assertIn("Enter the 3 digits of the code", one.text())
        one.fills(code="123")
        one.pays("bank")
        one.click("#help > summary")
        one.leaves("button[value=attempt]")
        one.sees("refused")
        one.leaves("form.leave button")
        one.sees("ended")
        self.agree(
            payment, "cancelled", ["in_progress", "open", "in_progress", "open", "cancelled"], 3,
            attempts=2)

    def test_kept(self):
        customer = self.customer()
        payment = self.open(customer=customer, keep_card="offer")
        one = self.visit_plain(payment)
        one.fills(cards.card())
        one.click("label[for=keep]")
        one.pays("approved")
        token = self.document(payment)["card"]["token"]
        payment = self.open(customer=customer)
        one = self.visit_plain(payment, "kept")
        one.fills(code="1")
        one.pays("kept")
        self.assertIn("Enter the 3 digits of the code", one.text())
        one.click("details.help > summary")
        one.click("label[for^=scheme-][for$=-visa]")
        one.fills(code="123")
        one.pays("approved")
        document = self.agree(payment, "approved", PAID, 4, kept=token)
        self.assertEqual(document["card"]["scheme"], "visa")

    def test_refused(self):
        payment = self.open(100_002)
        one = self.visit_plain(payment)
        one.pays_with(cards.card(), "refused")
        one.leaves("a[href$='/code']")
        one.sees("code")
        one.fills(code="123")
        one.pays("refused")
        self.agree(payment, "open", ["in_progress", "open"] * 2, 4, attempts=2)

    def test_cancelled_and_more_time(self):
        payment = self.open()
        one = self.visit_plain(payment)
        one.leaves("button[name=more]")
        one.sees("card")
        one.leaves("form.leave button")
        one.sees("ended")
        self.agree(payment, "cancelled", ["open", "cancelled"], 0)

    def test_wait_goes_on_by_itself(self):
        payment = self.open()
        one = self.visit_plain(payment)
        one.fills(cards.card())
        os.kill(self.all.line["acquirer_pid"], signal.SIGSTOP)
        try:
            one.pays("wait")
            self.assertIn("updates every 5 seconds", one.text())
        finally:
            os.kill(self.all.line["acquirer_pid"], signal.SIGCONT)
        one.sees("approved")
        self.agree(payment, "approved", PAID, 2, attempts=1)

    def test_languages(self):
        payment = self.open()
        one = self.visit_plain(payment)
        one.leaves("nav.tongues a[lang=de]")
        one.sees("card")
        self.assertIn("Kartennummer", one.text())
        one.pays_with(cards.card())
        self.assertIn("Ihre Zahlung ist bestätigt", one.text())
        self.agree(payment, "approved", PAID, 2)
