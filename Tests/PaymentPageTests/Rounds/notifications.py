#!/usr/bin/env python3
"""notifications.py: the shop answers 500, is slow, closes, is down for an hour, or for more than three days. Each state
arrives at least once and in order, the next not before the former was taken, each with a signature that Python and
Node verify. The page's time of day is moved where a C compiler is there; else the long pauses are left out."""
import base64, mmap, struct, sys, traceback
from common import *

HOUR, DAY = 3600, 86400


class Clock:
    """The page's time of day, ahead of ours."""

    def __init__(self, directory):
        here = os.path.dirname(os.path.abspath(__file__))
        self.library, self.path = directory + '/clock.so', directory + '/clock'
        compiler = next((c for c in ('cc', 'gcc', 'clang') if shutil.which(c)), None)
        self.moves = bool(compiler) and subprocess.run(
            [compiler, '-shared', '-fPIC', '-O1', '-o', self.library, here + '/clock.c']).returncode == 0
        open(self.path, 'wb').write(bytes(8))
        with open(self.path, 'r+b') as file:
            self.memory = mmap.mmap(file.fileno(), 8)
        self.ahead = 0

    def environment(self):
        return dict(LD_PRELOAD=self.library, CLOCK_FILE=self.path) if self.moves else {}

    def move(self, seconds):
        self.ahead += seconds
        self.memory[:8] = struct.pack('<q', self.ahead)

    def now(self):
        return time.time() + self.ahead


