#!/usr/bin/env python3
"""residue.py [PAYMENTS]: so many payments, from the demo shop's basket to its order, in every way in which one ends; then,
while nobody pays, no number and no code is left: not in the memory of page, shop or vault, not in a file of theirs, not in
what the shop was sent. Then as many of a page that is linked without CScrub, which has to be found guilty. As root."""
import array, collections, shlex, subprocess, sys, traceback
from common import *

CODE = '731'
SHOPPERS = 4
# What becomes of a payment, by its amount; and how often in a hundred.
KINDS = dict(plain=(None, 40), refused=(100001, 12), again=(100002, 8), challenge=(200002, 12), failed=(200002, 6),
             soft=(200006, 6), mistake=(None, 8), away=(200002, 4), keep=(None, 4))


class Search:
    """Finds card numbers, and the code where it stands beside its name, in every form in which a program leaves them."""

    def __init__(self):
        self.numbers = set()
        digits = rb'497010\d{10}'
        spaced = b'[ +-]|%20|\xc2\xa0'
        wide = rb'4\x009\x007\x000\x001\x000\x00(?:\d\x00){9}\d'
        self.patterns = [
            (re.compile(digits), lambda m: m.decode()),
            (re.compile(rb'4970(?:%s)10\d\d(?:%s)\d{4}(?:%s)\d{4}' % (spaced, spaced, spaced)),
             lambda m: re.sub('[^0-9]', '', re.sub('%20', '', m.decode(errors='replace')))),
            (re.compile(wide), lambda m: m.replace(b'\0', b'').decode()),
            (re.compile(rb'\x49\x70\x10.{5}', re.S), lambda m: m.hex()),
            # Packed, and begun within a byte: the first digit is half of a byte that may hold anything.
            (re.compile(rb'[\x04\x14\x24\x34\x44\x54\x64\x74\x84\x94\xa4\xb4\xc4\xd4\xe4\xf4]\x97\x01.{6}', re.S),
             lambda m: m.hex()[1:17]),
        ]
        beside = rb'[^0-9]{1,24}?' + CODE.encode() + rb'(?!\d)'
        self.code = re.compile(rb'(?:cvc|security_code)' + beside)

    def found(self, data):
        hits = []
        for pattern, number in self.patterns:
            for match in pattern.finditer(data):
                text = number(match[0])
                if text in self.numbers:
                    hits.append('number ...%s at %d in %r' % (
                        text[-4:], match.start(), data[max(0, match.start() - 24):match.start()]))
        hits += ['code: %r' % match[0] for match in self.code.finditer(data)]
        return hits

    def memory(self, pid):
        """What is found in a process, and how many bytes were read: every page that it has, those too that it may not read
        itself."""
        hits, size, page, piece = [], 0, os.sysconf('SC_PAGE_SIZE'), 8 << 20
        with open('/proc/%d/maps' % pid) as maps, open('/proc/%d/mem' % pid, 'rb', 0) as memory, \
                open('/proc/%d/pagemap' % pid, 'rb', 0) as pagemap:
            for line in maps:
                if '[v' in line:
                    continue
                for start, end in self.present(line, pagemap, page):
                    place, tail = start, b''
                    while place < end:
                        memory.seek(place)
                        data = memory.read(min(piece, end - place))
                        if not data:
                            break
                        size += len(data)
                        hits += ['%s %s' % (line.split()[-1], hit) for hit in self.found(tail + data)]
                        tail, place = data[-64:], place + len(data)
        return hits, size

    @staticmethod
    def present(line, pagemap, page):
        """The parts of a mapping that are in memory (bit 63 of a page's entry) or swapped (bit 62)."""
        start, end = (int(part, 16) for part in line.split()[0].split('-'))
        pagemap.seek(start // page * 8)
        entries = array.array('Q', pagemap.read((end - start) // page * 8))
        begun = None
        for number, entry in enumerate(entries):
            if entry >> 62 and begun is None:
                begun = number
            elif not entry >> 62 and begun is not None:
                yield start + begun * page, start + number * page
                begun = None
        if begun is not None:
            yield start + begun * page, start + len(entries) * page

    def files(self, directory):
        hits, size = [], 0
        for folder, _, names in os.walk(directory):
            for name in names:
                path = os.path.join(folder, name)
                # What the acquirer prints and keeps is the acquirer's; programs are no data.
                if os.path.isfile(path) and not name.startswith('acquirer.log'):
                    data = open(path, 'rb').read()
                    size += len(data)
                    hits += ['%s %s' % (path, hit) for hit in self.found(data)]
        return hits, size


class ToldShop(FakeShop):
    """Keeps what the demo shop is told, and gives it on."""

    def __init__(self):
        super().__init__()
        self.to, self.context, self.traffic = None, None, []
        # Payments that the demo shop has not opened.
        self.direct = set()

    def deliver(self, document, tries):
        def answer(handler):
            if document['payment'] in self.direct:
                return 200
            entry = [g for g in self.of(document['payment']) if g['sequence'] == document['sequence']][-1]
            self.traffic.append(entry['body'] + entry['header'].encode())
            connection = http.client.HTTPSConnection('127.0.0.1', self.to, context=self.context, timeout=60)
            connection.request('POST', '/payments', entry['body'], {
                'Content-Type': 'application/json', 'Cadenas-Signature': entry['header']})
            status = connection.getresponse().status
            connection.close()
            return status
        return answer


class Residue:
    def __init__(self, payments):
        self.payments, self.faults, self.search = payments, [], Search()
        self.screens, self.lock = collections.Counter(), threading.Lock()
        self.shop = ToldShop()
        self.programs = Programs(self.shop.port)
        self.shop.secret, self.shop.decide = self.programs.secret, self.shop.deliver
        self.shop.to = int(self.programs.places['shop'].rsplit(':', 1)[1])
        self.shop.context = ssl.create_default_context(cafile=self.programs.pki + 'ca.pem')
        self.kinds = [kind for kind, (_, often) in KINDS.items() for _ in range(often)]

    def fault(self, text):
        with self.lock:
            self.faults.append(text)
            if len(self.faults) < 20:
                print('FAULT', text[:400], file=sys.stderr, flush=True)

    def new_card(self):
        with self.lock:
            number = card()
            self.search.numbers.add(number)
            return number

    # A person's way.

    def order(self, browser, amount):
        """Puts a voucher of that worth into the shop's basket and goes to the payment page: its address."""
        status, _, _ = browser.ask('POST', '/basket/add', dict(product='voucher', worth='%d.%02d' % divmod(amount, 100)))
        assert status == 303, status
        status, _, text = browser.ask('GET', '/basket')
        token = Browser.form_token(text)
        status, location, text = browser.ask('POST', '/checkout', dict(form=token, checkout='1'))
        assert status == 303 and '/p/' in location, (status, location)
        return location

    def buys(self, kind):
        shop = Browser(self.programs, home=self.shop.to)
        page = Browser(self.programs)
        amount = KINDS[kind][0] or random.randrange(1000, 90000)
        if kind == 'keep':
            made = self.programs.open_payment(amount, customer='c-%d' % random.randrange(10 ** 9), keep_card='offer')
            url = made['url']
            self.shop.direct.add(made['payment'])
        else:
            url = self.order(shop, amount)
        screen, text = page.visit(url)
        number, tries = self.new_card(), 0
        for _ in range(40):
            if screen == 'card':
                if kind == 'mistake' and not tries:
                    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
                    self.search.numbers.add(wrong)
                    _, _, _ = page.post('/pay', dict(form=page.form_token(text), number=wrong, expiry='13/29', cvc=CODE,
                                                     pay='card'))
                tries += 1
                spaced = ' '.join(re.findall('....', number)) if tries % 2 else number
                page.pay(text, spaced, cvc=CODE, **(dict(keep='yes') if kind == 'keep' else {}))
            elif screen == 'bank':
                page.bank('1234' if kind in ('challenge', 'soft') else '9999')
                if kind == 'away':
                    page.post('/cancel', {'cancel': 'attempt'})
            elif screen == 'wait':
                time.sleep(0.1)
            elif screen == 'refused' and kind in ('again', 'failed') and tries < 2:
                number = self.new_card()
                status, _, text = page.get('/card')
                screen = 'card' if status == 200 else 'refused'
                if screen == 'card':
                    continue
            elif screen == 'refused':
                page.post('/cancel', {'cancel': 'payment'})
            elif screen in ('approved', 'ended', 'waiting'):
                break
            screen, text = page.look()
        self.screens['%s %s' % (kind, screen)] += 1
        back = re.search(r'(?:href|action)="(https://[^"]+/orders/[^"]+)"', text)
        if back:
            location = html.unescape(back[1])
            self.shop.traffic.append(location.encode())
            status, _, text = shop.ask('GET', '/orders/' + location.split('/orders/')[1])
            self.shop.traffic.append(text.encode())
        for browser in (shop, page):
            if browser.connection:
                browser.connection.close()

    def shopper(self, count):
        for _ in range(count):
            try:
                self.buys(random.choice(self.kinds))
            except Exception:
                self.fault(traceback.format_exc())

    # The run.

    def run(self):
        programs = self.programs
        self.shop.start(programs.pki)
        for name in ('acquirer', 'vault', 'page', 'shop'):
            programs.start(name)
        programs.wait_ready(more=[self.shop.to])
        began = time.time()
        share = [self.payments // SHOPPERS + (n < self.payments % SHOPPERS) for n in range(SHOPPERS)]
        threads = [threading.Thread(target=self.shopper, args=(count,)) for count in share]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.time() - began
        self.idle()
        return took

    def idle(self):
        """Until nothing is under way and nothing is owed."""
        end = time.time() + 90
        while True:
            status = json.loads(self.programs.run('cadenas-page', 'status', config='page.yaml')[1])
            states = [body.get('step') for _, _, body in self.programs.attempts() if body.get('result') is None]
            if not status['notifications_waiting'] and not status['tokens_to_delete'] and not states:
                return
            if time.time() > end:
                return self.fault('still owed or under way after 90 s: %s %s' % (status, states))
            time.sleep(0.5)

    def guilty(self, name):
        """Looks a few times: what a thread has still to clear takes it a moment."""
        for _ in range(12):
            hits, size = self.search.memory(self.programs.running[name].pid)
            if not hits:
                break
            time.sleep(0.5)
        return hits, size

    def judge(self):
        looked = {}
        for name in ('page', 'shop', 'vault'):
            hits, size = self.guilty(name)
            looked[name] = size
            for hit in hits[:5]:
                self.fault('memory of %s: %s (%d in all)' % (name, hit, len(hits)))
        hits, looked['files'] = self.search.files(self.programs.directory)
        for hit in hits:
            self.fault('file: ' + hit)
        for text in self.shop.traffic + [json.dumps(self.programs.payment(p)).encode() for p in self.some_payments()]:
            for hit in self.search.found(text):
                self.fault('the shop was sent: ' + hit)
        self.tokens()
        return looked

    def some_payments(self):
        return sorted({payment for payment, _, _ in self.programs.attempts()})

    def tokens(self):
        """Cards that were not to be kept are gone, those that were are there; and the page's pair pulls none."""
        database = self.programs.database()
        kept = {row[0] for row in database.execute('SELECT token FROM kept_cards')}
        database.close()
        known = {body['token'] for _, _, body in self.programs.attempts() if body.get('token')}
        if self.screens['keep approved'] != len(kept):
            self.fault('%d cards were to be kept, %d are' % (self.screens['keep approved'], len(kept)))
        vault = int(self.programs.places['vault'].rsplit(':', 1)[1])
        for token in known | kept:
            status = self.ask(vault, 'page', '/v1/tokens', dict(token=token))
            if status != (200 if token in kept else 404):
                self.fault('the vault answers %d about %s, which is %skept' % (
                    status, token, '' if token in kept else 'not '))
        if not kept or not known - kept:
            self.fault('%d kept, %d not: too few to tell' % (len(kept), len(known - kept)))
        for token in kept:
            status = self.ask(vault, 'page', '/v1/tokens/%s/detokenize' % token, {})
            if status == 200:
                self.fault('the page pulled: %d' % status)
        self.counts = len(known), len(kept)

    def ask(self, port, pair, path, body):
        connection = http.client.HTTPSConnection('127.0.0.1', port, context=self.programs.shop_context(pair), timeout=60)
        connection.request('POST', path, json.dumps(body), {
            'Content-Type': 'application/json', 'Idempotency-Key': 'k%d' % random.randrange(10 ** 15)})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        for hit in self.search.found(text):
            self.fault('the vault told the page: ' + hit)
        return answer.status

    def stop(self):
        codes = self.programs.stop()
        if any(codes.values()):
            self.fault('ended with %s' % codes)
        self.shop.stop()
        hits, _ = self.search.files(self.programs.directory)
        for hit in hits:
            self.fault('file, after the stop: ' + hit)
        if not self.faults:
            self.programs.remove()
        else:
            print('left in ' + self.programs.directory, file=sys.stderr)


def without_scrub():
    """The page of these programs, linked again with the C library's own `free` and `realloc`."""
    folder = tempfile.mkdtemp(prefix='cs', dir='/tmp')
    objects = shlex.split(open(PROGRAMS + '/cadenas-page.product/Objects.LinkFileList').read())
    place = next(n for n, path in enumerate(objects) if path.endswith('CScrub.c.o'))
    subprocess.run(['objcopy', '--localize-symbol=free', '--localize-symbol=realloc', objects[place],
                    folder + '/CScrub.o'], check=True)
    objects[place] = folder + '/CScrub.o'
    open(folder + '/objects', 'w').write('\n'.join(map(shlex.quote, objects)))
    # As the build links it, by its own plan.
    plan = open(PROGRAMS.rstrip('/') + '.yaml').read()
    linked = next(json.loads(found[1]) for found in re.finditer(r'(?m)^ +args: (\[.*"-emit-executable".*\])$', plan)
                  if '"cadenas_page"' in found[1])
    for n, argument in enumerate(linked):
        if argument.endswith('/cadenas-page'):
            linked[n] = folder + '/cadenas-page'
        elif argument.endswith('/cadenas-page.product/Objects.LinkFileList'):
            linked[n] = '@' + folder + '/objects'
    done = subprocess.run(linked, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return folder


def main():
    payments = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    one = Residue(payments)
    try:
        took = one.run()
        looked = one.judge()
        print('residue: %d payments in %.0f s, %d numbers, %s; looked through %s; tokens: %d, kept %d; faults %d' % (
            payments, took, len(one.search.numbers), dict(one.screens),
            ', '.join('%s %.0f MiB' % (n, size / 2 ** 20) for n, size in looked.items()), *one.counts, len(one.faults)),
            flush=True)
    except BaseException:
        one.fault(traceback.format_exc())
    one.stop()

    folder = without_scrub()
    control = Residue(min(payments, 100))
    control.programs.page = folder + '/cadenas-page'
    try:
        control.run()
        hits, size = control.search.memory(control.programs.running['page'].pid)
        print('control without CScrub: %d numbers and codes in %.0f MiB of the page' % (len(hits), size / 2 ** 20), flush=True)
        if not hits:
            control.fault('a page without CScrub is found innocent: the search finds nothing')
    except BaseException:
        control.fault(traceback.format_exc())
    control.stop()
    shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if one.faults or control.faults else 0)


main()
