"""What the long tests of the payment page share: an installation whose programs are processes of their own, a shop
that takes notifications, a shopper by plain HTTP. Standard library only."""
import html, http.client, http.server, json, os, random, re, shutil, signal, socket, sqlite3
import ssl, subprocess, tempfile, threading, time, urllib.parse
from verify import verify

PROGRAMS = os.environ.get('CADENAS_PROGRAMS') or os.path.normpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../../.build/debug'))
FORM = {'Content-Type': 'application/x-www-form-urlencoded', 'Sec-Fetch-Site': 'same-origin'}


def luhn(prefix):
    total = 0
    for place, digit in enumerate(reversed(prefix)):
        n = int(digit) * (2 if place % 2 == 0 else 1)
        total += n - 9 if n > 9 else n
    return prefix + str((10 - total % 10) % 10)


def card():
    return luhn('497010' + '%09d' % random.randrange(10 ** 9))


class Programs:
    """`cadenas-dev up` makes the installation; then each program runs alone."""

    def __init__(self, shop_port=None, edit=None, programs=PROGRAMS):
        self.programs, self.page = programs, programs + '/cadenas-page'
        self.directory = tempfile.mkdtemp(prefix='cr', dir='/tmp')
        up = subprocess.Popen([programs + '/cadenas-dev', 'up', '--shop', '--directory', self.directory],
                              stdout=subprocess.PIPE, text=True)
        self.places = json.loads(up.stdout.readline())
        up.terminate()
        up.wait()
        self.pki = self.directory + '/pki/'
        self.running = {}
        self.page_port, self.shops_port, self.acs_port = (
            int(self.places[n].rsplit(':', 1)[1]) for n in ('page', 'shops', 'acs'))
        self.secret = open(self.directory + '/shop.secret', 'rb').read().rstrip(b'\r\n')
        text = open(self.directory + '/page.yaml').read()
        self.return_url = re.search(r'return_urls: \["([^"]+)"', text)[1]
        if shop_port:
            text = re.sub(r'notify: \{url: "[^"]+"', 'notify: {url: "https://127.0.0.1:%d/payments"' % shop_port, text)
        if edit:
            text = edit(text)
        open(self.directory + '/page.yaml', 'w').write(text)
        self.page_context = ssl.create_default_context(cafile=self.pki + 'ca.pem')
        self.shop_contexts = {}

    def commands(self, name):
        d = self.directory
        strip = lambda url: url.split('//')[1]
        return {
            'vault': [self.programs + '/cadenas', 'serve', '--config', d + '/cadenas.yaml'],
            'page': [self.page, 'serve', '--config', d + '/page.yaml'],
            'acquirer': [self.programs + '/cadenas-dev', 'acquirer', '--pki', d + '/pki', '--listen',
                         strip(self.places['acquirer']), '--acs', strip(self.places['acs'])],
            'shop': [self.programs + '/cadenas-dev', 'shop', '--pki', d + '/pki', '--page-shops', self.places['shops'],
                     '--page-public', self.places['page'], '--secret-file', d + '/shop.secret', '--vault',
                     self.places['vault'], '--listen', strip(self.places['shop'])],
        }[name]

    def start(self, name, **environment):
        with open('%s/logs/%s.log' % (self.directory, name), 'ab') as log:
            self.running[name] = subprocess.Popen(self.commands(name), stdout=log, stderr=log,
                                                  env={**os.environ, **environment})

    def kill(self, name):
        self.running[name].send_signal(signal.SIGKILL)
        self.running[name].wait()

    def stop(self):
        for name in ('page', 'vault', 'acquirer', 'shop'):
            if name in self.running:
                self.running[name].terminate()
        codes = {}
        for name, process in self.running.items():
            try:
                codes[name] = process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                codes[name] = 'killed'
        return codes

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    def wait_ready(self, seconds=60, more=()):
        end = time.time() + seconds
        ports = [self.page_port, self.shops_port, *more] + [
            int(self.places[n].rsplit(':', 1)[1]) for n in ('vault', 'acquirer', 'acs')]
        for port in ports:
            while True:
                try:
                    socket.create_connection(('127.0.0.1', port), 1).close()
                    break
                except OSError:
                    if time.time() > end:
                        raise RuntimeError('port %d does not answer' % port)
                    time.sleep(0.05)

    def run(self, program, *arguments, config='cadenas.yaml'):
        done = subprocess.run([self.programs + '/' + program, *arguments, '--config', self.directory + '/' + config],
                              capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout, done.stderr

    # The shops' interface.

    def shop_context(self, pair):
        if pair not in self.shop_contexts:
            context = ssl.create_default_context(cafile=self.pki + 'ca.pem')
            if pair:
                context.load_cert_chain(self.pki + pair + '.pem', self.pki + pair + '.key')
            self.shop_contexts[pair] = context
        return self.shop_contexts[pair]

    def shops(self, method, path, body=None, key=True, pair='shop-backend', raw=None, headers=None, timeout=60):
        connection = http.client.HTTPSConnection('127.0.0.1', self.shops_port, context=self.shop_context(pair),
                                                 timeout=timeout)
        fields = {'Content-Type': 'application/json'}
        if key:
            fields['Idempotency-Key'] = key if isinstance(key, str) else 'k%d' % random.randrange(10 ** 15)
        fields.update(headers or {})
        data = raw if raw is not None else (json.dumps(body) if body is not None else None)
        try:
            connection.request(method, path, data, fields)
            answer = connection.getresponse()
            text = answer.read()
            try:
                return answer.status, json.loads(text) if text else None
            except ValueError:
                return answer.status, text
        finally:
            connection.close()

    def until(self, method, path, body=None, seconds=60, **more):
        """Asks as a shop does: again, under one key, until it is answered."""
        key, end = 'k%d' % random.randrange(10 ** 15), time.time() + seconds
        while True:
            try:
                return self.shops(method, path, body, key=key, **more)
            except (OSError, http.client.HTTPException):
                if time.time() > end:
                    raise
                time.sleep(0.1)

    def open_payment(self, amount, **more):
        reference = 'order-%d' % random.randrange(10 ** 10)
        status, made = self.until('POST', '/v1/payments', dict(
            reference=reference, amount=dict(value=amount, currency='EUR'),
            return_url=self.return_url + 'orders/' + reference, **more))
        assert status == 201, (status, made)
        return made

    def payment(self, identifier):
        return self.until('GET', '/v1/payments/' + identifier)[1]

    def database(self):
        return sqlite3.connect('file:%s/payments/payments.sqlite?mode=ro' % self.directory, uri=True, timeout=30)

    def attempts(self, payment=None):
        database = self.database()
        try:
            rows = database.execute('SELECT payment, id, body FROM attempts ORDER BY id').fetchall()
        finally:
            database.close()
        return [(p, i, json.loads(b)) for p, i, b in rows if payment in (None, p)]

    def acquirer_lines(self):
        """(payment_id, operation, amount, decision) of each message that has reached the acquirer."""
        lines = []
        for line in open(self.directory + '/logs/acquirer.log', errors='replace'):
            match = re.search(r'(pay_\w+) (\w+) (\d+) EUR, card \w+(?:, 3-D Secure)?: (.*)', line)
            if match:
                lines.append((match[1], match[2], int(match[3]), match[4].strip()))
        return lines

    def metric(self, name):
        """A figure of the page's metrics; None where there is none."""
        link = socket.socket(socket.AF_UNIX)
        link.connect(self.directory + '/page.sock')
        link.sendall(b'GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
        got = b''
        while part := link.recv(65536):
            got += part
        link.close()
        match = re.search(r'(?m)^%s (\d+)' % re.escape(name), got.decode())
        return int(match[1]) if match else None

    def audit(self):
        to = self.directory + '/export-%d' % random.randrange(10 ** 9)
        code, out, error = self.run('cadenas', 'audit', 'export', '--to', to)
        assert code == 0, (code, out, error)
        entries = [json.loads(line) for line in open(to + '/entries.jsonl')]
        shutil.rmtree(to)
        return entries


class FakeShop:
    """Takes notifications; `decide(document, tries)` says how: a status, or a function of the handler."""

    def __init__(self, pair=None):
        self.lock = threading.Lock()
        self.got = []       # (time, payment, sequence, state, answer, signature good, raw, header)
        self.under_way, self.open = {}, set()
        self.overlaps = []
        self.decide = lambda document, tries: 200
        self.secret = b''
        self.now = time.time  # the page's clock, where a test moves it
        shop = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            timeout = 90

            def setup(self):
                super().setup()
                with shop.lock:
                    shop.open.add(self.connection)

            def finish(self):
                with shop.lock:
                    shop.open.discard(self.connection)
                super().finish()

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                header = self.headers.get('Cadenas-Signature', '')
                document = json.loads(body)
                name, sequence = document['payment'], document['sequence']
                with shop.lock:
                    tries = sum(1 for g in shop.got if g['payment'] == name and g['sequence'] == sequence)
                    entry = dict(at=time.time(), done=0, payment=name, sequence=sequence, state=document['state'], answer=None,
                                 good=verify(body, header, shop.secret, shop.now()), body=body, header=header)
                    shop.got.append(entry)
                    # The page gives up after ten seconds; before, the next is not to come.
                    others = [s for s, at in shop.under_way.get(name, []) if entry['at'] - at < 9.5]
                    if others:
                        shop.overlaps.append((name, others, sequence))
                    shop.under_way.setdefault(name, []).append((sequence, entry['at']))
                try:
                    answer = shop.decide(document, tries)
                    if callable(answer):
                        answer = answer(self)
                finally:
                    with shop.lock:
                        shop.under_way[name].remove((sequence, entry['at']))
                entry['answer'], entry['done'] = answer, time.time()
                if answer is None or answer == 299:  # 299: is sent already.
                    self.close_connection = True
                    return
                try:
                    self.send_response(answer)
                    self.send_header('Content-Length', '0')
                    self.end_headers()
                except OSError:
                    entry['answer'] = None

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_):
                pass

        self.handler, self.server_type, self.server = Handler, Server, None
        probe = socket.socket()
        probe.bind(('127.0.0.1', 0))
        self.port = probe.getsockname()[1]
        probe.close()

    def start(self, pki):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki + 'page-server.pem', pki + 'page-server.key')
        self.server = self.server_type(('127.0.0.1', self.port), self.handler)
        # The handshake is done by the connection's own thread.
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        with self.lock:
            for connection in self.open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def of(self, payment):
        with self.lock:
            return [g for g in self.got if g['payment'] == payment]

    def faults(self, payment, state):
        """What is wrong with what the shop was told of a payment that is in `state` now."""
        told, wrong, taken = self.of(payment), [], []
        if not all(g['good'] for g in told):
            wrong.append('a signature is not good')
        for g in told:
            if taken and g['sequence'] < max(taken):
                wrong.append('sequence %d came after %d was taken' % (g['sequence'], max(taken)))
            elif g['sequence'] > (max(taken) if taken else 0) + 1:
                wrong.append('sequence %d came before the one before was taken' % g['sequence'])
            if g['answer'] is not None and 200 <= g['answer'] < 300:
                taken.append(g['sequence'])
        if sorted(set(taken)) != list(range(1, (max(taken) if taken else 0) + 1)):
            wrong.append('sequences %s' % sorted(set(taken)))
        last = [g['state'] for g in told if taken and g['sequence'] == max(taken)]
        if (last[-1] if last else 'open') != state:
            wrong.append('told %s last, is %s' % (last[-1:] or 'nothing', state))
        if wrong:
            wrong.append(' '.join('%d:%s@%.3f>%.3f' % (g['sequence'], g['answer'], g['at'] % 1000, g['done'] % 1000)
                                  for g in told))
        return wrong


