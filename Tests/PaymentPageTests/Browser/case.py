"""What every test of these has: a shop that opens payments, a shopper, and a look at all four parts."""

import random
import unittest
import uuid

import cards
from installation import shared, until
from shopper import shopper

# What the shop opens if nothing else is said; the amount is one that every acquirer approves.
ITEMS = [
    {"label": "Carnet", "quantity": 2, "amount": 2990},
    {"label": "Stylo", "amount": 2000},
]


class BrowserCase(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.all = shared()

    def setUp(self):
        self.before, _ = self.all.received()

    # MARK: the shop

    def open(self, amount=4990, currency="EUR", merchant="shop", **more):
        """Opens a payment: what the shop was answered."""
        reference = more.pop("reference", f"order-{random.randrange(10 ** 9)}")
        order = {
            "reference": reference, "amount": {"value": amount, "currency": currency},
            "return_url": f"{self.all.shop.url}/orders/{reference}", "language": "en", **more}
        status, payment = self.client(merchant).json("POST", "/v1/payments", order)
        self.assertEqual(status, 201, payment)
        return payment

    def client(self, merchant="shop"):
        return self.all.backend if merchant == "shop" else self.all.other_backend

    def document(self, payment, merchant="shop"):
        status, document = self.client(merchant).json("GET", f"/v1/payments/{payment['payment']}")
        self.assertEqual(status, 200, document)
        return document

    def ask(self, payment, what, body=None, merchant="shop"):
        return self.client(merchant).json(
            "POST", f"/v1/payments/{payment['payment']}/{what}", body or {})

    # MARK: the shopper

    def shopper(self, name="first", **how):
        return shopper(name, **how)

    def visit(self, payment, screen="card", name="first", **how):
        one = self.shopper(name, **how)
        one.opens(payment["url"], screen)
        return one

    def plain(self, name="plain", **how):
        """A shopper whose browser runs no script."""
        return self.shopper(name, script=False, **how)

    # MARK: all of them

    def agree(self, payment, state, told, messages, kept=None, merchant="shop", attempts=None):
        """Shop, page, acquirer and vault know one state.

        - told: the states of the notifications, in order.
        - messages: how many the acquirer has had since the test began; None where more of them run.
        - kept: the only token that is there when the payment has ended.
        """
        document = self.document(payment, merchant)
        self.assertEqual(document["state"], state)
        if attempts is not None:
            self.assertEqual(document["attempts"], attempts)
        self.told(payment, told)
        count, identifiers = self.all.received()
        if messages is not None:
            self.assertEqual(count - self.before, messages, "messages at the acquirer")
        if document["payment_id"] and state in ("approved", "pending", "unknown"):
            self.assertEqual(identifiers.count(document["payment_id"]), 1)
        if state in ("approved", "refused", "cancelled", "expired"):
            self.assertIsNotNone(document["ended_at"])
            for token in set(self.all.tokens(payment["payment"])) - {kept}:
                until(lambda: not self.all.has_token(token), "the vault has forgotten the card")
        if kept:
            self.assertTrue(self.all.has_token(kept), "the vault has the card that is kept")
        return document

    def told(self, payment, states):
        """What the shop was told, with signatures that are right."""
        heard = lambda: [one["state"] for one in self.all.shop.told(payment["payment"])]
        until(lambda: len(heard()) >= len(states), lambda: f"{states}; the shop heard {heard()}")
        self.assertEqual(heard(), states)
        told = self.all.shop.told(payment["payment"])
        self.assertEqual([one["sequence"] for one in told], list(range(1, len(told) + 1)))
        self.assertEqual(self.all.shop.wrong, [], "notifications without a right signature")
        return told

    def customer(self):
        return f"c-{uuid.uuid4().hex[:12]}"

    def paid(self, number=None, amount=4990, **order):
        """A payment that was paid by a card, without 3-D Secure's challenge."""
        payment = self.open(amount, **order)
        one = self.visit(payment)
        one.pays_with(number or cards.card())
        return payment, one
