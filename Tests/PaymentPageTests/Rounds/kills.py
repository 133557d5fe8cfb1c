#!/usr/bin/env python3
"""kills.py [ROUNDS]: four shoppers pay while page, vault or acquirer is killed and started again; nobody pays twice,
no payment is left without a state, the shop is told in the end, no card stays that was not to be kept."""
import collections, sys, threading, time, random, traceback
from common import *

FINAL = ('approved', 'refused', 'cancelled', 'expired')
KINDS = (['plain'] * 4 + ['challenge'] * 3 + ['soft'] * 2 + ['refused', 'late', 'late', 'pending', 'lost', 'part', 'unable']
         + ['keep'] * 2 + ['kept'] * 2 + ['brand'])
AMOUNTS = dict(challenge=200002, soft=200006, late=100010, pending=100013, lost=100011, part=100012, unable=200003)
unique = [1000]


def amount_of(kind):
    if kind == 'refused':
        return random.randrange(100001, 100006)
    if kind in AMOUNTS:
        return AMOUNTS[kind]
    unique[0] += 1
    return unique[0]


class Shopper(threading.Thread):
    """A person: pays, follows what the page shows, to the end."""

    def __init__(self, programs, kind, customer):
        super().__init__(daemon=True)
        self.programs, self.kind, self.customer = programs, kind, customer
        self.trail, self.error, self.screen, self.payment = [], None, None, None
        self.tries, self.wants = 0, random.choice((1, 1, 2, 3))
        self.browser = Browser(programs)
        self.amount, self.is_stuck = amount_of(kind), False

    def is_at_bank(self):
        attempts = self.programs.attempts(self.payment)
        return bool(attempts) and attempts[-1][2]['step'] in ('challenge', 'code')

    def run(self):
        try:
            self.go()
        except Exception:
            self.error = traceback.format_exc()

    def go(self):
        time.sleep(random.random() * 0.6)
        more = {}
        if self.kind in ('keep', 'kept'):
            more = dict(customer=self.customer, keep_card='offer')
        made = self.programs.open_payment(self.amount, **more)
        self.payment = made['payment']
        self.screen, text = self.browser.visit(made['url'])
        banks, end, waits = 0, time.time() + 200, 0
        while time.time() < end:
            waits = waits + 1 if self.screen == 'wait' else 0
            if waits > 125 and waits % 25 == 0 and self.is_at_bank():
                self.error = 'at the bank, says the page, but the browser that pays is shown `wait` alone'
                self.is_stuck = True
                return
            if not self.trail or self.trail[-1] != self.screen:
                self.trail.append(self.screen)
            if self.screen in ('card', 'kept', 'refused'):
                if self.screen == 'refused' and self.tries >= self.wants:
                    return
                if self.tries >= 5 + self.wants:
                    return
                self.press(text)
            elif self.screen == 'code':
                self.browser.pay(text)
            elif self.screen == 'bank':
                banks += 1
                if banks > 3 or not self.browser.bank(random.choice(('1234', '1234', '1234', '9999'))):
                    # As a person would: the bank's page does not work.
                    time.sleep(0.3)
                    self.browser.post('/cancel', {'cancel': 'attempt'})
            elif self.screen == 'wait':
                time.sleep(0.2)
            else:
                return
            self.screen, text = self.browser.look()
        self.error = 'no end after 200 s: ' + ' '.join(self.trail)

    def press(self, text):
        """Fills the form in and presses the button, now and then in two tabs at once."""
        self.tries += 1
        if self.screen == 'refused':
            again = '/code' in text and random.random() < 0.5
            status, location, form = self.browser.get('/code' if again else '/card')
            if status != 200:
                return
            if again:
                return self.browser.pay(form)
            text = form
        if self.screen == 'kept':
            ids = re.findall(r'name="card" type="radio" value="([^"]+)"', text)
            if ids and self.kind == 'kept':
                return self.browser.pay(text, card=ids[0])
            status, _, text = self.browser.get('/card')
            if status != 200:
                return
        keep = dict(keep='yes') if self.kind == 'keep' else {}
        number = card()
        if random.random() < 0.2:
            twin = Browser(self.programs)
            twin.cookie, twin.path = self.browser.cookie, self.browser.path
            other = threading.Thread(target=twin.pay, args=(text, number), kwargs=keep)
            other.start()
            self.browser.pay(text, number, **keep)
            return other.join()
        self.browser.pay(text, number, **keep)


