// Runs the shared table of cases on the rules in page.js: node form-cases.mjs
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const rules = createRequire(import.meta.url)('../../Sources/PaymentPage/Resources/page.js');
const { brands, cases } = JSON.parse(readFileSync(new URL('form-cases.json', import.meta.url), 'utf8'));

const run = {
  number({ value, brand }) {
    const known = brands[brand] ? { brands: [brand], ...brands[brand] } : { brands: [], lengths: [], cvc: null };
    return rules.number(value, known, known.brands);
  },
  expiry: ({ value, today }) => rules.expiry(value, Date.parse(today)),
  cvc: ({ value, brand }) => rules.cvc(value, brands[brand]?.cvc),
};

let failed = 0;
const expect = (what, found, wanted) => {
  if (found === wanted) return;
  failed += 1;
  console.log(`${JSON.stringify(what)}: ${found}`);
};
for (const one of cases) {
  const { value, error } = run[one.field](one);
  expect(one, value ?? error, one.result);
}
const groups = [
  ['4970105181818183', '4970 1051 8181 8183'], ['6799998900000099990', '6799 9989 0000 0099 990'],
  ['378282246310005', '3782 822463 10005'], ['3782', '3782'], ['37828', '3782 8'], ['497', '497'], ['', ''],
];
for (const [digits, wanted] of groups) expect(digits, rules.grouped(digits), wanted);
const names = [
  ['Anne Martin', undefined], ['', 'name_empty'], ['A', 'name_empty'], ['Jean-Luc 2', undefined],
  ['4970 1051 8181 8183', 'name_digits'], ['123', 'name_digits'], ['1234', 'name_digits'],
];
for (const [value, wanted] of names) expect(value, rules.name(value).error, wanted);
const all = cases.length + groups.length + names.length;
console.log(`${all - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
