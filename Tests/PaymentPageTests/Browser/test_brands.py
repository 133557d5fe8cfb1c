import cards
from case import BrowserCase
from installation import until


class Brands(BrowserCase):
    """Each brand pays, as its card is."""

    def pay(self, kind, brand, marks, scheme=None, typed=None):
        payment = self.open(items=[{"label": "Carnet", "quantity": 2, "amount": 4990}])
        one = self.visit(payment)
        number, code = cards.card(kind), cards.code(kind)
        one.fills(typed(number) if typed else number, code=code)
        names = lambda: one.run(
            "return [...document.querySelectorAll('#number-hint li')].map((node) => node.innerText)")
        until(lambda: names() == marks, lambda: f"marks {marks}; there are {names()}")
        visible = one.run("return document.querySelector('#scheme').offsetHeight > 0")
        self.assertEqual(visible, len(marks) > 1, "the choice of two brands")
        self.assertFalse(one.has("[name=scheme]:checked"), "a brand is chosen beforehand")
        if scheme:
            one.click(f"label[for=scheme-{scheme}]")
        one.pays("approved")
        document = self.agree(payment, "approved", ["in_progress", "approved"], 2, attempts=1)
        card = document["card"]
        self.assertEqual(card["brand"], brand)
        self.assertEqual(card["scheme"], scheme)
        self.assertEqual(card["last4"], number[-4:])
        self.assertEqual((card["exp_month"], card["exp_year"]), (3, 2029))
        self.assertNotIn("token", card)
        text = one.text()
        self.assertIn(f"{cards.NAMES[brand]} ending in {number[-4:]}", text)
        self.assertIn("€49.90", text)
        self.assertNotIn(number, one.html())
        self.assertEqual(one.messages(), [])
        return one, document

    def test_cb_and_visa_without_a_choice(self):
        self.pay("cb_visa", "visa", ["Visa", "CB"])

    def test_cb_and_visa_by_cb(self):
        one, _ = self.pay("cb_visa", "visa", ["Visa", "CB"], scheme="cb")
        self.assertIn("Paid through CB, as you chose", one.text())

    def test_cb_and_visa_by_visa(self):
        self.pay("cb_visa", "visa", ["Visa", "CB"], scheme="visa")

    def test_cb_and_mastercard(self):
        self.pay("cb_mastercard", "mastercard", ["Mastercard", "CB"], scheme="mastercard")

    def test_visa(self):
        self.pay("visa", "visa", ["Visa"])

    def test_visa_typed_with_blanks_around(self):
        typed = lambda number: "  " + " ".join(number[i:i + 4] for i in range(0, 16, 4)) + " "
        self.pay("visa", "visa", ["Visa"], typed=typed)

    def test_visa_electron(self):
        self.pay("visa_electron", "visa_electron", ["Visa Electron"])

    def test_mastercard(self):
        self.pay("mastercard", "mastercard", ["Mastercard"])

    def test_maestro_of_19_digits(self):
        self.pay("maestro", "maestro", ["Maestro"])

    def test_amex_with_four_digits(self):
        self.pay("amex", "amex", ["American Express"])

    def test_a_choice_goes_with_the_number(self):
        """Another number cannot have the brand that was chosen for the first one."""
        payment = self.open()
        one = self.visit(payment)
        one.types("number", cards.card("cb_visa"))
        one.click("label[for=scheme-cb]")
        self.assertTrue(one.has("#scheme-cb:checked"))
        one.pays_with(cards.card("mastercard"))
        document = self.agree(payment, "approved", ["in_progress", "approved"], 2)
        self.assertEqual((document["card"]["brand"], document["card"]["scheme"]), ("mastercard", None))

    def test_each_currency(self):
        for currency, shown in [
            ("EUR", "€1,234.50"), ("USD", "US$1,234.50"), ("GBP", "£1,234.50"), ("CHF", "CHF\u00a01,234.50"),
        ]:
            with self.subTest(currency):
                self.setUp()
                payment = self.open(123_450, currency)
                one = self.visit(payment)
                self.assertEqual(one.words("h1 .amount"), shown)
                self.assertEqual(one.words("button[name=pay]"), f"Pay {shown}")
                self.assertEqual(one.title(), f"Pay {shown} to Maison Exemple")
                one.pays_with(cards.card())
                self.agree(payment, "approved", ["in_progress", "approved"], 2)

    def test_manual_capture_is_told(self):
        payment = self.open(capture="manual")
        one = self.visit(payment)
        one.pays_with(cards.card())
        self.assertIn("reserved", one.text())
        document = self.agree(payment, "approved", ["in_progress", "approved"], 2)
        self.assertIs(document["outcome"]["captured"], False)