class Notifications:
    def __init__(self):
        self.faults, self.modes = [], {}
        self.shop = FakeShop()
        self.programs = Programs(self.shop.port)
        self.clock = Clock(self.programs.directory)
        self.shop.secret, self.shop.now, self.shop.decide = self.programs.secret, self.clock.now, self.decide
        self.payments = {}

    def fault(self, text):
        self.faults.append(text)
        print('FAULT', text, file=sys.stderr, flush=True)

    def decide(self, document, tries):
        mode, sequence = self.modes.get(document['payment'], 'good'), document['sequence']
        if mode == 'errors':
            return (500, 503, 301, 200)[min(tries, 3)]
        if mode == 'closes':
            return None if tries < 2 else 204
        if mode == 'slow':           # Taken, but after longer than the page's clock ticks.
            time.sleep(4)
            return 200
        if mode == 'second slow':    # The second one: the first answer comes late, others fail meanwhile.
            if sequence == 2:
                time.sleep(5 if tries == 0 else 7)
                return 200 if tries == 0 else 500
            return 200
        if mode == 'too slow':       # Beyond the ten seconds.
            if tries == 0:
                time.sleep(13)
            return 200
        if mode == 'body':
            return self.large_body if tries == 0 else 200
        return 200

    @staticmethod
    def large_body(handler):
        """A 2xx whose body never ends is taken, or tried again; it holds nothing up."""
        try:
            handler.send_response(200)
            handler.send_header('Transfer-Encoding', 'chunked')
            handler.end_headers()
            for _ in range(40):
                handler.wfile.write(b'1000\r\n' + b'x' * 4096 + b'\r\n')
                time.sleep(0.5)
        except OSError:
            pass
        return 299

    def pay(self, mode, amount):
        made = self.programs.open_payment(amount)
        self.modes[made['payment']] = mode
        browser = Browser(self.programs)
        screen, text = browser.visit(made['url'])
        browser.pay(text, card())
        for _ in range(100):
            screen, text = browser.look()
            if screen != 'wait':
                break
            time.sleep(0.2)
        self.payments[made['payment']] = mode
        return made['payment']

    def told(self, payments, seconds, what):
        """Waits until the shop was told the last state of all of them."""
        end = time.time() + seconds
        left = list(payments)
        while left and time.time() < end:
            left = [p for p in left if 'told' in ' '.join(self.shop.faults(p, self.programs.payment(p)['state']))]
            time.sleep(0.3)
        for payment in left:
            self.fault('%s: %s is not told after %d s: %s' % (
                what, self.payments[payment], seconds, self.shop.faults(payment, self.programs.payment(payment)['state'])))
        return end - time.time()

    def run(self):
        programs = self.programs
        self.shop.start(programs.pki)
        for name in ('acquirer', 'vault'):
            programs.start(name)
        programs.start('page', **self.clock.environment())
        programs.wait_ready()
        amount = 1000
        first = []
        for mode in ('good', 'errors', 'closes', 'slow', 'second slow', 'too slow', 'body') * 2:
            amount += 1
            first.append(self.pay(mode, amount))
        refused = self.pay('errors', 100001)
        programs.until('POST', '/v1/payments/%s/cancel' % refused, {})
        first.append(refused)
        self.told(first, 90, 'first')
        down = self.down_for_a_moment()
        if self.clock.moves:
            self.down_for_an_hour()
            self.down_for_days()
        time.sleep(2)
        for payment in first + down:
            for wrong in self.shop.faults(payment, programs.payment(payment)['state']):
                self.fault('%s %s: %s' % (self.payments[payment], payment, wrong))
        for name, others, sequence in self.shop.overlaps:
            if self.modes[name] == 'body':
                continue
            self.fault('%s %s: %d is sent while %s is not answered' % (
                self.payments[name], name, sequence, others))
        self.node()

    def restart_shop(self):
        self.shop.start(self.programs.pki)

    def down_for_a_moment(self):
        self.shop.stop()
        payments = [self.pay('good', 2001), self.pay('good', 2002)]
        time.sleep(4)
        self.restart_shop()
        self.told(payments, 30, 'down for 4 s')
        return payments

    def down_for_an_hour(self):
        """What is not taken is tried again until it is, though an hour has passed."""
        self.shop.stop()
        payments = [self.pay('good', 3001), self.pay('good', 3002)]
        time.sleep(2)
        for _ in range(6):
            self.clock.move(HOUR // 6)
            time.sleep(1.5)
        if any(self.shop.of(p) for p in payments):
            self.fault('told while down')
        self.restart_shop()
        self.clock.move(HOUR)
        self.told(payments, 20, 'down for an hour')
        for payment in payments:
            for wrong in self.shop.faults(payment, 'approved'):
                self.fault('down for an hour: ' + wrong)

    def down_for_days(self):
        """After three days it is given up; what is younger is sent."""
        self.shop.stop()
        old = self.pay('good', 100013)
        time.sleep(2)
        self.clock.move(2 * DAY)
        time.sleep(2.5)
        status, _ = self.programs.shops('POST', '/v1/payments/%s/settle' % old, dict(state='approved'))
        if status != 200:
            self.fault('settle after two days: %d' % status)
        self.clock.move(DAY + HOUR)
        # A try lasts ten seconds where nobody listens; each is given up after its last one.
        time.sleep(25)
        self.restart_shop()
        end = time.time() + 60
        while not self.shop.of(old) and time.time() < end:
            time.sleep(0.5)
        time.sleep(2)
        told = [(g['sequence'], g['state'], g['good']) for g in self.shop.of(old)]
        if told != [(3, 'approved', True)]:
            self.fault('after three days the shop is told %s, expected the third alone' % told)

    def node(self):
        """The sample for documentation says what Python says, of good ones and of those that were changed."""
        if not shutil.which('node'):
            return
        now = int(self.clock.now())
        lines, expected = [], []
        for got in self.shop.got:
            body, header, sent = got['body'], got['header'], int(re.match(r't=(\d+)', got['header'])[1])
            for case in ((body, header, sent), (body + b' ', header, sent), (body, header[:-1] + '0', sent),
                         (body, header, sent + 301), (body, header, sent - 301), (body, header, sent + 299),
                         (body, 't=1,' + header.split(',')[1], sent), (body, '', sent), (body, header + 'a', sent)):
                lines.append(json.dumps(dict(body=base64.b64encode(case[0]).decode(), header=case[1], now=case[2])))
                expected.append(verify(case[0], case[1], self.programs.secret, case[2]))
        here = os.path.dirname(os.path.abspath(__file__))
        done = subprocess.run(['node', here + '/verify.mjs', self.programs.directory + '/shop.secret'],
                              input='\n'.join(lines), capture_output=True, text=True)
        said = [line == 'true' for line in done.stdout.split()]
        if said != expected or not any(expected):
            self.fault('Node says otherwise than Python: %s %s' % (done.stderr[:300], len(said)))
        self.verified = len(said)

    def report(self):
        answers = {}
        for got in self.shop.got:
            answers[got['answer']] = answers.get(got['answer'], 0) + 1
        print('notifications: %d payments, %d notifications, answered %s, clock %s, %d signatures compared with Node, '
              'faults %d' % (len(self.payments), len(self.shop.got), answers, 'moved' if self.clock.moves else 'not moved',
                             getattr(self, 'verified', 0), len(self.faults)))
        return 1 if self.faults else 0


def main():
    test = Notifications()
    try:
        test.run()
    except BaseException:
        test.fault(traceback.format_exc())
    codes = test.programs.stop()
    if any(codes.values()):
        test.fault('ended with %s' % codes)
    code = test.report()
    test.programs.remove() if not code else print('left in ' + test.programs.directory, file=sys.stderr)
    sys.exit(code)


main()
