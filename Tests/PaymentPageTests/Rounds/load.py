#!/usr/bin/env python3
"""load.py [SHOPPERS] [SECONDS]: so many shoppers at once, from the first page to the result: first as people are, who read and
type for some 15 s each, then in a hurry (2 s), then as fast as it goes. Latencies of each kind of answer, payments a second, processor time and memory."""
import multiprocessing, sys, traceback
from common import *

RELEASE = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../../.build-release/release'))
KINDS = ('connect', 'page', 'css', 'js', 'pay', 'result', 'state', 'open')
PROCESSES = 4


def shopper(programs, until, think, times, faults, keep):
    """One after another, until the time is over: each a new browser with a connection of its own."""
    def measured(kind, call):
        began = time.perf_counter()
        answer = call()
        times.append((kind, time.perf_counter() - began))
        return answer

    def pause(seconds):
        if think:
            time.sleep(random.uniform(0.5, 1.5) * seconds * think)

    pause(5)
    while time.time() < until:
        try:
            amount = random.randrange(1000, 90000)
            status, made = measured('open', lambda: keep.open(amount))
            browser = Browser(programs)
            browser.path = '/p/' + made['url'].split('/p/')[1]
            browser.connection = http.client.HTTPSConnection('127.0.0.1', programs.page_port, context=programs.page_context,
                                                             timeout=60)
            measured('connect', browser.connection.connect)
            status, _, text = measured('page', lambda: browser.ask('GET', browser.path))
            for kind, asset in (('css', r'href="(/a/[^"]+\.css)"'), ('js', r'src="(/a/[^"]+\.js)"')):
                path = re.search(asset, text)[1]
                code, _, _ = measured(kind, lambda: browser.ask('GET', path))
                if code != 200:
                    faults.append('%s: %d' % (kind, code))
            pause(8)
            status, location, _ = measured('pay', lambda: browser.pay(text, card()))
            if status != 303:
                faults.append('pay: %s' % status)
            for _ in range(60):
                status, _, text = measured('result', lambda: browser.ask('GET', browser.path))
                screen = re.search(r'data-screen="(\w+)"', text)[1]
                if screen != 'wait':
                    break
                time.sleep(1)
            if screen != 'approved':
                faults.append('screen %s' % screen)
            times.append(('done', 0))
            browser.connection.close()
            pause(2)
        except Exception as error:
            faults.append(repr(error)[:120])
            time.sleep(0.5)


class Shop:
    """A shop's backend: one connection kept for each thread."""

    def __init__(self, programs):
        self.programs = programs
        self.connection = http.client.HTTPSConnection('127.0.0.1', programs.shops_port,
                                                      context=programs.shop_context('shop-backend'), timeout=60)

    def open(self, amount):
        reference = 'order-%d' % random.randrange(10 ** 11)
        body = json.dumps(dict(reference=reference, amount=dict(value=amount, currency='EUR'),
                               return_url=self.programs.return_url + 'orders/' + reference))
        fields = {'Content-Type': 'application/json', 'Idempotency-Key': reference}
        try:
            self.connection.request('POST', '/v1/payments', body, fields)
            answer = self.connection.getresponse()
            return answer.status, json.loads(answer.read())
        except Exception:
            self.connection.close()
            raise


def client(programs, shoppers, until, think, pipe):
    """A process of shoppers."""
    programs.page_context = ssl.create_default_context(cafile=programs.pki + 'ca.pem')
    programs.shop_contexts = {}
    times, faults = [], []
    threads = [threading.Thread(target=shopper, args=(programs, until, think, times, faults, Shop(programs)), daemon=True)
               for _ in range(shoppers)]
    began = time.time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    used = os.times()
    pipe.send((times, faults, (used.user + used.system) / (time.time() - began)))


def processor(pid):
    fields = open('/proc/%d/stat' % pid).read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def memory(pid):
    return int(re.search(r'VmRSS:\s+(\d+)', open('/proc/%d/status' % pid).read())[1]) / 1024