class Rounds:
    def __init__(self, rounds):
        self.rounds, self.faults, self.shoppers = rounds, [], []
        self.shop = FakeShop()
        self.programs = Programs(self.shop.port)
        self.shop.secret = self.programs.secret
        self.shop.start(self.programs.pki)
        self.kills, self.states, self.settled = collections.Counter(), collections.Counter(), {}
        self.screens = collections.Counter()
        self.starts = 0

    def fault(self, text):
        self.faults.append(text)
        print('FAULT', text, file=sys.stderr, flush=True)

    def run(self):
        programs = self.programs
        for name in ('acquirer', 'vault', 'page'):
            programs.start(name)
        programs.wait_ready()
        for number in range(self.rounds):
            self.round(number)
        programs.kill('page')
        programs.start('page')
        programs.wait_ready()
        self.settle_all()
        self.finish()

    def round(self, number):
        programs = self.programs
        shoppers = [Shopper(programs, random.choice(KINDS), 'c-%d' % random.randrange(6)) for _ in range(4)]
        for shopper in shoppers:
            shopper.start()
        time.sleep(random.random() * random.choice((0.8, 1.6, 3)))
        name = random.choice(('page', 'page', 'vault', 'acquirer'))
        self.kills[name] += 1
        programs.kill(name)
        time.sleep(random.random() * 0.5)
        programs.start(name)
        for shopper in shoppers:
            shopper.join(230)
            if shopper.is_alive():
                self.fault('round %d: a %s shopper does not end, %s' % (number, shopper.kind, shopper.trail))
            elif shopper.error:
                self.fault('round %d, %s killed: %s %s' % (number, name, shopper.kind, shopper.error))
            self.screens[shopper.screen] += 1
        self.shoppers += shoppers
        for running in programs.running.values():
            if running.poll() is not None:
                self.fault('round %d: a program ended by itself with %s' % (number, running.poll()))
                raise SystemExit(self.report())
        programs.wait_ready()
        self.compare(shoppers, 'round %d, %s killed' % (number, name))

    def truth(self):
        """What the acquirer has done, by payment: lists of decisions of `authorize`."""
        tokens = {}
        for entry in self.programs.audit():
            if entry.get('payment_id') and entry.get('token'):
                tokens[entry['payment_id']] = entry['token']
        of_token = collections.defaultdict(set)
        for payment, _, body in self.programs.attempts():
            if body.get('token'):
                of_token[body['token']].add(payment)
        amounts = {s.amount: s.payment for s in self.shoppers if s.amount < 100000}
        done, seen = collections.defaultdict(list), collections.Counter()
        for message, operation, amount, decision in self.programs.acquirer_lines():
            seen[message] += 1
            if seen[message] > 1:
                self.fault('the acquirer has got %s %d times' % (message, seen[message]))
            if operation != 'authorize':
                continue
            payment = amounts.get(amount)
            if payment is None:
                found = of_token.get(tokens.get(message), set())
                payment = next(iter(found)) if len(found) == 1 else None
            if payment is None:
                self.fault('%s (%d, %s) belongs to no payment' % (message, amount, decision))
            else:
                done[payment].append((message, decision))
        return done

    def compare(self, shoppers, where):
        done = self.truth()
        for shopper in shoppers:
            if not shopper.payment:
                continue
            document = self.programs.payment(shopper.payment)
            state = document['state']
            end = time.time() + 150
            while state == 'in_progress' and not shopper.is_stuck and time.time() < end:
                time.sleep(0.5)
                state = (document := self.programs.payment(shopper.payment))['state']
            self.judge(shopper, state, document, done, where)

    def judge(self, shopper, state, document, done, where):
        name = '%s: %s %s %s (screens %s)' % (where, shopper.kind, shopper.payment, state, ' '.join(shopper.trail))
        messages = done.get(shopper.payment, [])
        approved = [m for m, d in messages if d.startswith('APPROVED')]
        attempts = self.programs.attempts(shopper.payment)
        if len(approved) > 1:
            self.fault('PAID TWICE ' + name + ' %s' % messages)
        if state == 'approved' and len(approved) != 1 and shopper.payment not in self.settled:
            self.fault('approved without an approval ' + name + ' %s' % messages)
        if state in ('open', 'refused', 'cancelled', 'expired') and approved:
            self.fault('CHARGED but ' + name + ' %s' % messages)
        if state == 'in_progress' and not shopper.is_stuck:
            self.fault('without a state of its own ' + name + ' %s' % [a[2].get('step') for a in attempts])
        if state == 'pending' and shopper.kind != 'pending':
            self.fault('pending ' + name)
        most = sum(2 if a[2].get('hasSoftDecline') else 1 for a in attempts)
        if len(messages) > most:
            self.fault('more messages than attempts ' + name + ' %s' % messages)
        screens = dict(approved=('approved',), pending=('waiting',), unknown=('waiting',), cancelled=('ended',),
                       refused=('ended',), open=('refused', 'card', 'kept'))
        if shopper.screen not in screens.get(state, ()) and not shopper.error:
            self.fault('screen %s at ' % shopper.screen + name)
        attempt = attempts[-1][2] if attempts else {}
        if state == 'approved' and document['payment_id'] not in [m for m in approved]:
            if shopper.payment not in self.settled:
                self.fault('payment_id %s is not the approved one ' % document['payment_id'] + name)
        if len(set(a[2]['form'] for a in attempts)) != len(attempts):
            self.fault('a form twice ' + name)

    def settle_all(self):
        """The shop asks the acquirer about what is unknown, and cancels what is open."""
        done = self.truth()
        for shopper in self.shoppers:
            if not shopper.payment:
                continue
            state = self.programs.payment(shopper.payment)['state']
            self.states[state] += 1
            approved = any(d.startswith('APPROVED') for _, d in done.get(shopper.payment, []))
            if state in ('unknown', 'pending'):
                self.settled[shopper.payment] = approved
                status, _ = self.programs.until('POST', '/v1/payments/%s/settle' % shopper.payment,
                                                dict(state='approved' if approved else 'refused'))
            elif state == 'open':
                status, _ = self.programs.until('POST', '/v1/payments/%s/cancel' % shopper.payment, {})
            else:
                continue
            if status != 200:
                self.fault('%s of %s: %d' % (state, shopper.payment, status))

    def finish(self):
        programs = self.programs
        deadline = time.time() + 60
        while time.time() < deadline:
            status = json.loads(programs.run('cadenas-page', 'status', config='page.yaml')[1])
            if not status['notifications_waiting'] and not status['tokens_to_delete']:
                break
            time.sleep(1)
        else:
            self.fault('still owed after 60 s: %s' % status)
        done = self.truth()
        for shopper in self.shoppers:
            if shopper.payment:
                document = programs.payment(shopper.payment)
                for wrong in self.shop.faults(shopper.payment, document['state']):
                    self.fault('%s %s: %s' % (shopper.kind, shopper.payment, wrong))
                approved = [m for m, d in done.get(shopper.payment, []) if d.startswith('APPROVED')]
                if len(approved) > 1 or (approved and document['state'] != 'approved'):
                    self.fault('in the end %s is %s, approvals %s' % (shopper.payment, document['state'], approved))
        if self.shop.overlaps:
            self.fault('notifications of one payment at the same time: %s' % self.shop.overlaps[:3])
        self.hidden = self.tokens()
        told = programs.metric('cadenas_page_tokens_hidden')
        if told is None or told < self.hidden:
            self.fault('hidden tokens: the page tells of %s, there are %d' % (told, self.hidden))
        for arguments in (('store', 'verify'), ('audit', 'verify')):
            code, out, error = programs.run('cadenas', *arguments)
            if code:
                self.fault('cadenas %s: %d %s %s' % (' '.join(arguments), code, out, error))

    def tokens(self):
        """Compares the tokens that live with those that may; the number of those that a crash has hidden."""
        live = set()
        for entry in self.programs.audit():
            if entry['operation'] == 'tokenize' and entry['outcome'] == 'created':
                live.add(entry['token'])
            elif entry['operation'] == 'delete' and entry['outcome'] == 'deleted':
                live.discard(entry['token'])
        database = self.programs.database()
        kept = {row[0] for row in database.execute('SELECT token FROM kept_cards')}
        database.close()
        known, stuck = collections.defaultdict(list), {s.payment for s in self.shoppers if s.is_stuck}
        for payment, _, body in self.programs.attempts():
            if body.get('token') and payment in stuck:
                live.discard(body['token'])
            elif body.get('token'):
                known[body['token']].append((payment, body))
        for token in kept - live:
            self.fault('a kept card has no token: %s' % token)
        hidden = 0
        for token in live - kept:
            # Found again by a later attempt (200): not the page's to delete, since no answer said 201.
            if any(body.get('hasMadeToken') or body.get('owesDeletion') for _, body in known[token]):
                self.fault('left: %s %s' % (token, [(p, b['step'], b.get('result')) for p, b in known[token]]))
            else:
                hidden += 1
                if known[token]:
                    self.screens['hidden, found again'] += 1
        return hidden

    def report(self):
        answers = collections.Counter(g['answer'] for g in self.shop.got)
        print('kills: %d rounds, killed %s, %d payments, states %s, screens %s, settled %d, notifications %d, '
              'hidden tokens %s, faults %d' % (
                  self.rounds, dict(self.kills), sum(1 for s in self.shoppers if s.payment), dict(self.states),
                  dict(self.screens), len(self.settled), sum(answers.values()), getattr(self, 'hidden', '?'),
                  len(self.faults)))
        return 1 if self.faults else 0


def main():
    rounds = Rounds(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
    try:
        rounds.run()
    except BaseException:
        rounds.fault(traceback.format_exc())
    codes = rounds.programs.stop()
    if any(codes.values()):
        rounds.fault('ended with %s' % codes)
    code = rounds.report()
    rounds.shop.stop()
    if not code:
        rounds.programs.remove()
    else:
        print('left in ' + rounds.programs.directory, file=sys.stderr)
    sys.exit(code)


main()
