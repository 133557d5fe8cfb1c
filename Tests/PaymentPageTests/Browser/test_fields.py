import datetime
import re

import cards
from case import BrowserCase
from installation import until

GOOD = "4970105181818183"
NOW = datetime.datetime.now(datetime.timezone.utc)
LAST_YEAR, FAR = f"05/{(NOW.year - 1) % 100:02}", f"05/{(NOW.year + 22) % 100:02}"
# What is typed (number, expiry, code) and the sentences that answer it.
CASES = [
    (("", "", ""), ["Enter the card number", "Enter the expiry date", "Enter the 3 digits of the code"]),
    ((GOOD, "", "123"), ["Enter the expiry date"]),
    (("4970 1051 8181 8184", "03/29", "123"), ["Check the number: a digit seems to be wrong"]),
    (("4970 1051 8181 8", "03/29", "123"), ["Some digits are missing: this number has 13"]),
    (("4970 1051 8181 8183 1", "03/29", "123"), ["There are too many digits: this number has 17"]),
    (("4970 1051 818x 8183", "03/29", "123"), ["The number has digits only"]),
    (("3530 1113 3330 0000", "03/29", "123"), ["Maison Exemple does not accept this card"]),
    ((GOOD, "13/29", "123"), ["Write the month and the year, for example"]),
    ((GOOD, "3", "123"), ["Write the month and the year, for example"]),
    ((GOOD, LAST_YEAR, "123"), [f"The card expired in May {NOW.year - 1}"]),
    ((GOOD, FAR, "123"), ["Check the year"]),
    ((GOOD, "03/29", "12"), ["Enter the 3 digits of the code"]),
    ((GOOD, "03/29", "1234"), ["Enter the 3 digits of the code"]),
    ((GOOD, "03/29", "12a"), ["Enter the 3 digits of the code"]),
    (("378282246310005", "03/29", "123"), ["Enter the 4 digits of the code"]),
]
# All of them are the same month.
DATES = ["3/29", "03/29", "03/2029", "0329", "032029", "2029-03", "03-29", "03.29", " 03 / 29 ", "03 29"]
NUMBERS = [
    "4970105181818183", " 4970 1051 8181 8183 ", "4970-1051-8181-8183", "4970.1051.8181.8183",
    "4970\u00a01051\u00a08181\u00a08183", "4970\u20091051\u20098181\u20098183", "４９７０１０５１８１８１８１８３",
]


