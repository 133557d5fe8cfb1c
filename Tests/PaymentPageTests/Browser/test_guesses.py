import cards
from case import BrowserCase
from installation import Client

BOUNDS = "{attempts_by_address_per_minute: 4, attempts_by_card_per_hour: 2, attempts_by_bin_per_minute: 3}"
MANY = "this page takes no card for the moment"


class Guesses(BrowserCase):
    """Who tries cards is stopped, by a page with low bounds; nothing reaches the acquirer then."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.page, cls.url, shops = cls.all.second(BOUNDS)
        cls.backend = Client(shops, cls.all.pki / "ca.pem", cls.all.pki / "shop-backend")

    @classmethod
    def tearDownClass(cls):
        cls.page.terminate()
        cls.page.wait()

    def client(self, merchant="shop"):
        return self.backend

    def test_by_card(self):
        number = cards.card("visa")
        one = self.shopper()
        for _ in range(2):
            payment = self.open(100_003)
            one.opens(payment["url"], "card")
            one.pays_with(number, "refused")
        payment = self.open(100_003)
        one.opens(payment["url"], "card")
        one.pays_with(number, "card")
        self.assertIn(MANY, one.text())
        self.assertIn("Nothing was charged", one.text())
        self.assertEqual(self.all.received()[0] - self.before, 4)
        self.assertEqual(self.document(payment)["state"], "open")
        self.assertTrue(one.has("button[value=paypal]"), "another way is open")

    def test_by_bin(self):
        one = self.shopper()
        payments = [self.open(100_003) for _ in range(4)]
        for payment in payments[:3]:
            one.opens(payment["url"], "card")
            one.pays_with(self.of_one_bin(), "refused")
        one.opens(payments[3]["url"], "card")
        one.pays_with(self.of_one_bin(), "card")
        self.assertIn(MANY, one.text())
        self.assertEqual(self.all.received()[0] - self.before, 6)

    def of_one_bin(self):
        """All with the same eight digits first."""
        stem = "55555555" + cards.card("mastercard")[8:15]
        return stem + cards.luhn(stem)

    def test_by_address(self):
        one = self.shopper()
        kinds = ["cb_visa", "maestro", "amex", "visa_electron"]
        for kind in kinds:
            payment = self.open(100_003)
            one.opens(payment["url"], "card")
            one.pays_with(cards.card(kind), "refused")
        payment = self.open()
        one.opens(payment["url"], "card")
        one.pays_with(cards.card(), "card")
        self.assertIn(MANY, one.text())
        self.assertEqual(self.all.received()[0] - self.before, 8)
        one.be_at("10.77.77.77")
        one.pays_with(cards.card("cb_mastercard"))
        self.assertEqual(self.document(payment)["state"], "approved")