def phase(programs, shoppers, seconds, think, name):
    pids = {n: p.pid for n, p in programs.running.items()}
    before = {n: processor(p) for n, p in pids.items()}
    rss = [memory(pids['page'])]
    until, began, pipes, processes = time.time() + seconds, time.time(), [], []
    for place in range(PROCESSES):
        ours, theirs = multiprocessing.Pipe(False)
        share = shoppers // PROCESSES + (place < shoppers % PROCESSES)
        contexts, programs.page_context, programs.shop_contexts = programs.page_context, None, {}
        process = multiprocessing.Process(target=client, args=(programs, share, until, think, theirs))
        process.start()
        programs.page_context = contexts
        pipes.append(ours)
        processes.append(process)
    times, faults, busy = [], [], []
    for pipe, process in zip(pipes, processes):
        t, f, b = pipe.recv()
        times, faults, busy = times + t, faults + f, busy + [b]
        process.join()
    took = time.time() - began
    done = sum(1 for kind, _ in times if kind == 'done')
    used = {n: processor(p) - before[n] for n, p in pids.items()}
    rss.append(memory(pids['page']))
    time.sleep(10)
    rss.append(memory(pids['page']))
    figures = {}
    for kind in KINDS:
        values = sorted(t for k, t in times if k == kind)
        if values:
            figures[kind] = [1000 * values[min(len(values) - 1, int(len(values) * q))] for q in (0.5, 0.95, 0.99)]
    print('%s: %d shoppers, %d payments in %.0f s, %.1f a second; ' % (name, shoppers, done, took, done / took)
          + ', '.join('%s %.0f/%.0f/%.0f' % (k, *v) for k, v in figures.items()) + ' ms (p50/p95/p99); processor for a payment: '
          + ', '.join('%s %.1f ms' % (n, 1000 * u / max(1, done)) for n, u in used.items())
          + '; busy: ' + ', '.join('%s %.2f' % (n, u / took) for n, u in used.items())
          + ', clients %.2f of %d cores in %d processes; the page\'s memory %.0f, %.0f, 10 s later %.0f MB; faults %d %s' % (
              sum(busy), os.cpu_count(), PROCESSES, *rss, len(faults), sorted(set(faults))[:4]), flush=True)
    return faults


def main():
    shoppers = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 30
    where = RELEASE if os.path.exists(RELEASE + '/cadenas-page') and 'CADENAS_PROGRAMS' not in os.environ else PROGRAMS
    shop = FakeShop()
    programs = Programs(shop.port, programs=where)
    shop.secret = programs.secret
    # The shop is a process of its own: this one only counts.
    taker = multiprocessing.Process(target=lambda: (shop.start(programs.pki), time.sleep(3600)), daemon=True)
    faults = []
    try:
        taker.start()
        for name in ('acquirer', 'vault', 'page'):
            programs.start(name)
        programs.wait_ready()
        kind = 'release' if where == RELEASE else 'debug' if os.path.getsize(where + '/cadenas-page') > 100 << 20 else where
        faults += phase(programs, 4, 3, 0, 'warm (%s)' % kind)
        faults += phase(programs, shoppers, seconds, 1, 'people')
        faults += phase(programs, shoppers, seconds / 2, 0.15, 'in a hurry')
        faults += phase(programs, shoppers, seconds / 2, 0, 'as fast as it goes')
        odd = {}
        for _, _, attempt in programs.attempts():
            if attempt.get('result') != 'approved':
                what = '%s %s %s' % (attempt['step'], attempt.get('result'), attempt.get('reason'))
                odd[what] = odd.get(what, 0) + 1
        if odd:
            print('attempts that did not end approved: %s' % odd)
            os.system("grep -v '\"info\"' %s/logs/page.log | tail -n 5 | cut -c1-300 >&2" % programs.directory)
    except BaseException:
        faults.append(traceback.format_exc())
        print(faults[-1], file=sys.stderr)
    taker.terminate()
    codes = programs.stop()
    if any(codes.values()):
        faults.append('ended with %s' % codes)
        print(faults[-1], file=sys.stderr)
    programs.remove()
    sys.exit(1 if faults else 0)


main()
