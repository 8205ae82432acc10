/**
 * The specification's matching, written down as plainly as possible: no
 * index, no folding tables, no shared code with agent/rules. The property tests hold the engine against it.
 */

/** A field's test in a rule: `field` with modifiers, and its values. */
export interface NaiveItem {
  readonly field: string;
  readonly modifiers: readonly string[];
  readonly values: readonly (string | number | boolean | null)[];
}

/** Items of one map are AND; maps of a list are OR; keywords are items without a field. */
export type NaiveSearch = readonly (readonly NaiveItem[])[];

export type NaiveCondition =
  | { readonly op: 'and' | 'or'; readonly args: readonly NaiveCondition[] }
  | { readonly op: 'not'; readonly arg: NaiveCondition }
  | { readonly op: 'id'; readonly name: string }
  | { readonly op: 'of'; readonly all: boolean; readonly pattern: string };

export interface NaiveRule {
  readonly searches: Readonly<Record<string, NaiveSearch>>;
  readonly condition: NaiveCondition;
}

export type NaiveEvent = Readonly<Record<string, unknown>>;

export function naiveMatch(rule: NaiveRule, event: NaiveEvent): boolean {
  const search = (name: string) => rule.searches[name]!.some((map) => map.every((item) => itemMatches(item, event)));
  const evaluate = (c: NaiveCondition): boolean => {
    switch (c.op) {
      case 'and':
        return c.args.every(evaluate);
      case 'or':
        return c.args.some(evaluate);
      case 'not':
        return !evaluate(c.arg);
      case 'id':
        return search(c.name);
      case 'of': {
        const prefix = c.pattern.replace('*', '');
        const names = Object.keys(rule.searches).filter(
          (n) => !n.startsWith('_') && (c.pattern === 'them' || n.startsWith(prefix)),
        );
        return c.all ? names.every(search) : names.some(search);
      }
    }
  };
  return evaluate(rule.condition);
}

function itemMatches({ field, modifiers, values }: NaiveItem, event: NaiveEvent): boolean {
  const has = modifiers.includes('all')
    ? values.every((v) => valueMatches(field, modifiers, v, event))
    : values.some((v) => valueMatches(field, modifiers, v, event));
  return modifiers.includes('neq') ? !has : has;
}

function valueMatches(
  field: string,
  modifiers: readonly string[],
  value: string | number | boolean | null,
  event: NaiveEvent,
): boolean {
  const keyword = field === '';
  const actual = keyword ? undefined : event[field];
  if (value === null) return actual === undefined || actual === null;
  if (modifiers.includes('exists')) return Object.hasOwn(event, field) === value;
  const found = keyword ? Object.values(event).flat() : Array.isArray(actual) ? actual : [actual];
  const texts = found.filter((v) => ['string', 'number', 'boolean'].includes(typeof v)).map(String);
  const op = modifiers.find((m) => ['lt', 'lte', 'gt', 'gte'].includes(m));
  const part = modifiers.find((m) => ['minute', 'hour', 'day', 'month', 'year'].includes(m));
  if (op !== undefined || part !== undefined) {
    return found.some((one) => {
      if (typeof one !== 'string' && typeof one !== 'number') return false;
      const text = String(one);
      // A number as a date is Unix time; the random ones are all of the epoch's first minute.
      const dated = typeof one === 'number' ? (one < 0 ? '1969-12-31 23:59' : '1970-01-01 00:00') : text;
      const n = part === undefined ? Number(text.trim() === '' ? NaN : text) : datePart(dated, part);
      return compare(op ?? 'eq', n, Number(value));
    });
  }
  if (modifiers.includes('re')) {
    const flags = ['i', 'm', 's'].filter((f) => modifiers.includes(f)).join('') + 'u';
    return texts.some((text) => new RegExp(String(value), flags).test(text));
  }
  if (modifiers.includes('cidr')) return texts.some((text) => inBlock(text, String(value)));
  if (modifiers.includes('fieldref')) {
    const other = event[String(value)];
    const others = (Array.isArray(other) ? other : [other])
      .filter((v) => ['string', 'number', 'boolean'].includes(typeof v))
      .map(String);
    const folded = (text: string): string => (modifiers.includes('cased') ? text : text.toLowerCase());
    const [before, after] = [
      ['endswith', 'contains'],
      ['startswith', 'contains'],
    ].map((names) => names.some((name) => modifiers.includes(name)));
    return texts.some((text) =>
      others.some((wanted) => {
        const places = [...text]
          .map((_, i) => [...text].slice(i).join(''))
          .concat('')
          .filter((rest) => before || rest.length === text.length);
        return places.some((rest) =>
          after ? folded(rest).startsWith(folded(wanted)) : folded(rest) === folded(wanted),
        );
      }),
    );
  }
  return alternatives(String(value), modifiers).some((pattern) =>
    texts.some((text) => wild(wrap(pattern, modifiers, keyword), text, modifiers.includes('cased'))),
  );
}

