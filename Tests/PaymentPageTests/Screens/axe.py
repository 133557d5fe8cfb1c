"""Looks at every sample screen in Chromium with axe, narrow and wide, light and dark.

    python axe.py [--pictures DIRECTORY] [NAME …]

needs chromium with its driver and the packages chevron, selenium and axe-playwright-python. The screens are
served on a loopback address with the headers that the page's program sends.
"""

import argparse
import base64
import functools
import http.server
import importlib.util
import json
import pathlib
import sys
import tempfile
import threading

from selenium import webdriver

import render

WIDTHS = (320, 1100)
SCHEMES = ("light", "dark")
GOES_ON = ("bank_go", "bank_back", "out")  # whose script leads away at once
POLICY = (
    "default-src 'none'; script-src {}; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-src 'self'; frame-ancestors 'self'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/p/") and self.path.endswith("/bank/go"):
            self.path = "/bank_go-en.html"
        super().do_GET()

    def end_headers(self):
        still = self.path.lstrip("/").split("-")[0] in GOES_ON
        self.send_header("Content-Security-Policy", POLICY.format("'none'" if still else "'self'"))
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, *_):
        pass


def axe_source():
    found = importlib.util.find_spec("axe_playwright_python")
    return (pathlib.Path(found.origin).parent / "axe.min.js").read_text("utf-8")


def browser():
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--pictures", type=pathlib.Path)
    arguments.add_argument("names", nargs="*")
    options = arguments.parse_args()
    directory = tempfile.mkdtemp()
    if render.main(directory):
        return 1
    handler = functools.partial(Handler, directory=directory)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    source = axe_source()
    driver = browser()
    names = options.names or sorted(path.stem for path in pathlib.Path(directory).glob("*.html"))
    looks = violations = wide = logged = 0
    for width in WIDTHS:
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        for scheme in SCHEMES:
            feature = {"name": "prefers-color-scheme", "value": scheme}
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
            for name in names:
                driver.get(f"http://127.0.0.1:{server.server_port}/{name}.html")
                looks += 1
                overflow = driver.execute_script(
                    "return document.documentElement.scrollWidth - innerWidth")
                if overflow > 0:
                    wide += 1
                    print(name, width, "is wider than the window by", overflow)
                for line in driver.get_log("browser"):
                    # A sample has no server behind it, and some have their script kept away.
                    if not any(known in line["message"] for known in ("404", "501", "\"script-src 'none'\"")):
                        logged += 1
                        print(name, line["message"])
                if options.pictures:
                    options.pictures.mkdir(parents=True, exist_ok=True)
                    picture(driver, options.pictures / f"{name}-{width}-{scheme}.png", width)
                driver.execute_script(source)
                found = driver.execute_async_script(
                    "const done = arguments[0]; axe.run({iframes: false, runOnly: ['wcag2a', 'wcag2aa',"
                    " 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
                    ".then((r) => done(r.violations.map((v) => [v.id, v.nodes.map((n) => n.html)])))")
                for rule, nodes in found:
                    violations += 1
                    print(name, width, scheme, rule, json.dumps(nodes[:3])[:400])
    driver.quit()
    print(f"{looks} looks, {violations} violations, {wide} too wide, {logged} complaints of the browser")
    return 1 if violations or wide or logged else 0


def picture(driver, path, width):
    height = driver.execute_script("return document.documentElement.scrollHeight")
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    shot = driver.execute_cdp_cmd(
        "Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    path.write_bytes(base64.b64decode(shot["data"]))


if __name__ == "__main__":
    sys.exit(main())
