#!/usr/bin/env python3
"""hostile.py: what a carder, a person with a stolen address and a malformed client can do by HTTP. Nothing may crash,
hang, grow without bound, charge what is said not to be charged, or tell more than the contract allows."""
import collections, concurrent.futures, sys, traceback
from common import *
from hostile_http import MalformedClients
from hostile_shops import HostileShops


def limits(text):
    text = re.sub(r'limits: \{[^}]*\}', 'trusted_proxies: ["127.0.0.9"]', text)
    return text


class Hostile(MalformedClients, HostileShops):
    def __init__(self):
        self.faults, self.cards, self.answers, self.slowest = [], [], collections.Counter(), (0, '')
        self.shop = FakeShop()
        self.programs = Programs(self.shop.port, limits)
        self.shop.secret = self.programs.secret
        self.shop.start(self.programs.pki)
        self.amount, self.source, self.lock = 1000, 10, threading.Lock()
        self.payments = []

    def fault(self, text):
        self.faults.append(text)
        print('FAULT', text, file=sys.stderr, flush=True)

    def check(self, condition, text):
        if not condition:
            self.fault(text)

    # What the tests use.

    def address(self):
        """An address of its own for each shopper, so that none is bounded with the others."""
        with self.lock:
            self.source += 1
            return '127.%d.%d.%d' % (1 + self.source // 62500, self.source // 250 % 250, 1 + self.source % 250)

    def number(self):
        number = luhn(random.choice(('497010', '497011', '497012', '497013')) + '%09d' % random.randrange(10 ** 9))
        self.cards.append(number)
        return number

    def open(self, amount=None, **more):
        with self.lock:
            self.amount += 1
            amount = amount or self.amount
        made = self.programs.open_payment(amount, **more)
        self.payments.append(made['payment'])
        browser = Browser(self.programs, self.address())
        screen, text = browser.visit(made['url'])
        return made, browser, text

    def raw(self, data, port=None, seconds=20, tls=True, pieces=None, pause=0):
        """Sends bytes as they are; what comes back until the connection ends or `seconds` are over, and how long."""
        began = time.time()
        plain = socket.socket()
        plain.bind((self.address(), 0))
        plain.settimeout(seconds)
        got = b''
        try:
            plain.connect(('127.0.0.1', port or self.programs.page_port))
            link = self.programs.page_context.wrap_socket(plain, server_hostname='127.0.0.1') if tls else plain
            link.sendall(data)
            for piece in pieces or ():
                time.sleep(pause)
                link.sendall(piece)
            while time.time() - began < seconds:
                part = link.recv(65536)
                if not part:
                    break
                got += part
                if not pieces and b'\r\n\r\n' in got and self.is_whole(got):
                    break
        except (OSError, ValueError):
            pass
        finally:
            plain.close()
            if tls and 'link' in locals():
                link.close()
        took = time.time() - began
        with self.lock:
            match = re.match(rb'HTTP/1\.1 (\d+)', got)
            self.answers[int(match[1]) if match else 'closed'] += 1
        return got, took

    @staticmethod
    def is_whole(got):
        head, _, body = got.partition(b'\r\n\r\n')
        match = re.search(rb'(?i)content-length: (\d+)', head)
        return bool(match) and len(body) >= int(match[1])

    def status(self, got):
        match = re.match(rb'HTTP/1\.1 (\d+)', got)
        return int(match[1]) if match else 0

    def approvals(self, payment):
        tokens = {a[2].get('token') for a in self.programs.attempts(payment)}
        amount = self.programs.payment(payment)['amount']['value']
        return [d for _, o, a, d in self.programs.acquirer_lines()
                if o == 'authorize' and a == amount and d.startswith('APPROVED')] if amount < 100000 else None

    def settled(self, payment, seconds=30):
        end = time.time() + seconds
        while True:
            state = self.programs.payment(payment)['state']
            if state != 'in_progress' or time.time() > end:
                return state
            time.sleep(0.1)

    def together(self, *calls):
        """Runs them at once."""
        barrier = threading.Barrier(len(calls))

        def one(call):
            barrier.wait()
            try:
                return call()
            except Exception as error:
                return error
        with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(one, calls))

    # The cases.

    def twice(self):
        """One form, pressed in many tabs at once; and on two payments."""
        for _ in range(6):
            made, browser, text = self.open()
            number = self.number()
            twins = []
            for _ in range(6):
                twin = Browser(self.programs, browser.source[0])
                twin.cookie, twin.path = browser.cookie, browser.path
                twins.append(twin)
            answers = self.together(*[lambda t=t: t.pay(text, number) for t in twins])
            self.check(all(a[0] == 303 for a in answers), 'the same form at once: %s' % [a[0] for a in answers])
            state, attempts = self.settled(made['payment']), self.programs.attempts(made['payment'])
            self.check(state == 'approved' and len(attempts) == 1 and len(self.approvals(made['payment'])) == 1,
                       'the same form in six tabs: %s, %d attempts' % (state, len(attempts)))
        one, first, text = self.open()
        two, second, _ = self.open()
        first.pay(text, self.number())
        self.settled(one['payment'])
        status, _, _ = second.pay(text, self.number())
        self.check(status == 303, 'a form of another payment: %s' % status)
        self.check(len(self.programs.attempts(one['payment'])) == 1, 'a form used at another payment adds an attempt')
        # Two forms of one payment at once: one attempt.
        for _ in range(6):
            made, browser, text = self.open()
            twins = []
            for _ in range(4):
                twin = Browser(self.programs, browser.source[0])
                twin.cookie, twin.path = browser.cookie, browser.path
                twins.append((twin, twin.get()[2]))
            self.together(*[lambda t=t, x=x: t.pay(x, self.number()) for t, x in twins])
            state = self.settled(made['payment'])
            self.check(state == 'approved' and len(self.approvals(made['payment'])) == 1,
                       'four forms at once: %s, approvals %s' % (state, self.approvals(made['payment'])))

    def guesses(self):
        """A thousand addresses that are not there."""
        browser = Browser(self.programs, self.address())
        sizes, times = collections.Counter(), []
        alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
        for _ in range(1000):
            began = time.time()
            status, _, text = browser.ask('GET', '/p/' + ''.join(random.choice(alphabet) for _ in range(26)))
            times.append(time.time() - began)
            sizes[status, len(text)] += 1
        self.check(set(s for s, _ in sizes) <= {404, 429} and len(sizes) <= 2, 'guessed addresses: %s' % sizes)
        browser.connection.close()

    def carder(self):
        """Bounds by address, whoever says otherwise; by card; by BIN."""
        made, browser, text = self.open()
        stopped = 0
        for place in range(26):
            browser.more = {'X-Forwarded-For': '10.0.0.%d' % place}
            status, location, _ = browser.pay(browser.get('/card')[2], '4970105181818184')
            stopped += 'Too many' in browser.get('/card')[2] or 'many' in (browser.get('/card')[2] or '')
        counted = json.loads(self.programs.run('cadenas-page', 'status', config='page.yaml')[1])
        self.check(self.bounded('address') >= 5, 'X-Forwarded-For of a stranger evades the bound by address: %d'
                   % self.bounded('address'))
        before = self.bounded('address')
        proxied = [Browser(self.programs, '127.0.0.9', {'X-Forwarded-For': '6.6.6.6, 10.1.0.%d' % (n % 2)}) for n in range(44)]
        for one in proxied:
            one.visit(made['url'])
            one.pay(one.get('/card')[2], '4970105181818184')
        self.check(self.bounded('address') == before + 4, 'addresses of a trusted proxy: %d more than the bound stopped, expected 4'
                   % (self.bounded('address') - before))
        number = self.number()
        for place in range(7):
            _, browser, text = self.open(100003)
            browser.pay(text, number, cvc='%03d' % place)
        self.check(self.bounded('card') == 2, 'one card seven times: %d stopped, expected 2' % self.bounded('card'))
        # The same card again by its code alone, as the page offers after "not enough money".
        number, tries = self.number(), 0
        for _ in range(4):
            made, browser, text = self.open(100001)
            browser.pay(text, number, cvc='000')
            for code in range(1, 5):
                self.settled(made['payment'])
                status, _, text = browser.get('/code')
                if status != 200 or 'name="cvc"' not in text:
                    break
                browser.pay(text, cvc='%03d' % code)
            self.settled(made['payment'])
        digest = self.card_digest()
        self.check(digest <= 5, 'codes of one card tried within a minute: %d, attempts_by_card_per_hour is 5' % digest)
        before = self.bounded('bin')
        made, browser, text = self.open()
        digits = '49701%03d' % random.randrange(1000)
        for place in range(64):
            if place % 4 == 0:
                made, browser, text = self.open(100003)
                browser.cookie = None
            number = luhn(digits + '%07d' % random.randrange(10 ** 7))
            browser.pay(browser.get('/card')[2], number)
        self.check(self.bounded('bin') - before >= 3, '64 cards of a BIN in a minute: %d stopped, expected 4' % (
            self.bounded('bin') - before))

    def card_digest(self):
        """How many authorizations the card has had that was tried last at 100001."""
        cards = [m[1] for m in re.finditer(r'authorize 100001 EUR, card (\w+)',
                                           open(self.programs.directory + '/logs/acquirer.log').read())]
        return cards.count(cards[-1]) if cards else 0

    def bounded(self, kind):
        return self.programs.metric('cadenas_page_refused_attempts_total{bound="%s"}' % kind)

    def stolen(self):
        """Who has the address alone sees payee, amount and an empty form, and changes nothing."""
        made, browser, text = self.open(customer='c-stolen', keep_card='offer', description='Secret thing',
                                        items=[dict(label='Surprise ring', quantity=1, amount=self.amount + 1)])
        self.check('Surprise ring' in text, 'the first browser does not see its order')
        thief = Browser(self.programs, self.address())
        screen, seen = thief.visit(made['url'])
        self.check('Surprise ring' not in seen, 'another browser sees the order')
        thief.post('/cancel', {})
        thief.post('/more', {})
        after = self.programs.payment(made['payment'])
        self.check(after['state'] == 'open' and after['expires_at'] == made['expires_at'], 'another browser changes a payment')
        browser.pay(text, self.number(), keep='yes')
        self.check(self.settled(made['payment']) == 'approved', 'not approved')
        screen, seen = thief.look()
        self.check(screen == 'closed', 'another browser sees %s after the end' % screen)
        last4 = self.cards[-1][-4:]
        self.check(last4 not in seen, 'another browser sees the last four')
        made, mine, _ = self.open(customer='c-stolen')
        thief = Browser(self.programs, self.address())
        self.check(last4 not in thief.visit(made['url'])[1], 'another browser sees a kept card')
        made, browser, text = self.open(200002)
        browser.pay(text, self.number())
        for path in ('/bank/go', '/code', '/out', '/wallet/back', '/wallet/left'):
            status, location, seen = thief.ask('GET', '/p/' + made['url'].split('/p/')[1] + path)
            self.check('creq' not in seen and status in (303, 404), 'another browser at %s: %s' % (path, status))
        status, location, seen = thief.ask('POST', '/p/' + made['url'].split('/p/')[1] + '/pay',
                                           dict(form='0' * 26, cvc='123', pay='code'))
        self.check(self.programs.payment(made['payment'])['state'] == 'in_progress', 'another browser ends an attempt')
        for origin in ({'Origin': 'https://evil.example'}, {'Sec-Fetch-Site': 'cross-site'}):
            made, browser, text = self.open()
            browser.more = origin
            browser.pay(text, self.number())
            browser.post('/cancel', {})
            self.check(not self.programs.attempts(made['payment']), 'a POST with %s begins an attempt' % origin)
            self.check(self.programs.payment(made['payment'])['state'] == 'open', 'a POST with %s cancels' % origin)

    def races(self):
        """Cancel and settle beside what pays."""
        wins = collections.Counter()
        for place in range(24):
            made, browser, text = self.open()
            path = '/v1/payments/' + made['payment']

            def cancel():
                time.sleep(random.random() * 0.02)
                return self.programs.shops('POST', path + '/cancel', {})[0]
            
            def pay():
                time.sleep(random.random() * 0.02)
                return browser.pay(text, self.number())
            answers = self.together(pay, cancel, cancel)
            state, approvals = self.settled(made['payment']), len(self.approvals(made['payment']))
            wins[state] += 1
            expected = dict(approved=1, cancelled=0).get(state)
            self.check(approvals == expected and (200 in answers[1:]) == (state == 'cancelled'),
                       'pay beside cancel: %s, %d approvals, %s' % (state, approvals, answers[1:]))
        for _ in range(6):
            made, browser, text = self.open(100013)
            browser.pay(text, self.number())
            self.settled(made['payment'])
            path = '/v1/payments/%s/settle' % made['payment']
            answers = self.together(*[lambda s=s: (s, self.programs.shops('POST', path, dict(state=s))[0])
                                      for s in ('approved', 'refused') * 3])
            state = self.programs.payment(made['payment'])['state']
            self.check(all((code == 200) == (said == state) for said, code in answers), 'settled both ways: %s %s' % (state, answers))
        self.wins = dict(wins)

    def codes(self):
        """The page was started anew while the shopper was at the bank: the code at once in tabs, and beside giving up."""
        open_ones = []
        for _ in range(8):
            made, browser, text = self.open(200002)
            browser.pay(text, self.number())
            open_ones.append((made, browser))
        self.programs.kill('page')
        self.programs.start('page')
        self.programs.wait_ready()
        for place, (made, browser) in enumerate(open_ones):
            browser.connection = None
            self.check(browser.bank(), 'the bank is not reached after a restart')
            screen, text = browser.look()
            self.check(screen == 'code', 'after a restart the screen is %s' % screen)
            twins = []
            for _ in range(5):
                twin = Browser(self.programs, browser.source[0])
                twin.cookie, twin.path = browser.cookie, browser.path
                twins.append((twin, twin.get()[2]))
            calls = [lambda t=t, x=x: t.pay(x) for t, x in twins[:3]]
            if place % 2:
                calls += [lambda t=t: t.post('/cancel', {'cancel': 'attempt'}) for t, _ in twins[3:]]
            token = self.programs.attempts(made['payment'])[-1][2]['token']
            self.together(*calls)
            time.sleep(0.5)
            state = self.settled(made['payment'], 3)
            messages = {e['payment_id'] for e in self.programs.audit() if e.get('token') == token and e.get('payment_id')}
            approved = [m for m, o, _, d in self.programs.acquirer_lines()
                        if m in messages and o == 'authorize' and d.startswith('APPROVED')]
            # Given up first, the code is another try with the same card, which leads to the bank again.
            last = self.programs.attempts(made['payment'])[-1][2]
            isAgain = state == 'in_progress' and last['step'] == 'challenge' and place % 2
            self.check(len(approved) == (1 if state == 'approved' else 0) and (state in ('approved', 'open') or isAgain),
                       'codes at once: %s, approvals %s' % (state, approved))

    def gone(self):
        """Browsers that go away after they have pressed the button, in the middle of it, and before."""
        left = []
        for place in range(40):
            made, browser, text = self.open()
            body = urllib.parse.urlencode(dict(form=Browser.form_token(text), number=self.number(), expiry='03/29', cvc='123'))
            data = ('POST %s/pay HTTP/1.1\r\nHost: a\r\nCookie: %s\r\nContent-Type: application/x-www-form-urlencoded\r\n'
                    'Content-Length: %d\r\n\r\n%s' % (browser.path, browser.cookie, len(body), body)).encode()
            plain = socket.create_connection(('127.0.0.1', self.programs.page_port))
            link = self.programs.page_context.wrap_socket(plain, server_hostname='127.0.0.1')
            link.sendall(data if place % 3 else data[:-10])
            time.sleep(random.random() * 0.03)
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
            link.close()
            left.append((place, made))
        time.sleep(2)
        for place, made in left:
            state = self.settled(made['payment'], 10)
            attempts = self.programs.attempts(made['payment'])
            self.check(state == ('approved' if attempts else 'open') and (place % 3 or not attempts),
                       'a browser that has gone: %s, %s' % (state, [a[2]['step'] for a in attempts]))

    def memory(self):
        status = open('/proc/%d/status' % self.programs.running['page'].pid).read()
        return int(re.search(r'VmRSS:\s+(\d+)', status)[1]) // 1024, len(os.listdir('/proc/%d/fd' % self.programs.running['page'].pid))

    def flood(self):
        """The same malformed things again and again: memory and files stay where they are."""
        made, browser, _ = self.open()
        before = self.memory()
        data = ('POST %s/pay HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n' % browser.path).encode() + b'x' * 300000

        def some(_):
            for place in range(60):
                self.raw(data if place % 2 else b'GET /p/%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' % (
                    b'%026d' % random.randrange(10 ** 20)), seconds=5)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(some, range(4)))
        time.sleep(3)
        after = self.memory()
        self.check(after[0] - before[0] < 60 and after[1] - before[1] < 20, 'memory and files %s before, %s after' % (before, after))
        self.grown = (before, after)

    def connections(self):
        """Six hundred connections that say nothing, from one address: others are served."""
        made, browser, _ = self.open()
        silent, before, source = [], self.memory(), self.address()
        try:
            for _ in range(600):
                link = socket.socket()
                link.bind((source, 0))
                link.settimeout(5)
                link.connect(('127.0.0.1', self.programs.page_port))
                silent.append(link)
            began = time.time()
            other = Browser(self.programs, self.address())
            self.check(other.visit(made['url'])[0] == 'card' and time.time() - began < 3, 'others are not served')
            during = self.memory()
        finally:
            for link in silent:
                link.close()
        time.sleep(2)
        after = self.memory()
        self.check(after[1] - before[1] < 50 and during[0] - before[0] < 100, '600 connections: %s, %s, %s' % (before, during, after))
        self.held = '%s, %s, %s' % (before, during, after)

    def residue(self):
        """No number that was typed in a file of the page."""
        for folder in ('payments', 'logs'):
            for name in os.listdir(self.programs.directory + '/' + folder):
                data = open('%s/%s/%s' % (self.programs.directory, folder, name), 'rb').read()
                found = [n for n in self.cards if n.encode() in data]
                self.check(not found, 'card numbers in %s: %d' % (name, len(found)))

    def run(self):
        for name in ('acquirer', 'vault', 'page'):
            self.programs.start(name)
        self.programs.wait_ready()
        cases = sys.argv[1:] or ['methods_and_paths', 'malformed', 'brands', 'twice', 'guesses', 'stolen', 'shops_interface', 'races',
                                 'gone', 'flood', 'connections', 'carder', 'codes', 'slow']
        for case in cases:
            began = time.time()
            try:
                getattr(self, case)()
            except Exception:
                self.fault('%s: %s' % (case, traceback.format_exc()))
            if time.time() - began > 60:
                print('%s took %.0f s' % (case, time.time() - began), file=sys.stderr)
            for name, process in self.programs.running.items():
                if process.poll() is not None:
                    self.fault('%s ended with %s in %s' % (name, process.poll(), case))
                    return
        for payment in self.payments:
            state = self.programs.payment(payment)['state']
            wrong = [w for w in self.shop.faults(payment, state) if 'signature' in w]
            self.check(not wrong, '%s' % wrong)
        self.residue()


def main():
    test = Hostile()
    try:
        test.run()
    except BaseException:
        test.fault(traceback.format_exc())
    codes = test.programs.stop()
    if any(codes.values()):
        test.fault('ended with %s' % codes)
    print('hostile: %d payments, %d raw requests answered %s, slow clients ended after %s, pay beside cancel %s, memory and files %s, with 600 connections %s, '
          'faults %d' % (len(test.payments), sum(test.answers.values()), dict(test.answers), getattr(test, 'figures', '-'),
                         getattr(test, 'wins', '-'), getattr(test, 'grown', '-'), getattr(test, 'held', '-'), len(test.faults)))
    test.shop.stop()
    test.programs.remove() if not test.faults else print('left in ' + test.programs.directory, file=sys.stderr)
    sys.exit(1 if test.faults else 0)


main()
