"""What malformed and slow clients can do: part of hostile.py."""
import collections, concurrent.futures
from common import *

HEADERS = ('Content-Security-Policy', 'Strict-Transport-Security', 'X-Content-Type-Options', 'Referrer-Policy')


class MalformedClients:
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
                                      % (method, path)).encode('latin1'), seconds=0.4 if method == 'HEAD' else 8)
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
                if method == 'HEAD':
                    self.check(not got.partition(b'\r\n\r\n')[2], '%s: %d with a body, which the next answer is taken for' % (name, code))
                if method == 'TRACE':
                    self.check(b'TRACE' not in got, '%s is echoed' % name)
                self.check(b'root:' not in got and b'private_key' not in got, '%s shows a file' % name)
        self.check(self.programs.payment(made['payment'])['state'] == 'open', 'a strange method has changed a payment')

    def brands(self):
        made, browser, _ = self.open()
        for text, expected in (('bin=497010', 200), ('bin=49701051', 200), ('bin=497010518', 400), ('bin=4970', 400), ('', 400),
                               ('bin=' + '4' * 5000, (400, 413)), ('bin=' + '4' * 300, (400, 413)), ('bin=49701\u0663', 400), ('bin=-49701', 400)):
            status, _, _ = self.brand(browser, text)
            self.check(status in (expected if isinstance(expected, tuple) else (expected,)), 'brand %s: %s' % (text[:20], status))
        stopped = sum(self.brand(browser, 'bin=497010')[0] == 429 for _ in range(70))
        self.check(stopped >= 10, '79 questions for a brand in a minute: %d stopped' % stopped)

    def brand(self, browser, text):
        data = text.encode()
        browser.connection.request('POST', browser.path + '/brand', data, {**FORM, 'Cookie': browser.cookie})
        answer = browser.connection.getresponse()
        return answer.status, None, answer.read()

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
