'use strict';
// Screens work without this. The rules are the server's too: one table tests both.
const plain = (text) => text.trim().replace(/\p{Nd}/gu, (sign) => {
	let code = sign.charCodeAt(0);
	while (/\p{Nd}/u.test(String.fromCharCode(code - 1))) code -= 1;
	return sign[1] ? sign : sign.charCodeAt(0) - code;
});
const bare = (text) => plain(text).replace(/[\s\u00ad\u200b-\u200f\u2060.\u00b7\p{Pd}\u2212]/gu, '');
const rules = {
	// `known` is the answer to `brand`, `taken` those of its brands that the shop takes.
	number(text, known, taken) {
		const digits = bare(text);
		const n = digits.length;
		if (!n) return { error: 'number_empty' };
		if (/\D/.test(digits)) return { error: 'number_digits' };
		const lengths = known?.lengths.length ? known.lengths : [12, 13, 14, 15, 16, 17, 18, 19];
		if (n > Math.max(...lengths)) return { error: 'number_long', n };
		if (!lengths.includes(n)) return { error: 'number_short', n };
		const sum = [...digits].reduce((all, sign, i) => all + ((n - i) % 2 ? +sign : (sign * 2) % 9 || +sign), 0);
		if (sum % 10) return { error: 'number_check' };
		if (known && !taken.length) return { error: 'number_brand' };
		return { value: digits };
	},
	expiry(text, now) {
		let date = plain(text).replace(/[\u2044\u2215\uff0f]/g, '/').replace(/[\p{Pd}\u2212]/gu, '-');
		if (!date) return { error: 'expiry_empty' };
		const parts = date.split(/\s+/);
		date = parts.join(parts.length === 2 && !/[/.-]/.test(date) ? '/' : '');
		const [, y, m] = /^(20\d\d)[/.-]?(\d\d)$/.exec(date) ?? [];
		const [, month = m, year = y] = /^(\d\d?)[/.-](\d\d|\d{4})$/.exec(date)
			?? /^(0\d|1[0-2])(\d\d|\d{4})$/.exec(date) ?? [];
		if (!(month > 0 && month < 13)) return { error: 'expiry_form' };
		const full = +year + (year.length === 2 ? 2000 : 0);
		if (full < 2000 || full > new Date(now).getUTCFullYear() + 20) return { error: 'expiry_far' };
		if (now >= Date.UTC(full, month, 1, 12)) return { error: 'expiry_past', date: Date.UTC(full, month - 1) };
		return { value: `${full}-${month.padStart(2, 0)}` };
	},
	cvc(text, count) {
		const value = plain(text);
		const fits = /^\d{3,4}$/.test(value) && (!count || value.length === +count);
		return fits ? { value } : { error: 'cvc_count', n: count || 3 };
	},
	name(text) {
		const value = plain(text);
		if (/^(\d{3,4}|.*(\d\D*){12})$/.test(value)) return { error: 'name_digits' };
		return value.length < 2 || value.length > 45 ? { error: 'name_empty' } : { value };
	},
};
const grouped = (digits) => (/^3[47]/.test(digits)
	? [digits.slice(0, 4), digits.slice(4, 10), digits.slice(10)].join(' ').trim()
	: digits.replace(/(.{4})(?=.)/g, '$1 '));
const on = (node, event, act) => node.addEventListener(event, act);
const $ = (id) => document.getElementById(id);
const put = (id, text) => {
	if ($(id) && $(id).textContent !== text) $(id).textContent = text;
};
const make = (tag, text = '') => Object.assign(document.createElement(tag), { textContent: text });

const root = globalThis.document?.documentElement;
const opened = Date.now();
const words = {};
let base, here;
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (all, key) => values[key] ?? all);
const some = (key, n) => fill(words[`${key}_${new Intl.PluralRules(root.lang).select(n)}`], { n });
const say = (text) => put('status', text);
const go = (at) => {
	at.history.replaceState(null, '', `${base}#outcome`);
	at.location.reload();
};