class Browser:
    """One browser: its cookie, its connection, and what it sees."""

    def __init__(self, programs, source=None, more=None, home=None):
        self.programs, self.cookie, self.connection = programs, None, None
        self.home = home or programs.page_port
        self.path, self.source, self.more = None, source and (source, 0), more or {}

    def ask(self, method, path, fields=None, more=None, port=None):
        headers = {'Accept-Language': 'en', 'Accept': 'text/html', 'User-Agent': 'rounds'}
        body = None
        if self.cookie and port is None:
            headers['Cookie'] = self.cookie
        if fields is not None:
            body = urllib.parse.urlencode(fields)
            headers.update(FORM)
        headers.update(self.more)
        headers.update(more or {})
        connection = self.connection
        if port is not None or connection is None:
            connection = http.client.HTTPSConnection('127.0.0.1', port or self.home,
                                                     context=self.programs.page_context, timeout=60,
                                                     source_address=self.source)
            if port is None:
                self.connection = connection
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode(errors='replace')
        except (OSError, http.client.HTTPException):
            connection.close()
            if port is None:
                self.connection = None
            raise
        if port is not None:
            connection.close()
        cookie = answer.getheader('Set-Cookie')
        if cookie and port is None:
            self.cookie = cookie.split(';')[0]
        return answer.status, answer.getheader('Location'), text

    def get(self, path='', seconds=60):
        """Reloads until the page answers."""
        end = time.time() + seconds
        while True:
            try:
                status, location, text = self.ask('GET', self.path + path)
                if status < 500:
                    return status, location, text
            except (OSError, http.client.HTTPException):
                pass
            if time.time() > end:
                raise RuntimeError('the page does not answer')
            time.sleep(0.1)

    def visit(self, url):
        self.path = '/p/' + url.split('/p/')[1]
        return self.look()

    def look(self):
        """The screen that is shown now, and its text."""
        status, _, text = self.get()
        screen = re.search(r'data-screen="(\w+)"', text)
        return (screen[1] if screen else 'status%d' % status), text

    def post(self, action, fields):
        """Presses a button; what came of it, the screen tells."""
        try:
            return self.ask('POST', self.path + action, fields)
        except (OSError, http.client.HTTPException):
            return None, None, None

    @staticmethod
    def form_token(text):
        match = re.search(r'name="form" value="([^"]+)"', text)
        return match[1] if match else None

    def pay(self, text, number=None, cvc='123', **more):
        fields = dict(form=self.form_token(text), expiry='03/29', cvc=cvc, pay='card', **more)
        if number:
            fields['number'] = number
        return self.post('/pay', fields)

    @staticmethod
    def form(text):
        action = re.search(r'<form[^>]*action="([^"]+)"', text)
        if not action:
            return None, {}
        fields = {}
        for tag in re.findall(r'<input[^>]*>', text):
            name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
            if name:
                fields[name[1]] = html.unescape(value[1]) if value else ''
        return html.unescape(action[1]), fields

    def bank(self, code='1234'):
        """Goes to the bank, types the code, comes back; false where the bank does not know of it."""
        status, _, text = self.get('/bank/go')
        action, fields = self.form(text)
        if status != 200 or not action:
            return False
        acs = urllib.parse.urlsplit(action)
        try:
            status, _, text = self.ask('POST', acs.path, fields, port=acs.port)
            action, fields = self.form(text)
            if status != 200 or not action:
                return False
            fields.update(code=code, confirm='1')
            status, _, text = self.ask('POST', '/answer', fields, port=acs.port)
        except (OSError, http.client.HTTPException):
            return False
        action, fields = self.form(text)
        if status != 200 or not action:
            return False
        self.post('/bank/back', fields)
        return True
