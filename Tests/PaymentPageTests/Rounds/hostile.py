#!/usr/bin/env python3
"""hostile.py: what a carder, a person with a stolen address and a malformed client can do by HTTP. Nothing may crash,
hang, grow without bound, charge what is said not to be charged, or tell more than the contract allows."""
import collections, concurrent.futures, sys, traceback
from common import *

HEADERS = ('Content-Security-Policy', 'Strict-Transport-Security', 'X-Content-Type-Options', 'Referrer-Policy')


def limits(text):
    text = re.sub(r'limits: \{[^}]*\}', 'trusted_proxies: ["127.0.0.9"]', text)
    return text


class Hostile:
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

    def methods_and_paths(self):
        made, browser, _ = self.open()
        base = browser.path
        paths = [base + p for p in ('', '/card', '/code', '/out', '/state', '/bank/go', '/bank/back', '/pay', '/wallet',
                                    '/wallet/back', '/wallet/left', '/cancel', '/more', '/brand', '/nothing')]
        paths += ['/', '/a/x.css', '/p', '/p/', '/favicon.ico', '/robots.txt', '/.well-known/security.txt', '/v1/payments',
                  '/metrics', '/status', '/p/%2e%2e', '/p/..', '/p/%2e%2e/%2e%2e/etc/passwd', '/a/%2e%2e%2fpage.yaml',
                  '/a/..%2f..%2fpage.yaml', '/p/%00', base + '%00', base + '%2fcard', '/' + base, base + '//', base + '/',
                  base + '/%2e%2e', base.upper(), base + '?lang=xx', base + '?lang=de&lang=fr', base + '?f=%00%ff',
                  base + '/card?f=' + 'a.' * 3000, '/p/' + 'a' * 7000, '/p/%zz', '/p/\u00e9'.encode().decode('latin1'),
                  base + '?' + 'x' * 7000, 'https://127.0.0.1' + base, 'http://evil.example' + base, '*', 'evil:443']
        for path in paths:
            for method in ('HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'CONNECT', 'FOO', 'GET', 'POST'):
                if method == 'POST' and path in (base + '/cancel', base + '/more'):
                    continue
                got, took = self.raw(('%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nAccept-Language: en\r\n\r\n'
                                      % (method, path)).encode('latin1'), seconds=1.5 if method == 'HEAD' else 8)
                code, name = self.status(got), '%s %s' % (method, path[:60].replace(base, 'A'))
                self.check(code < 500, '%s: %d' % (name, code))
                self.check(took < 7, '%s takes %.1f s' % (name, took))
                head = got.partition(b'\r\n\r\n')[0].decode('latin1').lower()
                if code and code != 400:
                    missing = [h for h in HEADERS if h.lower() + ':' not in head]
                    self.check(not missing or path.startswith('/a/') and code == 200, '%s: %d without %s' % (name, code, missing))
                    self.check('cache-control: no-store' in head, '%s: %d is not no-store' % (name, code))
                if method in ('PUT', 'DELETE', 'PATCH', 'TRACE') and code == 200:
                    self.fault('%s is answered with 200' % name)
                if method == 'TRACE':
                    self.check(b'TRACE' not in got, '%s is echoed' % name)
                self.check(b'root:' not in got and b'private_key' not in got, '%s shows a file' % name)
        self.check(self.programs.payment(made['payment'])['state'] == 'open', 'a strange method has changed a payment')

    def malformed(self):
        made, browser, text = self.open()
        post = 'POST %s/pay HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n' % browser.path
        get = 'GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n' % browser.path
        form = Browser.form_token(text)
        good = 'form=%s&number=%s&expiry=03%%2F29&cvc=123&pay=card' % (form, self.number())
        cases = {
            'a megabyte': (post + 'Content-Length: 1000000\r\n\r\n' + 'x' * 1000000, 10),
            'a length of 10^12': (post + 'Content-Length: 1000000000000\r\n\r\n', 75),
            'a length of 10^30': (post + 'Content-Length: 1' + '0' * 30 + '\r\n\r\n', 10),
            'a negative length': (post + 'Content-Length: -5\r\n\r\n', 10),
            'two lengths': (post + 'Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!', 10),
            'length and chunked': (post + 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 10),
            'chunks without end': (post + 'Transfer-Encoding: chunked\r\n\r\n' + '1000\r\n%s\r\n' % ('y' * 4096) * 300, 10),
            'a chunk of 2^63': (post + 'Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n', 75),
            'ten thousand fields': (post + 'Content-Length: 40000\r\n\r\n' + 'a=b&' * 10000, 10),
            'four thousand fields': (post + 'Content-Length: 16000\r\n\r\n' + 'a=b&' * 4000, 10),
            'a header of 100 KB': (get + 'X-A: %s\r\n\r\n' % ('a' * 100000), 10),
            'ten thousand headers': (get + 'X-A: b\r\n' * 10000 + '\r\n', 10),
            'a path of 100 KB': ('GET /p/%s HTTP/1.1\r\nHost: a\r\n\r\n' % ('a' * 100000), 10),
            'HTTP/0.9': ('GET /\r\n', 75), 'HTTP/1.0': ('GET %s HTTP/1.0\r\n\r\n' % browser.path, 10),
            'HTTP/3.7': ('GET / HTTP/3.7\r\nHost: a\r\n\r\n', 10),
            'the preface of HTTP/2': ('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 10),
            'no host': ('GET %s HTTP/1.1\r\n\r\n' % browser.path, 10), 'bare LF': (get.replace('\r', '') + '\n', 10),
            'a nul in a header': (get + 'X-A: a\0b\r\n\r\n', 10), 'folded header': (get + 'X-A: a\r\n b\r\n\r\n', 10),
            'an upgrade': (get + 'Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n', 10),
            'expect': (post + 'Expect: 100-continue\r\nContent-Length: 3\r\n\r\na=b', 10),
            'gzip': (post + 'Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n' + '\x1f\u008b' + 'x' * 18, 10),
        }
        for name, body in (('multipart', '--x\r\nContent-Disposition: form-data; name="number"\r\n\r\n4\r\n--x--'),
                           ('JSON', '{"number":"4970105181818183"}'), ('nothing', ''), ('percent', 'form=%zz&number=%&cvc=%4'),
                           ('no UTF-8', 'form=%s&number=%%ff%%fe&cvc=\u00ff\u00fe&expiry=%%c3%%28' % form),
                           ('twice', good + '&number=4111111111111111&cvc=999&form=' + form), ('only form', 'form=' + form),
                           ('long number', 'form=%s&number=%s&expiry=03/29&cvc=123' % (form, '4' * 9000)),
                           ('long code', 'form=%s&number=4&expiry=03/29&cvc=%s' % (form, '1' * 9000)),
                           ('newlines', 'form=%s%%0d%%0aSet-Cookie:a=b&number=4' % form)):
            cases['form: ' + name] = (post + 'Content-Length: %d\r\n\r\n%s' % (len(body), body), 10)
        for name, cookie in (('empty', ''), ('huge', '__Host-page=' + 'a' * 6000), ('short', '__Host-page=abc'),
                             ('two', '__Host-page=%s; __Host-page=%s' % ('0' * 26, '1' * 26)), ('odd', '=;;=;a;\u00ff'),
                             ('quoted', '__Host-page="%s"' % ('0' * 26))):
            cases['cookie: ' + name] = (get + 'Cookie: %s\r\n\r\n' % cookie, 10)

        def one(item):
            name, (data, seconds) = item
            return name, seconds, *self.raw(data.encode('latin1'), seconds=seconds)
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            for name, seconds, got, took in pool.map(one, cases.items()):
                code = self.status(got)
                self.check(code < 500, '%s: %d' % (name, code))
                self.check(took < seconds - 0.2, '%s: no answer and no end within %d s (status %d)' % (name, seconds, code))
                self.check(name.startswith('cookie') or b'\r\nset-cookie: a=b' not in got.lower(), name + ' sets a cookie')
        got, _ = self.raw(b'GET / HTTP/1.1\r\nHost: a\r\n\r\n', tls=False, seconds=8)
        self.check(self.status(got) == 0, 'plain HTTP is answered by the TLS port')
        self.raw(os.urandom(4000), tls=False, seconds=8)

    def slow(self):
        """Bodies and headers a byte at a time, and clients that say nothing: ended after a while."""
        made, browser, _ = self.open()
        post = 'POST %s/pay HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n' % browser.path
        began = {}
        cases = dict(body=(post + 'Content-Length: 9000\r\n\r\n', [b'a'] * 80), headers=(post, [b'X: y\r\n'] * 80),
                     handshake=None, silent=('', []))

        def one(name):
            if name == 'handshake':
                return name, self.raw(b'\x16\x03\x01', tls=False, seconds=80)[1]
            data, pieces = cases[name]
            return name, self.raw(data.encode(), seconds=80, pieces=pieces, pause=1)[1]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for name, took in pool.map(one, cases):
                self.check(took < 76, 'slow %s: the connection is there after %d s' % (name, took))
                began[name] = took
        self.figures = ', '.join('%s %.0f s' % item for item in began.items())

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
        socket_path = self.programs.directory + '/page.sock'
        link = socket.socket(socket.AF_UNIX)
        link.connect(socket_path)
        link.sendall(b'GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
        got = b''
        while part := link.recv(65536):
            got += part
        return int(re.search(rb'bound="%s"\} (\d+)' % kind.encode(), got)[1])

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
