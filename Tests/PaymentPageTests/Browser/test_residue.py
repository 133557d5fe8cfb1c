import pathlib
import re
import shutil
import tempfile

import cards
from case import BrowserCase
from installation import until
from shopper import Shopper


def forms(number, code):
    """How a number and a code may stand in a file."""
    groups = re.findall(r"\d{1,4}", number)
    texts = [number, number[::-1], *(mark.join(groups) for mark in (" ", "-", "+", "%20", "\u00a0"))]
    patterns = []
    for encoding in ("utf-8", "utf-16-le"):
        patterns += [re.escape(text.encode(encoding)) for text in texts]
        # Three digits are in every file; these are a card's code.
        name, value = (re.escape(text.encode(encoding)) for text in ("cvc", code))
        patterns.append(name + rb"[^0-9]{1,64}?" + value + rb"(?!\d)")
    return re.compile(b"|".join(patterns))


def found(folder, pattern):
    """Files that hold it, in their names or in their content."""
    hits = []
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if pattern.search(str(path).encode()):
            hits.append(f"the name {path}")
        try:
            if path.is_file():
                match = pattern.search(path.read_bytes())
                if match:
                    hits.append(f"{path.relative_to(folder)}: {match[0][:40]!r}")
        except OSError:
            # The browser tidies up.
            pass
    return hits


class Residue(BrowserCase):
    """No card is left on disk: not in the browser's profile, not with the page, not with the vault."""

    def setUp(self):
        super().setUp()
        self.profile = tempfile.mkdtemp(prefix="px")
        self.browser = None
        self.addCleanup(shutil.rmtree, self.profile, True)
        self.addCleanup(lambda: self.browser and self.browser.quit())

    def start(self, script=True):
        self.browser = Shopper(script=script, profile=self.profile)
        self.browser.forget()
        return self.browser

    def control(self, one):
        """Types a number into a form as others have it, and waits until that is on disk: what was typed
        before it would be there too."""
        number, code = cards.card("visa"), "904"
        one.opens(f"{self.all.shop.url}/form", "form")
        one.types("number", number)
        one.types("cvc", code)
        until(lambda: found(self.profile, forms(number, code)), "what another form has taken is on disk")

    def nothing(self, number, code):
        pattern = forms(number, code)
        self.assertEqual(found(self.profile, pattern), [], "in the browser's profile")
        self.assertEqual(found(self.all.directory, pattern), [], "in the installation")

    def pays_every_way(self, one, number, code):
        """Mistakes, a challenge, back, reload, a refusal, the code alone."""
        payment = self.open(200_002, customer=self.customer(), keep_card="offer")
        one.opens(payment["url"], "card")
        one.fills(number, "13/29", code)
        one.click("button[name=pay]")
        one.find("#faults:not([hidden])")
        one.fills(number, code=code)
        one.click("label[for=keep]")
        one.pays("bank")
        one.goes_back()
        one.sees("bank")
        one.reloads()
        one.sees("bank")
        one.click("#help > summary")
        one.leaves("button[value=attempt]")
        one.sees("refused")
        one.leaves("a[href$='/code']")
        one.sees("code")
        one.fills(code=code)
        one.pays("bank")
        one.click("#help > summary")
        one.leaves("button[value=attempt]")
        one.sees("refused")
        payment = self.open(100_001)
        one.opens(payment["url"], "card")
        one.fills(number, code=code)
        one.pays("refused")
        one.goes_back()
        one.sees("card", "refused")
        one.driver.forward()
        one.sees("refused")
        payment = self.open()
        one.opens(payment["url"], "card")
        one.fills(number, code=code)
        one.pays("approved")
        one.goes_back()
        one.sees("approved")
        self.assertEqual(self.document(payment)["state"], "approved")

    def test_script_on(self):
        number, code = cards.card(), "731"
        one = self.start()
        self.pays_every_way(one, number, code)
        self.control(one)
        self.nothing(number, code)
        one.quit()
        self.nothing(number, code)

    def test_script_off(self):
        number, code = cards.card(), "732"
        one = self.start(script=False)
        self.pays_every_way(one, number, code)
        self.control(one)
        self.nothing(number, code)
        one.quit()
        self.nothing(number, code)

    def test_killed(self):
        """Typed and not sent, then the browser dies; started again, it has nothing to put back."""
        number, code = cards.card(), "733"
        payment = self.open()
        one = self.start()
        one.opens(payment["url"], "card")
        one.fills(number, code=code)
        one.driver.switch_to.new_window("tab")
        self.control(one)
        one.kill()
        self.nothing(number, code)
        one = self.start()
        one.opens(payment["url"], "card")
        for name in ("number", "expiry", "cvc"):
            self.assertEqual(one.value(f"#{name}"), "")
        self.nothing(number, code)

    def test_page_killed(self):
        """The page dies while it holds a card for a challenge."""
        number, code = cards.card(), "734"
        payment = self.open(200_002)
        one = self.start()
        one.opens(payment["url"], "card")
        one.fills(number, code=code)
        one.pays("bank")
        self.all.kill_page()
        self.nothing(number, code)
        self.all.start_page()
        one.reloads()
        one.sees("bank")
        self.nothing(number, code)

    def test_another_form_is_found_out(self):
        """The search finds what it looks for."""
        number = cards.card()
        folder = pathlib.Path(self.profile)
        for text in (number, " ".join(re.findall("....", number)), f'{{"cvc":"735"}}', "x&cvc=735&y"):
            for encoding in ("utf-8", "utf-16-le"):
                (folder / "found").write_bytes(b"\x00abc" + text.encode(encoding) + b"\x00")
                self.assertTrue(found(folder, forms(number, "735")), (text, encoding))
        (folder / "found").write_bytes(b"cvc=7351 735 x")
        self.assertEqual(found(folder, forms(number, "735")), [])
