import pathlib
import unittest

import axe_playwright_python
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

import cards
from case import BrowserCase, ITEMS
from installation import until
from screens import LOOKS, Tour
from shopper import NARROW, WIDE

AXE = (pathlib.Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
# What WCAG 2.2 asks for at levels A and AA, and what axe holds to be good beside it.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Axe(Tour):
    """Nothing is found on any screen, wide and narrow, light and dark."""

    def look_at(self, name):
        one = self.one
        for (width, size), dark in LOOKS:
            one.look(size, dark)
            # By DevTools, since the page's policy lets no script in.
            one.tell("Runtime.evaluate", expression=AXE)
            found = one.tell(
                "Runtime.evaluate", awaitPromise=True, returnByValue=True, expression=f"""
                axe.run({{exclude: [['iframe']]}}, {{runOnly: {TAGS}, iframes: false}}).then((result) =>
                result.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.html + ' '
                + n.failureSummary).join('; ')))""")
            value = found["result"].get("value")
            self.assertIsNotNone(value, found)
            for violation in value:
                self.found.append(f"{name}, {width}, {'dark' if dark else 'light'}: {violation}")
            beyond = one.run(
                "return document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if beyond > 0:
                self.found.append(f"{name}, {width}: {beyond} pixels beyond the edge")
            small = one.run("""
                return [...document.querySelectorAll('a, button, summary, input:not([type=hidden])')]
                .filter((n) => n.checkVisibility() && !n.closest('.skip'))
                .map((n) => [n, n.getBoundingClientRect()])
                .filter(([n, box]) => box.width > 0 && box.height < 24 && !n.matches('p a'))
                .map(([n, box]) => `${n.outerHTML.slice(0, 80)} ${Math.round(box.height)}`)""")
            for one_small in small:
                self.found.append(f"{name}, {width}: too small: {one_small}")
        one.look((1100, 1000))

    def runTest(self):
        self.found = []
        self.tour(self.look_at)
        self.assertEqual(self.found, [])


def load_tests(loader, tests, pattern):
    return unittest.TestSuite([Axe(), *map(loader.loadTestsFromTestCase, (Space, Keyboard))])


class Space(BrowserCase):
    """Nothing is wider than the window, whatever a shop writes."""

    def test_long_words(self):
        payment = self.open(
            100_001, reference="R" * 40, description="D" * 255,
            items=[{"label": "X" * 120, "quantity": 1_000_000, "amount": 100_001}])
        one = self.visit(payment)
        for size in (NARROW, (768, 1_024), WIDE):
            one.look(size)
            self.assertEqual(self.beyond(one), 0, size)
        one.pays_with(cards.card(), "refused")
        one.look((640, 800))
        one.run("document.documentElement.style.fontSize = '200%'")
        self.assertEqual(self.beyond(one), 0, "text of twice the size")

    def beyond(self, one):
        return one.run(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth")


class Keyboard(BrowserCase):
    """Paid without a mouse, in the order in which things stand."""

    def press(self, one, *keys):
        ActionChains(one.driver).send_keys(*keys).perform()

    def name(self, one):
        return one.run("""
            const one = document.activeElement;
            return one.id || one.name || one.getAttribute('lang') || one.textContent.trim()""")

    def tab_to(self, one, name, most=25):
        passed = []
        for _ in range(most):
            self.press(one, Keys.TAB)
            passed.append(self.name(one))
            visible = one.run("""
                const one = document.activeElement, box = one.getBoundingClientRect();
                const style = getComputedStyle(one);
                return box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight
                && (one.tagName === 'IFRAME' || style.outlineStyle !== 'none' || style.boxShadow !== 'none'
                || one.matches('input') )""")
            self.assertTrue(visible, f"{passed[-1]} has the focus, and it cannot be seen")
            if passed[-1] == name:
                return passed
        self.fail(f"{name} is not reached: {passed}")

    def test_order_of_the_form(self):
        payment = self.open(customer=self.customer(), keep_card="offer", items=ITEMS)
        one = self.visit(payment)
        passed = self.tab_to(one, "number")
        self.assertEqual(passed, ["Skip to payment", "fr", "de", "number"])
        self.press(one, cards.card())
        passed = self.tab_to(one, "cvc")
        self.assertEqual(passed, ["expiry", "cvc"])
        until(lambda: one.has("#scheme.wanted"), "the choice of two")
        passed = self.tab_to(one, "pay")
        self.assertEqual(passed, ["scheme-visa", "keep", "pay"])
        passed = self.tab_to(one, "Help")
        self.assertEqual(passed, ["method", "cancel", "Privacy", "Help"])

    def test_paid_with_a_challenge(self):
        payment = self.open(200_002, customer=self.customer(), keep_card="offer")
        one = self.visit(payment)
        self.tab_to(one, "number")
        self.press(one, cards.card(), Keys.TAB, "0329", Keys.TAB, "123")
        until(lambda: one.has("#scheme.wanted"), "the choice of two")
        self.press(one, Keys.TAB, Keys.SPACE)
        self.assertTrue(one.has("#scheme-visa:checked"))
        self.press(one, Keys.ARROW_RIGHT)
        self.assertTrue(one.has("#scheme-cb:checked"))
        self.press(one, Keys.TAB, Keys.SPACE)
        self.assertTrue(one.has("#keep:checked"))
        self.press(one, Keys.TAB, Keys.ENTER)
        one.sees("bank")
        until(lambda: one.focused() == "outcome", lambda: f"the heading has the focus: {one.focused()}")
        one.at_bank()
        one.driver.switch_to.default_content()
        # The frame has the focus when its first field has it.
        self.tab_to(one, "bank")
        self.press(one, "1234", Keys.ENTER)
        one.sees("approved")
        until(lambda: one.focused() == "outcome", "the outcome has the focus")
        self.tab_to(one, "return")
        self.press(one, Keys.ENTER)
        one.sees("shop")
        document = self.document(payment)
        self.assertEqual(document["card"]["scheme"], "cb")
        self.agree(payment, "approved", ["in_progress", "approved"], 3, kept=document["card"]["token"])

    def test_the_banks_frame_is_no_trap(self):
        payment = self.open(200_002)
        one = self.visit(payment)
        one.pays_with(cards.card(), "bank")
        one.at_bank()
        one.driver.switch_to.default_content()
        self.tab_to(one, "bank")
        for _ in range(6):
            self.press(one, Keys.TAB)
            if one.run("return document.activeElement.tagName") == "SUMMARY":
                break
        self.assertEqual(one.run("return document.activeElement.tagName"), "SUMMARY")
        self.press(one, Keys.ENTER)
        self.assertTrue(one.has("#help[open]"))
        self.press(one, Keys.TAB, Keys.TAB, Keys.ENTER)
        one.sees("refused")
        self.agree(payment, "open", ["in_progress", "open"], 1)

    def test_mistakes(self):
        """The summary has the focus, its links lead to the fields, Escape does nothing."""
        payment = self.open()
        one = self.visit(payment)
        self.tab_to(one, "number")
        self.press(one, "1", Keys.ENTER)
        until(lambda: one.focused() == "faults", "the summary has the focus")
        self.press(one, Keys.ESCAPE, Keys.TAB)
        self.press(one, Keys.TAB, Keys.ENTER)
        self.assertEqual(self.name(one), "expiry")
        self.press(one, "0329")
        self.assertEqual(one.value("#expiry"), "03/29")
        self.agree(payment, "open", [], 0, attempts=0)

    def test_kept_cards(self):
        customer = self.customer()
        for kind in ("visa", "cb_visa"):
            payment = self.open(customer=customer, keep_card="offer")
            one = self.shopper()
            one.opens(payment["url"] + "/card", "card")
            one.fills(cards.card(kind))
            one.click("label[for=keep]")
            one.pays("approved")
        payment = self.open(customer=customer)
        one = self.visit(payment, "kept")
        first = one.run("return document.querySelector('[name=card]:checked').id")
        self.tab_to(one, first)
        self.press(one, Keys.ARROW_DOWN)
        self.assertNotEqual(one.run("return document.querySelector('[name=card]:checked').id"), first)
        self.tab_to(one, "cvc")
        self.press(one, "123", Keys.ENTER)
        one.sees("approved")
