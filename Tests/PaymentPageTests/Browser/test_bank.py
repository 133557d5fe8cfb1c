import cards
from case import BrowserCase
from installation import until

CHALLENGE, NOT_AVAILABLE, ATTEMPT, BROKEN, SOFT_DECLINE, SILENT = (
    200_002, 200_003, 200_004, 200_005, 200_006, 200_007)
FRICTIONLESS = 200_001
UNCONFIRMED = "The payment was not confirmed"


class Bank(BrowserCase):
    """3-D Secure, each way that it can go."""

    def at_bank(self, amount=CHALLENGE, **order):
        payment = self.open(amount, **order)
        one = self.visit(payment)
        one.pays_with(cards.card(), "bank")
        return payment, one

    def outcome(self, payment):
        return self.document(payment)["outcome"]

    def test_frictionless(self):
        payment, one = self.paid(amount=FRICTIONLESS)
        self.agree(payment, "approved", ["in_progress", "approved"], 2, attempts=1)
        self.assertEqual(one.messages(), [])

    def test_challenge_passed(self):
        payment, one = self.at_bank()
        self.assertIn("Confirm with your bank", one.text())
        self.assertEqual(self.document(payment)["state"], "in_progress")
        one.answers_bank()
        one.sees("approved")
        self.assertEqual(one.run("return self === top"), True)
        self.agree(payment, "approved", ["in_progress", "approved"], 3, attempts=1)
        self.assertEqual(one.messages(), [])

    def test_challenge_failed(self):
        payment, one = self.at_bank()
        one.answers_bank("9999")
        one.sees("refused")
        self.assertIn(UNCONFIRMED, one.text())
        self.assertIn("Nothing was charged", one.text())
        self.agree(payment, "open", ["in_progress", "open"], 2, attempts=1)

    def test_challenge_cancelled_at_the_bank(self):
        payment, one = self.at_bank()
        one.answers_bank(None, "cancel")
        one.sees("refused")
        self.assertIn(UNCONFIRMED, one.text())
        self.agree(payment, "open", ["in_progress", "open"], 2, attempts=1)

    def test_challenge_abandoned(self):
        payment, one = self.at_bank()
        one.at_bank()
        one.driver.switch_to.default_content()
        one.click("#help > summary")
        one.leaves("button[value=attempt]")
        one.sees("refused")
        self.assertIn(UNCONFIRMED, one.text())
        self.agree(payment, "open", ["in_progress", "open"], 1, attempts=1)
        one.leaves("a.act[href$='/card']")
        one.sees("card")

    def test_the_bank_answers_after_it_was_abandoned(self):
        """Nothing is charged, although the shopper passes in the window that was left."""
        payment, one = self.at_bank()
        one.click("#help > summary")
        one.leaves("#help a[href$='/bank/go']")
        one.at_bank(frame=False)
        window = one.driver.current_window_handle
        one.driver.switch_to.new_window("tab")
        one.opens(payment["url"], "bank")
        one.click("#help > summary")
        one.leaves("button[value=attempt]")
        one.sees("refused")
        one.driver.switch_to.window(window)
        one.answers_bank(frame=False)
        one.sees("refused")
        self.agree(payment, "open", ["in_progress", "open"], 1, attempts=1)

    def test_whole_window(self):
        payment, one = self.at_bank()
        one.click("#help > summary")
        one.leaves("#help a[href$='/bank/go']")
        one.answers_bank(frame=False)
        one.sees("approved")
        self.agree(payment, "approved", ["in_progress", "approved"], 3, attempts=1)

    def test_the_banks_page_answers_500(self):
        payment, one = self.at_bank(BROKEN)
        one.click("#help > summary")
        one.leaves("button[value=attempt]")
        one.sees("refused")
        self.agree(payment, "open", ["in_progress", "open"], 1, attempts=1)

    def test_the_banks_page_never_answers(self):
        """Help comes by itself, and the way back is open."""
        payment, one = self.at_bank(SILENT)
        until(lambda: one.has("#help[open]"), "the help is open")
        one.leaves("button[value=attempt]")
        one.sees("refused")
        self.agree(payment, "open", ["in_progress", "open"], 1, attempts=1)
        one.leaves("a.act[href$='/code']")
        one.sees("code")

    def test_not_available(self):
        payment = self.open(NOT_AVAILABLE)
        one = self.visit(payment)
        one.pays_with(cards.card(), "refused")
        self.assertIn(UNCONFIRMED, one.text())
        self.agree(payment, "open", ["in_progress", "open"], 1, attempts=1)

    def test_attempt(self):
        payment, _ = self.paid(amount=ATTEMPT)
        self.agree(payment, "approved", ["in_progress", "approved"], 2, attempts=1)

    def test_soft_decline_leads_to_a_challenge(self):
        """authenticate, authorize (asked for more), authenticate, result, authorize."""
        payment, one = self.at_bank(SOFT_DECLINE)
        one.answers_bank()
        one.sees("approved")
        self.agree(payment, "approved", ["in_progress", "approved"], 5, attempts=1)

    def test_soft_decline_then_failed(self):
        payment, one = self.at_bank(SOFT_DECLINE)
        one.answers_bank("0000")
        one.sees("refused")
        self.assertIn(UNCONFIRMED, one.text())
        self.agree(payment, "open", ["in_progress", "open"], 4, attempts=1)

    def test_again_after_a_failed_challenge(self):
        """Another card after it, and the same one by its code."""
        payment, one = self.at_bank()
        one.answers_bank("9999")
        one.sees("refused")
        one.leaves("a.act[href$='/code']")
        one.sees("code")
        one.fills(code="321")
        one.pays("bank")
        one.answers_bank()
        one.sees("approved")
        self.agree(
            payment, "approved", ["in_progress", "open", "in_progress", "approved"], 5, attempts=2)

    def test_the_bank_posts_twice(self):
        payment, one = self.at_bank()
        one.answers_bank()
        one.sees("approved")
        status, _, _ = self.all.anybody.ask(
            "POST", payment["url"][len(self.all.url):] + "/bank/back", "cres=x",
            {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "cross-site"})
        self.assertEqual(status, 200)
        self.agree(payment, "approved", ["in_progress", "approved"], 3, attempts=1)

    def test_posted_back_by_somebody_who_has_not_passed(self):
        """What is posted is nobody's word: the 3-D Secure server is asked."""
        payment, one = self.at_bank()
        self.all.anybody.ask(
            "POST", payment["url"][len(self.all.url):] + "/bank/back", "cres=eyJ0cmFuc1N0YXR1cyI6IlkifQ",
            {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "cross-site"})
        one.sees("refused")
        self.agree(payment, "open", ["in_progress", "open"], 2, attempts=1)

    def test_come_back_in_another_browser(self):
        """The bank leads to a browser that is not the first one: it sees that it goes on, and no more."""
        payment, one = self.at_bank()
        other = self.visit(payment, "wait", "other")
        self.assertFalse(other.has("iframe"))
        other.driver.get(payment["url"] + "/bank/go")
        other.sees("wait")
        one.answers_bank()
        one.sees("approved")
        other.sees("closed")
        self.agree(payment, "approved", ["in_progress", "approved"], 3, attempts=1)

    def test_page_started_anew_during_the_challenge(self):
        """The code of the card is gone, and is asked for again."""
        payment, one = self.at_bank()
        one.at_bank()
        self.all.kill_page()
        self.all.start_page()
        one.answers_bank()
        one.sees("code")
        self.assertIn("We never keep it", one.text())
        self.assertEqual(self.document(payment)["state"], "in_progress")
        one.fills(code="12")
        one.click("button[name=pay]")
        until(lambda: one.focused() == "faults", "the fault is shown")
        one.fills(code="123")
        one.pays("approved")
        self.agree(payment, "approved", ["in_progress", "approved"], 3, attempts=1)

    def test_another_way_when_the_code_is_asked_for(self):
        """Who has not got the card at hand any more is not held."""
        payment, one = self.at_bank()
        one.at_bank()
        self.all.kill_page()
        self.all.start_page()
        one.answers_bank()
        one.sees("code")
        one.leaves("button[value=attempt], .other a")
        self.assertIn(one.sees("refused", "card", "code"), ("refused", "card"))
        self.agree(payment, "open", ["in_progress", "open"], 2, attempts=1)
