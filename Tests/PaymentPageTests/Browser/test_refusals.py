import re

import cards
from case import BrowserCase

LIMIT, FUNDS, PLAIN = 100_002, 100_001, (100_003, 100_004, 100_005)
FIRST = ["in_progress", "open"]
PLAIN_WORDS = "Only your bank can tell you why."


def neutral(html):
    """A page without what differs between any two payments."""
    for pattern, to in [
        (r"/p/[0-9a-z]{26}", "/p/A"), (r'name="form" value="[0-9a-z]{26}"', "FORM"),
        (r'data-now="\d+"', "NOW"), (r'data-left="\d+"', "LEFT"), (r"\d+ minutes? left", "MINUTES"),
        (r"order-\d+", "ORDER"), (r"[0-9]{4}(?=</span></dd>)", "LAST"),
    ]:
        html = re.sub(pattern, to, html)
    return html


class Refusals(BrowserCase):
    """What a shopper is told of a bank's no."""

    def refused(self, amount, kind="cb_visa", **order):
        payment = self.open(amount, **order)
        one = self.visit(payment)
        one.pays_with(cards.card(kind), "refused")
        self.assertIn("Your bank declined the payment", one.text())
        self.assertIn("Nothing was charged.", one.text())
        return payment, one

    def test_limit(self):
        payment, one = self.refused(LIMIT)
        self.assertIn("Your card’s limit does not allow this payment.", one.text())
        self.assertIn("Ask your bank to raise the limit", one.text())
        self.assertTrue(one.has("a[href$='/code']"))
        document = self.agree(payment, "open", FIRST, 2, attempts=1)
        self.assertEqual(document["outcome"]["reason"], "limit_exceeded")
        self.assertEqual(one.focused(), "outcome")

    def test_funds(self):
        payment, one = self.refused(FUNDS)
        self.assertIn("The amount available on this card is not enough.", one.text())
        self.assertTrue(one.has("a[href$='/code']"))
        self.agree(payment, "open", FIRST, 2, attempts=1)

    def test_four_plain_reasons_are_one_page(self):
        pages = []
        for amount in PLAIN:
            payment, one = self.refused(amount)
            self.assertIn(PLAIN_WORDS, one.text())
            self.assertFalse(one.has("a[href$='/code']"))
            status, _, body = self.all.anybody.ask(
                "GET", payment["url"][len(self.all.url):],
                headers={"Cookie": "; ".join(
                    f"{c['name']}={c['value']}" for c in one.driver.get_cookies())})
            self.assertEqual(status, 200)
            html = neutral(body.decode())
            pages.append(re.sub(r"1[,.]?000[,.]\d\d", "AMOUNT", html))
        self.assertIn("data-screen=\"refused\"", pages[0])
        self.assertEqual(pages[0], pages[1])
        self.assertEqual(pages[0], pages[2])

    def test_second_card_is_told_no_reason(self):
        payment, one = self.refused(FUNDS)
        one.leaves("a.act[href$='/card']")
        one.sees("card")
        one.pays_with(cards.card("visa"), "refused")
        self.assertIn(PLAIN_WORDS, one.text())
        self.assertNotIn("available", one.text())
        self.assertFalse(one.has("a[href$='/code']"))
        document = self.agree(payment, "open", FIRST * 2, 4, attempts=2)
        self.assertEqual(document["outcome"]["reason"], "insufficient_funds")

    def test_the_same_card_again_is_told_its_reason(self):
        payment, one = self.refused(LIMIT)
        one.leaves("a[href$='/code']")
        one.sees("code")
        self.assertFalse(one.has("[name=number]"))
        one.fills(code="456")
        one.pays("refused")
        self.assertIn("limit", one.text())
        self.agree(payment, "open", FIRST * 2, 4, attempts=2)
        self.assertEqual(len(set(self.all.tokens(payment["payment"]))), 1)

    def test_tries_are_used_up(self):
        payment, one = self.refused(FUNDS)
        for left in (4, 3, 2, 1):
            shown = {2: "2 tries left", 1: "1 try left"}.get(left)
            if shown:
                self.assertIn(shown, one.text())
            else:
                self.assertNotIn("tries left", one.text())
            one.leaves("a.act[href$='/card']")
            one.sees("card")
            one.pays_with(cards.card(), "refused" if left > 1 else "ended")
        self.assertIn("The payment did not go through.", one.text())
        self.assertFalse(one.has("form[action$='/pay']"))
        self.agree(payment, "refused", FIRST * 4 + ["in_progress", "refused"], 10, attempts=5)
        # Nothing can be begun any more.
        one.opens(payment["url"] + "/card", "ended")
        one.leaves("#return")
        one.sees("shop")
        self.assertIn("state=refused", one.driver.current_url)

    def test_another_card_pays(self):
        payment = self.open(200_002)
        one = self.visit(payment)
        one.pays_with(cards.card(), "bank")
        one.answers_bank("0000")
        one.sees("refused")
        one.leaves("a.act[href$='/card']")
        one.sees("card")
        self.assertEqual(one.value("[name=number]"), "")
        second = cards.card("mastercard")
        one.pays_with(second, "bank")
        one.answers_bank()
        one.sees("approved")
        document = self.agree(payment, "approved", FIRST + ["in_progress", "approved"], 5, attempts=2)
        self.assertEqual(document["card"]["last4"], second[-4:])

    def test_the_card_form_by_its_own_address(self):
        payment, one = self.refused(LIMIT)
        one.opens(payment["url"] + "/card", "card")
        one.opens(payment["url"] + "/code", "code")
        one.opens(payment["url"], "refused")
        plain, one = self.refused(PLAIN[0])
        one.opens(plain["url"] + "/code", "refused")

    def test_the_acquirer_does_not_take_the_message(self):
        """Certainly not processed: nothing was charged, and it may be tried again."""
        payment = self.open(100_007)
        one = self.visit(payment)
        one.pays_with(cards.card(), "refused")
        self.assertIn("Nothing was charged", one.text())
        self.agree(payment, "open", FIRST, 2, attempts=1)

    def test_a_brand_that_the_shop_does_not_take(self):
        payment = self.open()
        one = self.visit(payment)
        one.fills("3530111333300000")
        one.click("button[name=pay]")
        one.find("#faults:not([hidden])")
        self.assertIn("does not accept this card", one.text())
        self.agree(payment, "open", [], 0, attempts=0)