const pay = (form) => {
	const ids = ['number', 'expiry', 'card', 'cvc', 'name'].filter((id) => $(`${id}-error`));
	const faults = {};
	let known, held, asked = '', listed = !$('faults').hidden;
	for (const id of ids) faults[id] = $(`${id}-why`).textContent;
	const chosen = () => form.querySelector('[name=card]:checked');
	const count = () => (chosen() ?? form).dataset.cvc ?? known?.cvc;
	const marks = () => known?.brands.map((id) => $(`mark-${id}`)).filter(Boolean) ?? [];
	const field = (id) => (id === 'card' ? form.querySelector('[name=card]') : $(id));
	const checks = {
		number: (text) => rules.number(text, known, marks()),
		expiry: (text) => rules.expiry(text, document.body.dataset.now * 1000 + Date.now() - opened),
		cvc: (text) => rules.cvc(text, count()),
		card: () => (chosen() ? {} : { error: 'kept_none' }),
		name: rules.name,
	};
	const check = (id) => checks[id](field(id).value);
	const show = (id, { error, n, date }) => {
		const month = new Intl.DateTimeFormat(root.lang, { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(date);
		const text = faults[id] = error ? fill(words[error], { n, month }) : '';
		$(`${id}-error`).hidden = !text;
		put(`${id}-why`, text);
		field(id).setAttribute('aria-invalid', !!text);
		field(id).setAttribute('aria-describedby', [`${id}-hint`, text && `${id}-error`].filter($).join(' '));
		const shown = ids.filter((one) => faults[one]);
		$('faults').hidden = !listed || !shown.length;
		put('faults-title', some('faults', shown.length));
		$('faults').lastElementChild.replaceChildren(...shown.map((one) => {
			const item = make('li');
			item.appendChild(make('a', faults[one])).href = `#${field(one).id}`;
			return item;
		}));
		return error;
	};
	const tidy = ({ id, value }) => {
		const date = id === 'expiry' && checks.expiry(value).value;
		if (date) $(id).value = `${date.slice(5)}/${date.slice(2, 4)}`;
		if (id === 'number' && /^\d+$/.test(bare(value))) $(id).value = grouped(bare(value));
	};
	const hint = () => put('cvc-hint', words[`cvc_hint_${count()}`] ?? words.cvc_hint);
	const learn = (answer) => {
		known = answer;
		const brands = marks();
		$('number-hint').replaceChildren(...brands.map((node) => make('li', node.textContent)));
		$('number-hint').hidden = !brands.length;
		hint();
		const tiles = brands.map(({ id }) => $(`${id}-tile`)).filter(Boolean);
		const two = tiles.length > 1;
		$('scheme')?.classList.toggle('wanted', two);
		for (const tile of form.querySelectorAll('.schemes .choice')) {
			tile.hidden = !tiles.includes(tile);
			if (!two || tile.hidden) tile.firstChild.checked = false;
		}
		for (const tile of tiles) tile.parentNode.append(tile);
		if (two) put('scheme-legend', words.scheme);
		const [a, b] = brands.map((node) => node.textContent);
		if (a) say(fill(two ? words.brand_two : words.brand_one, { a, b }));
	};
	const ask = async (digits) => {
		const [bin] = /^(\d{8}|\d{6})?/.exec(digits);
		if (bin === asked) return;
		if (known && bin.slice(0, 6) !== asked.slice(0, 6)) learn();
		asked = bin;
		if (!bin) return;
		const answer = await fetch(`${base}/brand`, { method: 'POST', body: new URLSearchParams({ bin }) });
		if (answer.ok && asked === bin) learn(await answer.json());
	};

	on(form, 'input', ({ target, inputType }) => {
		const { id, name, value } = target;
		const atEnd = inputType === 'insertText' && target.selectionStart === value.length;
		if (id === 'number' && !/\D/.test(bare(value))) {
			if (atEnd) target.value = grouped(bare(value));
			ask(bare(value)).catch(() => {});
		}
		if (id === 'expiry' && atEnd) target.value = value.replace(/^(0[1-9]|1[0-2])(?=\d)/, '$1/');
		if (name === 'card') hint();
		for (const one of [id, name]) if (faults[one] && !check(one).error) show(one, {});
	});
	on(form, 'change', ({ target }) => tidy(target));
	// An error here would move the button.
	on(document, 'pointerdown', (event) => { held = event.target.closest('button, a'); });
	on(form, 'focusout', ({ target: { id, value } }) => {
		if (ids.includes(id) && value && !held) show(id, check(id));
	});
	on(form, 'submit', (event) => {
		listed = true;
		if (ids.filter((id) => show(id, check(id))).length) {
			event.preventDefault();
			document.title = words.title_error;
			$('faults').focus();
			return;
		}
		const { width, height, colorDepth: depth } = screen;
		const browser = { lang: navigator.language, tz: new Date().getTimezoneOffset(), width, height, depth, js: 1 };
		for (const key in browser) form.elements[`b_${key}`].value = browser[key];
		Object.assign(form.elements.pay, { ariaDisabled: true, textContent: words.paying });
		say(words.paying);
	});
	if (chosen()) hint();
};

const time = (box) => {
	const end = opened + box.dataset.left * 1000;
	let shown;
	const tick = () => {
		if (Date.now() >= end) return go(self);
		const left = Math.ceil((end - Date.now()) / 60000);
		if (left < shown) {
			put('left', some('left', left));
			put('left-value', some('left_value', left));
			if ([5, 2].includes(left)) {
				box.classList.add('near');
				say(some('time_warn', left));
			}
		}
		shown = left;
		setTimeout(tick, 1000);
	};
	tick();
};

const follow = async () => {
	const answer = document.hidden ? {} : await fetch(`${base}/state`).catch(() => ({}));
	if (answer.ok && (await answer.json()).screen !== here) return go(self);
	setTimeout(follow, 5000);
};

const page = () => {
	({ base, screen: here } = document.body.dataset);
	for (const { content } of document.querySelectorAll('template')) {
		for (const { dataset, textContent } of content.children) words[dataset.w] = textContent;
	}
	if ($('form')) pay($('form'));
	on(document, 'submit', (event) => {
		if (event.defaultPrevented) return;
		if (event.target.dataset.sent) event.preventDefault();
		event.target.dataset.sent = 1;
	});
	if ($('time')) time($('time'));
	if (here === 'wait' || here === 'bank') setTimeout(follow, 2000);
	if ($('late')) setTimeout(() => {
		$('late').classList.add('long');
		$('late-text').hidden = false;
		say($('late-text').textContent);
	}, 20000);
	// While the frame's document can be read, the bank's has not come.
	if ($('bank')) setTimeout(() => { if ($('bank').contentDocument) $('help').open = true; }, 12000);
	$('go')?.submit();
	if ($('out')) location.replace($('out').href);
	if ($('back')) parent === self ? location.replace(`${base}#outcome`) : go(parent);
	if ($('print')) on($('print'), 'click', () => print());
	if (/^#(faults|outcome)$/.test(location.hash)) $(location.hash.slice(1))?.focus();
};

if (!root) {
	module.exports = { ...rules, grouped };
} else {
	root.classList.add('js');
	on(document, 'DOMContentLoaded', page);
	on(window, 'pagehide', () => {
		for (const input of document.querySelectorAll('#number, #expiry, #cvc')) input.value = '';
	});
	on(window, 'pageshow', ({ persisted }) => persisted && location.reload());
}
