#!/usr/bin/env python3
"""late.py [SECONDS]: the page is killed when it has asked for money, and what it sent reaches the vault only so many seconds
after the page has come back and asked what became of it (a vault that is busy or stopped, a slow network). What the
page then says must be true."""
import sys
from common import *


class Relay:
    """Between page and vault: holds what is on its way to the vault when told to."""

    def __init__(self, port):
        self.target, self.holds, self.released = port, lambda: False, threading.Event()
        self.held = 0
        self.listener = socket.create_server(('127.0.0.1', 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            page, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(page,), daemon=True).start()

    def serve(self, page):
        try:
            vault = socket.create_connection(('127.0.0.1', self.target))
        except OSError:
            return page.close()
        threading.Thread(target=self.copy, args=(vault, page, False), daemon=True).start()
        self.copy(page, vault, True)

    def copy(self, source, sink, holding):
        isHeld = False
        while True:
            try:
                data = source.recv(65536)
            except OSError:
                data = b''
            if holding and data and not self.released.is_set() and self.holds():
                self.held, isHeld = self.held + 1, True
                self.released.wait(120)
            try:
                if not data:
                    if isHeld:
                        time.sleep(5)
                    return sink.close()
                sink.sendall(data)
            except OSError:
                return


def main():
    wait = float(sys.argv[1]) if len(sys.argv) > 1 else 3
    shop = FakeShop()
    relays = []

    def through(text):
        port = int(re.search(r'vault: \{url: "https://127.0.0.1:(\d+)"', text)[1])
        relays.append(Relay(port))
        return text.replace('vault: {url: "https://127.0.0.1:%d"' % port, 'vault: {url: "https://127.0.0.1:%d"' % relays[0].port)
    programs = Programs(shop.port, through)
    relay, faults = relays[0], []
    shop.secret = programs.secret
    shop.start(programs.pki)
    for name in ('acquirer', 'vault', 'page'):
        programs.start(name)
    programs.wait_ready()
    made = programs.open_payment(4990)
    browser = Browser(programs)
    _, text = browser.visit(made['url'])
    armed = [True]

    def asks_for_money():
        return armed[0] and any(a[2]['step'] == 'authorizing' for a in programs.attempts(made['payment']))
    relay.holds = asks_for_money
    threading.Thread(target=browser.pay, args=(text, card()), daemon=True).start()
    end = time.time() + 20
    while not relay.held and time.time() < end:
        time.sleep(0.01)
    armed[0] = False
    programs.kill('page')
    programs.start('page')
    programs.wait_ready()
    time.sleep(wait)
    browser.connection = None
    early = programs.payment(made['payment'])['state'], browser.look()[0]
    relay.released.set()
    end = time.time() + 60
    while programs.payment(made['payment'])['state'] == 'in_progress' and time.time() < end:
        time.sleep(0.5)
    time.sleep(2)
    state = programs.payment(made['payment'])['state']
    approved = [line for line in programs.acquirer_lines() if line[1] == 'authorize' and line[3].startswith('APPROVED')]
    if not relay.held:
        faults.append('nothing was held')
    if len(approved) != (1 if state == 'approved' else 0) and state != 'unknown':
        faults.append('the page says %s (then %s), the acquirer has approved %d' % (early, state, len(approved)))
    codes = programs.stop()
    print('late: held %d, %s after %.0f s, then %s, %d approved, faults %d %s %s' % (
        relay.held, early, wait, state, len(approved), len(faults), faults or '', codes))
    shop.stop()
    programs.remove()
    sys.exit(1 if faults else 0)


main()