/** One element: a literal character, or a wildcard. */
type Element = { readonly char: string } | '*' | '?';

function parse(value: string): Element[] {
  const out: Element[] = [];
  const chars = [...value];
  for (let i = 0; i < chars.length; i++) {
    const c = chars[i]!;
    const next = chars[i + 1];
    if (c === '\\' && next !== undefined && '*?\\'.includes(next)) out.push({ char: chars[++i]! });
    else out.push(c === '*' || c === '?' ? c : { char: c });
  }
  return out;
}

function alternatives(value: string, modifiers: readonly string[]): Element[][] {
  let patterns = [parse(value)];
  const literal = (p: readonly Element[]) => p.map((e) => (typeof e === 'object' ? e.char : '')).join('');
  const chars = (text: string): Element[] => [...text].map((char) => ({ char }));
  for (const modifier of modifiers) {
    if (modifier === 'windash') patterns = patterns.flatMap(dashes);
    if (modifier === 'base64') patterns = patterns.map((p) => chars(Buffer.from(literal(p)).toString('base64')));
    if (modifier === 'base64offset') patterns = patterns.flatMap((p) => offsets(Buffer.from(literal(p))).map(chars));
    if (modifier === 'wide') patterns = patterns.map((p) => chars([...literal(p)].map((c) => `${c}\0`).join('')));
  }
  return patterns;
}

function wrap(pattern: readonly Element[], modifiers: readonly string[], keyword: boolean): Element[] {
  const ends = modifiers.includes('endswith');
  const starts = modifiers.includes('startswith');
  const anywhere = modifiers.includes('contains') || (keyword && !ends && !starts);
  return [...(anywhere || ends ? (['*'] as const) : []), ...pattern, ...(anywhere || starts ? (['*'] as const) : [])];
}

/** Every way to write the dashes that begin a word. */
function dashes(pattern: readonly Element[]): Element[][] {
  const word = (e: Element | undefined) => typeof e === 'object' && /[\p{L}\p{N}_]/u.test(e.char);
  let out: Element[][] = [[]];
  for (const [i, e] of pattern.entries()) {
    const isDash =
      typeof e === 'object' && '-/\u2013\u2014\u2015'.includes(e.char) && !word(pattern[i - 1]) && word(pattern[i + 1]);
    const ways: readonly Element[] = isDash ? [...'-/\u2013\u2014\u2015'].map((char) => ({ char })) : [e];
    out = out.flatMap((start) => ways.map((way) => [...start, way]));
  }
  return out;
}

/** The characters of a Base64 text that depend on the value alone, for each place in a group of three bytes. */
function offsets(bytes: Buffer): string[] {
  return [0, 1, 2].map((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes, Buffer.alloc(3)]).toString('base64');
    const first = Math.ceil((8 * shift) / 6);
    const last = Math.floor((8 * (shift + bytes.length)) / 6);
    return encoded.slice(first, last);
  });
}

function wild(pattern: readonly Element[], text: string, cased: boolean): boolean {
  const chars = [...text];
  const same = (a: string, b: string) => (cased ? a === b : a.toLowerCase() === b.toLowerCase());
  let states = new Set<number>([0]);
  const close = (set: Set<number>) => {
    for (const s of set) if (pattern[s] === '*') set.add(s + 1);
    return set;
  };
  close(states);
  for (const c of chars) {
    const next = new Set<number>();
    for (const s of states) {
      const e = pattern[s];
      if (e === '*') next.add(s);
      else if (e === '?' || (typeof e === 'object' && same(e.char, c))) next.add(s + 1);
    }
    states = close(next);
  }
  return states.has(pattern.length);
}

function compare(op: string, a: number, b: number): boolean {
  if (op === 'lt') return a < b;
  if (op === 'lte') return a <= b;
  if (op === 'gt') return a > b;
  return op === 'gte' ? a >= b : a === b;
}

function datePart(text: string, part: string): number {
  const found = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d))?/.exec(text);
  return found === null ? NaN : Number(found[['', 'year', 'month', 'day', 'hour', 'minute'].indexOf(part)] ?? NaN);
}

function inBlock(text: string, block: string): boolean {
  const bits = (address: string) =>
    /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/.test(address)
      ? address
          .split('.')
          .map((b) => Number(b).toString(2).padStart(8, '0'))
          .join('')
      : undefined;
  const [network, length] = block.split('/');
  const a = bits(text);
  return a !== undefined && a.slice(0, Number(length)) === bits(network!)!.slice(0, Number(length));
}
