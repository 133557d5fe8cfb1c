import contextlib
import json
import sqlite3
import time

import cards
from case import BrowserCase
from installation import LIMIT, until

MINUTE = 60_000
PAID = ["in_progress", "approved"]


class Clock(BrowserCase):
    """What time does. Instead of the clock, what the page has noted is moved."""

    def move(self, table, key, change):
        """Changes a row as if it had been written at another time."""
        with contextlib.closing(sqlite3.connect(self.all.store, timeout=LIMIT)) as database, database:
            database.execute("BEGIN IMMEDIATE")
            for name, text in database.execute(
                    f"SELECT {key[0]}, body FROM {table} WHERE {key[1]} = ?", (key[2],)).fetchall():
                body = json.loads(text)
                change(body)
                columns = {"body": json.dumps(body, separators=(",", ":"))}
                if table == "payments":
                    columns["expires_at"] = body["expiresAt"]
                database.execute(
                    f"UPDATE {table} SET {', '.join(f'{one} = ?' for one in columns)} WHERE {key[0]} = ?",
                    (*columns.values(), name))

    def payment_moved(self, payment, change):
        self.move("payments", ("id", "id", payment["payment"]), change)

    def test_the_receipt_is_there_for_an_hour(self):
        payment, one = self.paid()

        def age(body):
            body["endedAt"] -= 59 * MINUTE
        self.payment_moved(payment, age)
        one.reloads()
        one.sees("approved")

        def more(body):
            body["endedAt"] -= 2 * MINUTE
        self.payment_moved(payment, more)
        one.reloads()
        one.sees("closed")
        self.assertNotIn("ending in", one.text())

    def test_ten_minutes_at_the_bank(self):
        payment = self.open(200_002)
        one = self.visit(payment)
        one.pays_with(cards.card(), "bank")

        def age(body):
            body["challenge"]["begunAt"] -= 11 * MINUTE
        self.move("attempts", ("id", "payment", payment["payment"]), age)
        one.sees("refused")
        self.assertIn("The payment was not confirmed", one.text())
        self.agree(payment, "open", ["in_progress", "open"], 1, attempts=1)

    def test_few_minutes_are_told(self):
        """Seen, and said once to who does not see."""
        payment = self.open()

        def soon(body):
            body["expiresAt"] = int(time.time() * 1_000) + 5 * MINUTE + 8_000
        self.payment_moved(payment, soon)
        one = self.visit(payment)
        self.assertEqual(one.words("#status"), "")
        until(lambda: "You have 5" in one.words("#status"), "five minutes are said")
        self.assertTrue(one.find("#time").is_displayed())
        self.assertIn("Time to pay: 5 minutes left", one.text())
        one.leaves("button[name=more]")
        one.sees("card")
        self.assertFalse(one.find("#time").is_displayed())

    def test_a_kept_card_that_has_expired(self):
        customer = self.customer()
        payment = self.open(customer=customer, keep_card="offer")
        one = self.visit(payment)
        one.fills(cards.card())
        one.click("label[for=keep]")
        one.pays("approved")
        token = self.document(payment)["card"]["token"]

        def old(body):
            (body.get("card") or body).update(year=2025)
        self.move("kept_cards", ("token", "token", token), old)
        payment = self.open(customer=customer)
        one.opens(payment["url"], "kept")
        self.assertIn("Expired", one.text())
        self.assertTrue(one.has("[name=card][disabled]"))
        self.assertFalse(one.has("[name=card]:checked"))
        one.fills(code="123")
        one.click("button[name=pay]")
        until(lambda: "Choose a card" in one.text(), "it is told that a card is to be chosen")
        one.leaves("a.act[href$='/card']")
        one.sees("card")
        one.pays_with(cards.card())
        self.agree(payment, "approved", PAID, 4)

    def test_the_token_of_what_stays_unknown_goes_after_a_day(self):
        payment = self.open(100_011)
        one = self.visit(payment)
        one.pays_with(cards.card(), "waiting")
        token, = self.all.tokens(payment["payment"])
        self.assertTrue(self.all.has_token(token))

        def age(body):
            body["expiresAt"] = int(time.time() * 1_000) - 25 * 60 * MINUTE
        self.payment_moved(payment, age)
        until(lambda: not self.all.has_token(token), "the vault has forgotten the card")
        self.agree(payment, "unknown", ["in_progress", "unknown"], 2)
        self.assertEqual(self.ask(payment, "settle", {"state": "approved"})[0], 200)
        one.reloads()
        one.sees("approved")
