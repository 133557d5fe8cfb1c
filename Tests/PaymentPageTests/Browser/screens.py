"""Each screen of the page, one after the other, for who wants to look at them: axe does, people do.

    CADENAS_PROGRAMS=… python screens.py FOLDER      takes pictures of them
"""

import itertools
import os
import pathlib
import signal
import sys

import cards
from case import BrowserCase, ITEMS
from installation import until

LOOKS = list(itertools.product([("wide", (1100, 900)), ("narrow", (320, 640))], [False, True]))


class Tour(BrowserCase):
    """Leads a shopper to each screen, and calls `at(name)` there."""

    def runTest(self):
        pass

    def tour(self, at, language="en"):
        customer = self.customer()
        order = {"language": language, "items": ITEMS, "description": "Papeterie, commande du 23 novembre"}
        one = self.one = self.shopper()

        def open(amount=4990, screen="card", **more):
            payment = self.open(amount, **{**order, **more})
            one.opens(payment["url"], screen)
            return payment

        open(customer=customer, keep_card="offer")
        at("card")
        one.fills("4970105181818183", code="123")
        until(lambda: one.has("#scheme.wanted"), "two brands")
        at("card-typed")
        one.fills("4970105181818184", expiry="13/29", code="1")
        one.click("button[name=pay]")
        until(lambda: one.focused() == "faults", "faults")
        at("card-faults")
        one.fills(cards.card(), code="123")
        one.click("label[for=scheme-cb]")
        one.click("label[for=keep]")
        one.pays("approved")
        at("approved-kept")
        payment = open(100_001, "kept", customer=customer)
        one.leaves("a.act[href$='/card']")
        one.sees("card")
        one.pays_with(cards.card("amex"), "refused")
        at("refused-funds")
        one.leaves("a[href$='/code']")
        one.sees("code")
        at("code")
        one.opens(payment["url"] + "/card", "card")
        one.pays_with(cards.card(), "refused")
        one.opens(payment["url"] + "/card", "card")
        one.pays_with(cards.card(), "refused")
        at("refused-plain")
        for screen in ("refused", "ended"):
            one.opens(payment["url"] + "/card", "card")
            one.pays_with(cards.card(), screen)
        at("ended-refused")
        open(screen="kept", customer=customer)
        at("kept")
        one.click("details.help > summary")
        one.click("button[name=pay]")
        until(lambda: one.focused() == "faults", "faults")
        at("kept-faults")
        one.leaves("form.leave button")
        one.sees("ended")
        at("ended-cancelled")
        open(methods=["paypal"], screen="methods")
        at("methods")
        payment = open(200_002)
        one.pays_with(cards.card(), "bank")
        one.at_bank()
        one.driver.switch_to.default_content()
        at("bank")
        one.click("#help > summary")
        at("bank-help")
        one.answers_bank("0000")
        one.sees("refused")
        at("refused-unconfirmed")
        open(100_007)
        one.pays_with(cards.card(), "refused")
        at("refused-down")
        open(100_012, capture="manual")
        one.pays_with(cards.card("maestro"))
        at("approved-partly")
        for amount, name in ((100_013, "pending"), (100_011, "unknown")):
            open(amount)
            one.pays_with(cards.card(), "waiting")
            at(f"waiting-{name}")
        payment = open()
        one.fills(cards.card(), code="123")
        os.kill(self.all.line["acquirer_pid"], signal.SIGSTOP)
        try:
            one.pays("wait")
            at("wait")
        finally:
            os.kill(self.all.line["acquirer_pid"], signal.SIGCONT)
        one.sees("approved")
        other = self.shopper("other")
        other.opens(payment["url"], "closed")
        self.one = other
        at("closed")
        other.opens(f"{self.all.url}/p/00000000000000000000000000", "fault")
        at("fault")
        long = [{"label": f"Article {number} d’un nom assez long pour deux lignes au moins", "quantity": 3,
                 "amount": 99_999_999_999 // 10} for number in range(10)]
        payment = self.open(99_999_999_990, **{**order, "items": long})
        self.one = one
        one.opens(payment["url"], "card")
        at("card-long")
        payment = self.open(language="en", merchant="hasty")
        one.opens(payment["url"], "card")
        at("card-hasty")


def pictures(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tour = Tour()
    Tour.setUpClass()
    tour.setUp()

    def take(language):
        def at(name):
            for (width, size), dark in LOOKS:
                if language != "en" and (dark or width == "wide"):
                    continue
                tour.one.look(size, dark)
                height = tour.one.run("return document.documentElement.scrollHeight")
                tour.one.look((size[0], max(size[1], height)), dark)
                path = folder / f"{name}-{language}-{width}-{'dark' if dark else 'light'}.png"
                tour.one.driver.save_screenshot(str(path))
            tour.one.look((1100, 1000))
        return at
    for language in ("en", "fr", "de"):
        tour.tour(take(language), language)


if __name__ == "__main__":
    pictures(sys.argv[1])
