import concurrent.futures
import os
import re
import signal

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import cards
from case import BrowserCase, ITEMS
from installation import until

PAID = ["in_progress", "approved"]
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}


class Browsers(BrowserCase):
    """Back, again, twice, two tabs, another browser: one attempt, and no card comes back."""

    def card_is_gone(self, one):
        for name in ("number", "expiry", "cvc"):
            if one.has(f"#{name}"):
                self.assertEqual(one.value(f"#{name}"), "")

    def test_back_after_it_was_paid(self):
        payment, one = self.paid()
        one.goes_back()
        one.sees("approved")
        self.card_is_gone(one)
        self.agree(payment, "approved", PAID, 2, attempts=1)

    def test_back_after_a_refusal(self):
        payment = self.open(100_001)
        one = self.visit(payment)
        one.pays_with(cards.card(), "refused")
        one.goes_back()
        one.sees("refused", "card")
        self.card_is_gone(one)
        self.agree(payment, "open", ["in_progress", "open"], 2, attempts=1)

    def test_back_from_the_bank(self):
        payment = self.open(200_002)
        one = self.visit(payment)
        one.pays_with(cards.card(), "bank")
        one.at_bank()
        one.driver.switch_to.default_content()
        one.goes_back()
        one.sees("bank")
        self.card_is_gone(one)
        one.answers_bank()
        one.sees("approved")
        self.agree(payment, "approved", PAID, 3, attempts=1)

    def test_back_to_a_form_that_was_filled(self):
        """Typed, gone elsewhere without paying, and back."""
        payment = self.open()
        one = self.visit(payment)
        one.fills(cards.card())
        one.opens(f"{self.all.shop.url}/basket", "shop")
        one.goes_back()
        one.sees("card")
        self.card_is_gone(one)
        one.pays_with(cards.card())
        self.agree(payment, "approved", PAID, 2, attempts=1)

    def test_reload(self):
        payment = self.open(200_002)
        one = self.visit(payment)
        one.types("number", cards.card())
        one.reloads()
        one.sees("card")
        self.card_is_gone(one)
        one.pays_with(cards.card(), "bank")
        one.reloads()
        one.sees("bank")
        one.answers_bank()
        one.sees("approved")
        one.reloads()
        one.sees("approved")
        self.agree(payment, "approved", PAID, 3, attempts=1)

    def test_double_click(self):
        payment = self.open()
        one = self.visit(payment)
        one.fills(cards.card())
        button = one.find("button[name=pay]")
        ActionChains(one.driver).double_click(button).perform()
        one.sees("approved")
        self.agree(payment, "approved", PAID, 2, attempts=1)

    def test_enter_is_held(self):
        payment = self.open()
        one = self.visit(payment)
        one.fills(cards.card())
        one.find("[name=cvc]").send_keys(Keys.ENTER + Keys.ENTER + Keys.ENTER)
        one.sees("approved")
        self.agree(payment, "approved", PAID, 2, attempts=1)

    def test_two_tabs(self):
        payment = self.open(100_010)
        one = self.visit(payment)
        first = one.driver.current_window_handle
        one.fills(cards.card())
        one.driver.switch_to.new_window("tab")
        one.opens(payment["url"], "card")
        one.fills(cards.card())
        one.click("button[name=pay]")
        one.driver.switch_to.window(first)
        one.click("button[name=pay]")
        one.sees("approved")
        for handle in one.driver.window_handles:
            one.driver.switch_to.window(handle)
            one.sees("approved")
        self.agree(payment, "approved", PAID, 2, attempts=1)

    def test_a_tab_that_was_left_open(self):
        """Refused in one tab, paid... the other tab's old form does nothing more than begin an attempt."""
        payment = self.open()
        one = self.visit(payment)
        first = one.driver.current_window_handle
        one.driver.switch_to.new_window("tab")
        one.opens(payment["url"], "card")
        one.pays_with(cards.card())
        one.driver.switch_to.window(first)
        one.pays_with(cards.card(), "approved")
        self.agree(payment, "approved", PAID, 2, attempts=1)

    # MARK: without a browser, all at once

    def forms(self, payment, count):
        """Forms of one browser, and its cookie."""
        path, cookie, forms = payment["url"][len(self.all.url):], None, []
        for _ in range(count):
            headers = {"Cookie": cookie} if cookie else {}
            _, fields, body = self.all.anybody.ask("GET", path, headers=headers)
            cookie = fields["Set-Cookie"].split(";")[0]
            forms.append(re.search(r'name="form" value="([^"]+)"', body.decode())[1])
        return path, cookie, forms

    def post_all(self, path, cookie, forms, number):
        def post(form):
            body = f"form={form}&number={number}&expiry=03%2F29&cvc=123&pay=card"
            status, fields, _ = self.all.anybody.ask(
                "POST", path + "/pay", body, {**FORM, "Cookie": cookie})
            return status, fields["Location"].split("#")[0]
        with concurrent.futures.ThreadPoolExecutor(len(forms)) as threads:
            return set(threads.map(post, forms))

    def test_one_form_ten_times(self):
        payment = self.open()
        path, cookie, forms = self.forms(payment, 1)
        answers = self.post_all(path, cookie, forms * 10, cards.card())
        self.assertEqual(answers, {(303, path)})
        until(lambda: self.document(payment)["state"] == "approved", "it is paid")
        self.agree(payment, "approved", PAID, 2, attempts=1)

    def test_ten_forms_at_once(self):
        payment = self.open()
        path, cookie, forms = self.forms(payment, 10)
        self.assertEqual(len(set(forms)), 10)
        answers = self.post_all(path, cookie, forms, cards.card())
        self.assertEqual(answers, {(303, path)})
        until(lambda: self.document(payment)["state"] == "approved", "it is paid")
        self.agree(payment, "approved", PAID, 2, attempts=1)

    def test_a_form_of_another_site(self):
        payment = self.open()
        path, cookie, forms = self.forms(payment, 1)
        body = f"form={forms[0]}&number={cards.card()}&expiry=03%2F29&cvc=123&pay=card"
        for more in [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://shop.example"}]:
            status, fields, _ = self.all.anybody.ask(
                "POST", path + "/pay", body, {**FORM, "Cookie": cookie, **more})
            self.assertEqual((status, fields["Location"]), (303, path))
        self.agree(payment, "open", [], 0, attempts=0)

    # MARK: another browser

    def test_another_browser(self):
        customer = self.customer()
        payment = self.open(customer=customer, keep_card="offer", items=ITEMS, amount=4990)
        kept = self.visit(payment)
        kept.fills(cards.card())
        kept.click("label[for=keep]")
        kept.pays("approved")
        payment = self.open(customer=customer, keep_card="offer", items=ITEMS, amount=4990)
        one = self.visit(payment, "kept")
        self.assertIn("Carnet", one.text())
        other = self.visit(payment, "card", "other")
        for hidden in ("Carnet", "Stylo", "ending in", payment["payment"], "Keep this card"):
            self.assertNotIn(hidden, other.text())
        self.assertIn("€49.90", other.text())
        self.assertFalse(other.has("[name=keep], [name=card], form.leave, button[name=more]"))
        one.leaves("a.act[href$='/card']")
        one.sees("card")
        one.pays_with(cards.card())
        other.opens(payment["url"], "closed")
        self.assertIn("This payment is closed", other.text())
        self.assertFalse(other.has("#return, .order, .facts"))
        # What it may not do by hand either.
        self.setUp()
        one.reloads()
        one.sees("approved")
        self.agree(payment, "approved", PAID, 0, attempts=1)

    def test_another_browser_pays(self):
        """It sees what came of it, the first one too; the order is the first one's, the card the other's."""
        payment = self.open(items=ITEMS)
        one = self.visit(payment)
        other = self.visit(payment, "card", "other")
        number = cards.card()
        other.pays_with(number, "approved")
        self.assertIn(f"ending in {number[-4:]}", other.text())
        self.assertNotIn("Carnet", other.text())
        one.reloads()
        one.sees("approved")
        self.assertIn("Carnet", one.text())
        self.assertNotIn("ending in", one.text())
        third = self.visit(payment, "closed", "plain", script=False)
        self.assertNotIn("ending in", third.text())
        self.agree(payment, "approved", PAID, 2, attempts=1)

    def test_another_browser_pays_with_a_challenge(self):
        """Who begins an attempt is led to the bank; it is no dead end."""
        payment = self.open(200_002)
        one = self.visit(payment)
        other = self.visit(payment, "card", "other")
        other.pays_with(cards.card(), "bank")
        other.answers_bank()
        other.sees("approved")
        one.reloads()
        one.sees("approved")
        self.agree(payment, "approved", PAID, 3, attempts=1)

    def test_another_browser_is_told_of_a_refusal(self):
        """Of its own attempt, without a reason; not the bare form without a word."""
        payment = self.open(100_001)
        self.visit(payment)
        other = self.visit(payment, "card", "other")
        other.fills(cards.card())
        other.leaves("button[name=pay]")
        other.sees("refused", "card")
        self.assertIn("Your bank declined the payment", other.text())
        self.agree(payment, "open", ["in_progress", "open"], 2, attempts=1)

    def test_another_browser_is_told_of_its_own_mistakes(self):
        """Script off, so that the server finds them; the first browser hears nothing of it."""
        payment = self.open()
        one = self.visit(payment)
        other = self.plain()
        other.opens(payment["url"], "card")
        other.pays_with("4111 1111 1111 1112", "card")
        self.assertIn("a digit seems to be wrong", other.text())
        one.reloads()
        one.sees("card")
        self.assertNotIn("a digit seems to be wrong", one.text())

    def test_another_browser_cannot_cancel(self):
        payment = self.open()
        self.visit(payment)
        path = payment["url"][len(self.all.url):]
        for what, body in [("cancel", "cancel=yes"), ("more", "more=yes"), ("cancel", "cancel=attempt")]:
            self.all.anybody.ask("POST", f"{path}/{what}", body, FORM)
        document = self.agree(payment, "open", [], 0)
        self.assertEqual(document["expires_at"], payment["expires_at"])

    def test_what_is_not_a_page_makes_nobody_the_first(self):
        payment = self.open()
        path = payment["url"][len(self.all.url):]
        for place in ("/state", "/bank/go", "/wallet/back", "/out", "/code"):
            self.all.anybody.ask("GET", path + place)
        one = self.visit(payment)
        self.assertTrue(one.has("form.leave"), "the shopper is the first one")

    # MARK: waiting

    def test_waits_for_an_acquirer_that_is_slow(self):
        payment = self.open()
        one = self.visit(payment)
        one.fills(cards.card())
        os.kill(self.all.line["acquirer_pid"], signal.SIGSTOP)
        try:
            one.pays("wait")
            self.assertIn("Your bank is checking the payment", one.text())
            one.driver.get(payment["url"] + "/card")
            one.sees("wait")
        finally:
            os.kill(self.all.line["acquirer_pid"], signal.SIGCONT)
        one.sees("approved")
        self.agree(payment, "approved", PAID, 2, attempts=1)

    def test_says_that_it_takes_long(self):
        payment = self.open()
        one = self.visit(payment)
        one.fills(cards.card())
        os.kill(self.all.line["acquirer_pid"], signal.SIGSTOP)
        try:
            one.pays("wait")
            until(lambda: "taking longer than usual" in one.text(), "it takes long")
            self.assertIn("taking longer", one.words("#status"))
        finally:
            os.kill(self.all.line["acquirer_pid"], signal.SIGCONT)
        one.sees("approved", "waiting", "refused")
        until(lambda: self.document(payment)["state"] != "in_progress", "it has ended")
        state = self.document(payment)["state"]
        self.agree(payment, state, ["in_progress", state], None)
