"""A person at a browser."""

import atexit
import itertools
import os
import shutil
import signal
import tempfile

from selenium import webdriver
from selenium.common.exceptions import (
    NoSuchElementException, NoSuchFrameException, NoSuchWindowException,
    StaleElementReferenceException, WebDriverException)
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import cards
from installation import LIMIT, until

WIDE, NARROW = (1100, 1000), (320, 720)
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
DRIVER = os.environ.get("CHROMEDRIVER", "/usr/bin/chromedriver")
_addresses = itertools.count(1)
_shoppers = {}
GONE = (StaleElementReferenceException, NoSuchElementException, NoSuchFrameException)


def shopper(name="first", **how):
    """One of the browsers that tests share, with nothing in its memory of who it was."""
    if name not in _shoppers:
        _shoppers[name] = Shopper(**how)
    one = _shoppers[name]
    one.forget()
    return one


def leave():
    for one in _shoppers.values():
        one.quit()
    _shoppers.clear()


atexit.register(leave)


class Shopper:
    def __init__(self, script=True, size=WIDE, profile=None, language="en-GB"):
        self.has_script = script
        self.profile = profile or tempfile.mkdtemp(prefix="pp")
        self.keeps_profile = profile is not None
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        # The authority is a throwaway one, so that its word is not asked for.
        for argument in [
            "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
            "--ignore-certificate-errors", f"--window-size={size[0]},{size[1]}",
            "--disable-background-networking", "--no-first-run", f"--lang={language}",
            f"--user-data-dir={self.profile}",
        ]:
            options.add_argument(argument)
        preferences = {"intl.accept_languages": language}
        if not script:
            preferences["profile.managed_default_content_settings.javascript"] = 2
        options.add_experimental_option("prefs", preferences)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        options.page_load_strategy = "none"
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
        self.driver.set_script_timeout(LIMIT)
        self.pid = self.driver.service.process.pid

    def quit(self):
        try:
            self.driver.quit()
        except WebDriverException:
            pass
        if not self.keeps_profile:
            shutil.rmtree(self.profile, ignore_errors=True)

    def kill(self):
        """As when the machine loses its current."""
        children = [int(self.tell("Browser.getVersion") and pid) for pid in self.processes()]
        for pid in children:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            self.driver.service.stop()
        except (WebDriverException, OSError):
            pass

    def processes(self):
        """The browser's processes: those whose command names its profile."""
        found = []
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            if f"--user-data-dir={self.profile}".encode() in words and b"chromedriver" not in words[0]:
                found.append(int(name))
        return found

    def tell(self, command, **parameters):
        return self.driver.execute_cdp_cmd(command, parameters)

    def forget(self):
        """Becomes somebody else, at another address."""
        for handle in self.driver.window_handles[1:]:
            self.driver.switch_to.window(handle)
            self.driver.close()
        self.driver.switch_to.window(self.driver.window_handles[0])
        self.driver.get("about:blank")
        self.tell("Network.enable")
        self.tell("Network.clearBrowserCookies")
        self.be_at(f"10.{next(_addresses) // 250}.{next(_addresses) % 250}.1")
        self.tell("Emulation.clearDeviceMetricsOverride")
        self.tell("Emulation.setEmulatedMedia", features=[])
        self.messages()
        self.driver.get_log("performance")

    def be_at(self, address):
        self.tell("Network.setExtraHTTPHeaders", headers={"X-Forwarded-For": address})

    def look(self, size=None, dark=False, scale=1):
        if size:
            self.tell(
                "Emulation.setDeviceMetricsOverride", width=size[0], height=size[1],
                deviceScaleFactor=scale, mobile=False)
        scheme = "dark" if dark else "light"
        # Without motion, a colour is there at once.
        self.tell("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"}])

    # MARK: what is on the screen

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def screen(self):
        """Which screen it is; nothing while one goes and the next comes."""
        try:
            return self.run(
                "return document.readyState === 'complete' && document.body"
                " && document.body.dataset.screen")
        except WebDriverException:
            return None

    def sees(self, *screens, limit=LIMIT):
        """Waits until one of the screens is there."""
        return until(
            lambda: (now := self.screen()) in screens and now,
            lambda: f"screen {screens}; it is {self.screen()!r} at {self.driver.current_url}", limit)

    def text(self):
        """What is to be read, with plain blanks."""
        return self.run("return document.body.innerText").replace("\u00a0", " ").replace("\u202f", " ")

    def title(self):
        return self.driver.title

    def html(self):
        return self.driver.page_source

    def find(self, selector):
        return until(lambda: self.all(selector), f"{selector} on {self.screen()}")[0]

    def all(self, selector):
        try:
            return self.driver.find_elements(By.CSS_SELECTOR, selector)
        except WebDriverException:
            return []

    def has(self, selector):
        return bool(self.all(selector))

    def words(self, selector):
        """The text of one element, blanks as they are."""
        return self.run("return document.querySelector(arguments[0]).textContent", selector)

    def value(self, selector):
        return self.run("return document.querySelector(arguments[0]).value", selector)

    # MARK: what a person does

    def opens(self, url, *screens):
        self.driver.get(url)
        return self.sees(*screens) if screens else None

    def click(self, selector):
        """Clicks what can be seen; it is brought into sight first."""
        def done():
            try:
                one = self.driver.find_element(By.CSS_SELECTOR, selector)
                self.run("arguments[0].scrollIntoView({block: 'center'})", one)
                one.click()
                return True
            except GONE:
                return False
            except WebDriverException as error:
                if "click intercepted" in str(error) or "not interactable" in str(error):
                    return False
                raise
        until(done, lambda: f"click on {selector}; the screen is {self.screen()}")

    def leaves(self, selector):
        """Clicks, and waits until the page has gone."""
        page = self.driver.find_element(By.TAG_NAME, "html")
        self.click(selector)

        def gone():
            try:
                page.is_enabled()
                return False
            except (StaleElementReferenceException, NoSuchWindowException):
                return True
            except WebDriverException:
                return False
        until(gone, f"the page that {selector} leaves is gone")

    def types(self, name, text):
        field = self.find(f"[name={name}]")
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(Keys.DELETE)
        field.send_keys(text)

    def fills(self, number=None, expiry=cards.EXPIRY, code="123"):
        if number is not None:
            self.types("number", number)
        if expiry is not None and (number is not None or self.has("#expiry")):
            self.types("expiry", expiry)
        if code is not None:
            self.types("cvc", code)

    def pays(self, *screens):
        self.leaves("button[name=pay]")
        return self.sees(*screens) if screens else None

    def pays_with(self, number, *screens, expiry=cards.EXPIRY, code=None):
        if code is None:
            code = cards.code("amex" if number[:2] in ("34", "37") else "visa")
        self.fills(number, expiry, code)
        return self.pays(*(screens or ("approved",)))

    def answers_bank(self, code="1234", button="confirm", frame=True):
        """At the bank's page, which stands in its frame or in the whole window."""
        self.at_bank(frame)
        if code is not None:
            self.driver.find_element(By.NAME, "code").send_keys(code)
        self.driver.find_element(By.NAME, button).click()
        self.driver.switch_to.default_content()

    def at_bank(self, frame=True):
        """Waits until the bank's page has come."""
        def there():
            try:
                self.driver.switch_to.default_content()
                if frame:
                    self.driver.switch_to.frame("bank")
                return self.driver.find_elements(By.NAME, "code")
            except WebDriverException:
                return False
        until(there, "the bank's page is there")

    def goes_back(self):
        self.driver.back()

    def reloads(self):
        page = self.driver.find_element(By.TAG_NAME, "html")
        self.driver.refresh()

        def gone():
            try:
                page.is_enabled()
                return False
            except (StaleElementReferenceException, NoSuchElementException):
                return True
            except WebDriverException:
                return False
        until(gone, "the page is there anew")
        until(self.screen, "a screen after the reload")

    def focused(self):
        return self.run(
            "const one = document.activeElement; return one && (one.id || one.name || one.tagName)")

    def messages(self):
        """What the console has been told since the last time."""
        return [one["message"] for one in self.driver.get_log("browser")]
