// Whether a notification is the payment page's: for documentation, and for the tests.
//
//   import { verify } from './verify.mjs'
//   if (!verify(body, request.headers['cadenas-signature'], secret)) return 400
//
// `body` is what came, as bytes, before any JSON parser has touched it.
import { createHmac, timingSafeEqual } from 'node:crypto'

export function verify(body, header, secret, now = Date.now() / 1000, tolerance = 300) {
  const match = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(header ?? '')
  if (!match || Math.abs(now - Number(match[1])) > tolerance) return false
  const code = createHmac('sha256', secret).update(`${match[1]}.`).update(body).digest()
  return timingSafeEqual(code, Buffer.from(match[2], 'hex'))
}

// node verify.mjs SECRET_FILE: reads lines of JSON {"body": base64, "header": …, "now": …}, prints true or false.
if (process.argv[1]?.endsWith('verify.mjs') && process.argv[2]) {
  const { readFileSync } = await import('node:fs')
  const secret = readFileSync(process.argv[2], 'latin1').replace(/[\r\n]+$/, '')
  for (const line of readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
    const { body, header, now } = JSON.parse(line)
    console.log(verify(Buffer.from(body, 'base64'), header, Buffer.from(secret, 'latin1'), now))
  }
}
