"""Whether a notification is the payment page's: for documentation, and for the tests.

    if not verify(body, headers['Cadenas-Signature'], secret): return 400

`body` is what came, as bytes, before any JSON parser has touched it; `secret` the file's bytes without its end of line.
"""
import hashlib
import hmac
import re
import time


def verify(body, header, secret, now=None, tolerance=300):
    match = re.fullmatch(r't=([0-9]{1,12}),v1=([0-9a-f]{64})', header or '')
    if not match or abs((time.time() if now is None else now) - int(match[1])) > tolerance:
        return False
    code = hmac.new(secret, match[1].encode() + b'.' + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(code, match[2])
