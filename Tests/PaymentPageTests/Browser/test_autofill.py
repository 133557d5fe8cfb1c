import cards
from case import BrowserCase
from installation import until


class Autofill(BrowserCase):
    """Chromium's own autofill knows the fields, although the form asks for no memory of them."""

    def test_fills_all_three(self):
        payment = self.open()
        one = self.visit(payment)
        number = cards.card("visa")
        one.tell("Autofill.enable")
        one.tell("DOM.enable")
        root = one.tell("DOM.getDocument")["root"]["nodeId"]
        field = one.tell("DOM.querySelector", nodeId=root, selector="#number")["nodeId"]
        backend = one.tell("DOM.describeNode", nodeId=field)["node"]["backendNodeId"]
        one.tell("Autofill.trigger", fieldId=backend, card={
            "number": number, "name": "A. Person", "expiryMonth": "03", "expiryYear": "2029", "cvc": "123"})
        until(lambda: one.value("#cvc"), "the fields are filled")
        self.assertEqual(one.value("#number").replace(" ", ""), number)
        self.assertIn(one.value("#expiry"), ("03/29", "03/2029"))
        self.assertEqual(one.value("#cvc"), "123")
        one.pays("approved")
        self.agree(payment, "approved", ["in_progress", "approved"], 2)