class Fields(BrowserCase):
    """What is typed wrong is told, by script and by the server in the same words, and never shown again."""

    def check(self, one, payment, typed, expected):
        number, expiry, code = typed
        for name, text in (("number", number), ("expiry", expiry), ("cvc", code)):
            one.types(name, text)
        if one.has_script:
            one.click("button[name=pay]")
            until(lambda: one.focused() == "faults", lambda: f"faults; in focus is {one.focused()}")
        else:
            one.leaves("button[name=pay]")
            one.sees("card")
        listed = one.run("return [...document.querySelectorAll('#faults li')].map((node) => node.innerText)")
        shown = one.run(
            "return [...document.querySelectorAll('.bad')].filter((node) => node.offsetHeight > 0)"
            ".map((node) => node.querySelector('[id$=-why]').textContent)")
        clean = lambda texts: [text.replace("\u00a0", " ") for text in texts]
        listed, shown = clean(listed), clean(shown)
        if not one.has_script and not any(text.startswith(("Enter the card", "Some", "There", "Check the n",
                                          "The number", "Maison")) for text in listed):
            self.assertIn("For your security, the card details were not kept", listed[0])
            listed, shown = listed[1:], shown[1:]
        self.assertEqual(len(listed), len(expected), listed)
        for text, wanted in zip(listed, expected):
            self.assertTrue(text.startswith(wanted), f"{text!r} is not {wanted!r}")
        self.assertEqual(shown, listed, "the summary says what the fields say")
        self.assertTrue(one.title().startswith("Error: "), one.title())
        invalid = one.all("[aria-invalid=true]")
        self.assertGreaterEqual(len(invalid), len(expected))
        for field in invalid:
            described = field.get_attribute("aria-describedby").split()
            self.assertIn(f"{field.get_attribute('id')}-error", described)

    def test_with_script(self):
        payment = self.open()
        one = self.visit(payment)
        for typed, expected in CASES:
            with self.subTest(typed):
                one.opens(payment["url"], "card")
                self.check(one, payment, typed, expected)
        self.agree(payment, "open", [], 0, attempts=0)
        one.opens(payment["url"], "card")
        self.assertEqual(one.messages(), [])

    def test_without_script(self):
        payment = self.open()
        one = self.plain()
        for typed, expected in CASES:
            with self.subTest(typed):
                one.opens(payment["url"], "card")
                self.check(one, payment, typed, expected)
                self.assertEqual(one.driver.current_url, payment["url"] + "/card#faults")
                self.assertEqual(one.focused(), "faults")
                for name in ("number", "expiry", "cvc"):
                    self.assertEqual(one.value(f"#{name}"), "")
                number = typed[0].replace(" ", "")
                if number:
                    self.assertNotIn(number[:8], re.sub(r"\D", "", one.text()))
                    self.assertNotIn(number, one.html())
                one.reloads()
                self.assertFalse(one.has("#faults:not([hidden])"), "faults are shown once")
        self.agree(payment, "open", [], 0, attempts=0)

    def test_a_brand_that_the_card_does_not_carry(self):
        payment = self.open()
        one = self.plain()
        one.opens(payment["url"], "card")
        one.fills(GOOD)
        one.click("label[for=scheme-mastercard]")
        one.pays("card")
        self.assertIn("This card does not carry Mastercard", one.text())
        self.agree(payment, "open", [], 0, attempts=0)

    def test_choices_stay(self):
        payment = self.open(customer=self.customer(), keep_card="offer")
        one = self.plain()
        one.opens(payment["url"], "card")
        one.fills(GOOD, code="1")
        one.click("label[for=scheme-cb]")
        one.click("label[for=keep]")
        one.pays("card")
        self.assertTrue(one.has("#scheme-cb:checked"))
        self.assertTrue(one.has("#keep:checked"))

    def test_each_form_of_a_date(self):
        payment = self.open()
        for one in (self.visit(payment), self.plain()):
            for text in DATES:
                with self.subTest(text, script=one.has_script):
                    one.opens(payment["url"] + "/card", "card")
                    one.types("number", GOOD)
                    one.types("expiry", text)
                    one.types("cvc", "1")
                    if one.has_script:
                        one.click("button[name=pay]")
                    else:
                        one.leaves("button[name=pay]")
                        if one.sees("card", "refused") != "card":
                            continue
                    until(lambda: one.focused() == "faults", "faults")
                    self.assertNotIn("month", one.words("#faults"))
                    self.assertNotIn("year", one.words("#faults"))

    def test_each_form_of_a_number(self):
        for name, how in (("first", {}), ("plain", {"script": False})):
            for text in NUMBERS:
                with self.subTest(text, script=name):
                    payment = self.open()
                    one = self.visit(payment, "card", name, **how)
                    one.fills(text)
                    one.pays("approved")
                    self.assertEqual(self.document(payment)["card"]["last4"], "8183")

    def test_the_name(self):
        """Asked for where the acquirer's template takes it."""
        for name, how in (("first", {}), ("plain", {"script": False})):
            for text, wanted in [("", "Enter the name on the card"), (GOOD, "The name here, not the number"),
                                 ("123", "The name here, not the number")]:
                with self.subTest(text, script=name):
                    payment = self.open(merchant="hasty")
                    one = self.visit(payment, "card", name, **how)
                    one.types("name", text)
                    one.fills(GOOD)
                    one.click("button[name=pay]")
                    until(lambda: wanted in one.words("#faults"), wanted)
                    self.agree(payment, "open", [], None, merchant="hasty", attempts=0)

    def test_help_while_typing(self):
        """Grouping, the slash, a sentence that goes when the field is right."""
        payment = self.open()
        one = self.visit(payment)
        one.types("number", "4970105181818184")
        self.assertEqual(one.value("#number"), "4970 1051 8181 8184")
        one.types("expiry", "0329")
        self.assertEqual(one.value("#expiry"), "03/29")
        until(lambda: "a digit seems to be wrong" in one.text(), "the number is checked when it is left")
        one.types("number", "4970105181818183")
        self.assertNotIn("a digit seems to be wrong", one.text())
        one.types("number", "378282246310005")
        self.assertEqual(one.value("#number"), "3782 822463 10005")
        until(lambda: "4 digits on the front" in one.text(), "the code's length")
        one.types("number", "6759649826438453" + "001")
        self.assertEqual(one.value("#number"), "6759 6498 2643 8453 001")
        self.assertIsNone(one.find("#number").get_dom_attribute("maxlength"))
