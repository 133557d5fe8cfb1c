"""What can be done at the shops' interface: part of hostile.py."""
from common import *


class HostileShops:
    def shops_interface(self):
        programs = self.programs
        good = dict(reference='order-1', amount=dict(value=4990, currency='EUR'), return_url=programs.return_url + 'o/1')

        def refused(name, expected, method='POST', path='/v1/payments', body=None, **more):
            began = time.time()
            try:
                status, answer = programs.shops(method, path, body, **more)
            except (OSError, http.client.HTTPException) as error:
                status, answer = 0, str(error)
            took = time.time() - began
            self.check(status in expected and took < 5, '%s: %s %s, expected %s, %.1f s' % (name, status, str(answer)[:200], expected, took))
            text = json.dumps(answer) if not isinstance(answer, bytes) else str(answer)
            if status >= 400:
                self.check(isinstance(answer, dict) and answer.get('type', '').startswith('urn:cadenas:problem:'),
                           '%s: no problem document: %s' % (name, text[:200]))
            return answer

        base = programs.return_url.rstrip('/')
        port = base.rsplit(':', 1)[1]
        for url in ('https://evil.example/', base + '.evil.example/', base + '@evil.example/', 'javascript:alert(1)//' + base,
                    'https://evil.example/' + base, base, base.replace('https', 'http') + '/', '//127.0.0.1:%s/' % port,
                    base + '\\@evil.example/', ' ' + base + '/', base + '/\r\nSet-Cookie: a=b', base + '/\u0000', base + '/"><script>',
                    base.upper() + '/', base + '/' + 'a' * 9000, '', base + '/ü', base + '/a b', base + '/#f\n', 5, None, [], {}):
            refused('return_url %r' % (url if not isinstance(url, str) else url[:70]), (422,), body={**good, 'return_url': url})
        text = json.dumps(good)
        for name, raw in (('duplicate member', text[:-1] + ',"reference":"b"}'), ('duplicate inside', text.replace(
                '"value": 4990', '"value":1,"value": 4990')), ('escaped duplicate', text[:-1] + ',"\\u0072eference":"b"}'),
                ('deep', '[' * 100000), ('deep member', text[:-1] + ',"items":' + '[' * 5000 + ']' * 5000 + '}'),
                ('trailing', text + 'x'), ('two', text + text), ('empty', ''), ('list', '[]'), ('null', 'null'), ('text', '"a"'),
                ('BOM', '\ufeff' + text), ('NaN', text.replace('4990', 'NaN')), ('a comment', '/**/' + text),
                ('lone surrogate', text.replace('order-1', '\\ud800')), ('a cut', text[:40]), ('single quotes', text.replace('"', "'"))):
            refused('JSON ' + name, (400, 413, 422), raw=raw.encode())
        refused('UTF-16', (400,), raw=text.encode('utf-16'))
        refused('bad UTF-8', (400, 422), raw=text.encode().replace(b'order-1', b'\xff\xfe'))
        for name, value in (('value text', '4990'), ('value -1', -1), ('value 0.5', 0.5), ('value 1e30', 1e30), ('value 10^40', 10 ** 40),
                            ('value true', True), ('value null', None), ('value 10^12', 10 ** 12), ('value list', [1])):
            refused(name, (422,), body={**good, 'amount': dict(value=value, currency='EUR')})
        for name, change in (('currency', dict(amount=dict(value=1, currency='JPY'))), ('currency eur', dict(amount=dict(value=1, currency='eur'))),
                             ('amount text', dict(amount='4990')), ('unknown', dict(colour='red')), ('a number as reference', dict(
                                 reference='4970105181818183')), ('reference long', dict(reference='a' * 41)), ('reference path', dict(
                                 reference='../x')), ('cvc', dict(cvc='123')), ('inputs cvc', dict(inputs=dict(cvc='123'))),
                             ('inputs deep', dict(inputs=dict(email=dict(a=1)))), ('items many', dict(items=[dict(label='a', amount=1)] * 5000)),
                             ('label long', dict(items=[dict(label='a' * 5000, quantity=1, amount=1)])), ('methods', dict(methods=['cash'])),
                             ('methods empty', dict(methods=[])), ('customer', dict(customer='a b')), ('customer card', dict(
                                 customer='4970105181818183')), ('keep_card', dict(keep_card='yes')), ('language', dict(language='xx')),
                             ('capture', dict(capture='now or never')), ('description long', dict(description='a' * 100000))):
            refused(name, (413, 422), body={**good, **change})
        refused('a large body', (413,), raw=b'{"a":"' + b'a' * 4000000 + b'"}')
        refused('no key', (400,), body=good, key=None)
        refused('an odd key', (400,), body=good, key='a b')
        refused('a long key', (400,), body=good, key='a' * 256)
        refused('a key for another body', (422,), body={**good, 'reference': 'order-2'},
                key=[programs.shops('POST', '/v1/payments', good, key='key-1'), 'key-1'][1])
        refused('text', (415,), body=good, headers={'Content-Type': 'text/plain'})
        made = programs.open_payment(1)
        path = '/v1/payments/' + made['payment']
        for other in ('pp_' + '0' * 26, 'x', '%00', '..', made['payment'].upper(), made['payment'] + '%20', "'", '1%20OR%201=1'):
            refused('payment ' + other, (400, 404), 'GET', '/v1/payments/' + other, key=None)
        for method in ('PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'TRACE', 'FOO'):
            for place in (path, path + '/cancel', '/v1/payments', '/', '/v1'):
                try:
                    status, _ = programs.shops(method, place)
                    self.check(400 <= status < 500 or method == 'HEAD' and place == path, 'shops %s %s: %d' % (method, place, status))
                except (OSError, http.client.HTTPException) as error:
                    self.fault('shops %s %s: %s' % (method, place, error))
        for state in ('open', 'cancelled', 5, None, 'APPROVED'):
            refused('settle %r' % state, (409, 422), path=path + '/settle', body=dict(state=state))
        refused('settle an open one', (409,), path=path + '/settle', body=dict(state='approved'))
        # Who has no certificate, or another's.
        for pair in (None, 'stranger', 'vault-client', 'acquirer', 'other-shop', 'shop', 'nobody', 'impostor', 'page', 'page-server', 'revoked'):
            for method, place, body in (('GET', path, None), ('POST', '/v1/payments', good), ('POST', path + '/cancel', {})):
                try:
                    status, answer = programs.shops(method, place, body, pair=pair)
                except (OSError, http.client.HTTPException):
                    status, answer = 0, None
                self.check(status in (0, 403), '%s as %s: %s %s' % (method, pair, status, str(answer)[:100]))
        self.check(programs.payment(made['payment'])['state'] == 'open', 'somebody has cancelled')
