import { canLackValues, isAmong } from '../fields/incomplete.ts';
import { fold } from '../value/fold.ts';
import { ANY } from '../value/tokens.ts';
import type { Atom, LiteralAtom } from './atoms.ts';
import type { Position } from '../index/literal.ts';
import type { Subject } from './subject.ts';

/** True, false, or undefined for undecided. */
export type Verdict = boolean | undefined;

/** Whether an atom reads a field of which not all is known. A keyword reads all fields; variables that are missing are no reason to think that it is there. */
export function isIncomplete(atom: Atom, fields: ReadonlySet<string>): boolean {
  const { field } = atom.subject;
  if (field === null) return [...fields].some((name) => !canLackValues(name));
  if (isAmong(fields, field)) return true;
  return atom.kind === 'check' && atom.test.kind === 'field' && isAmong(fields, atom.test.field);
}

/**
 * Returns an atom's verdict on a value that unknown text may precede. A field without a value may have one in the missing part.
 * @param fields the incomplete ones
 */
export function verdictOn(atom: Atom, fields: ReadonlySet<string>): Verdict {
  const { subject } = atom;
  if (subject.field !== null && subject.raw === undefined)
    return isAmong(fields, subject.field) ? undefined : holdsAsItIs(atom, subject);
  if (subject.field !== null && canLackValues(subject.field)) {
    if (atom.kind === 'check' && (atom.test.kind === 'exists' || atom.test.kind === 'null')) return atom.holds(subject);
    return holdsForSome(atom, subject) ? true : undefined;
  }
  if (atom.kind === 'literals') return anyOf(subject.folded(), (text) => ofLiterals(atom, text));
  const { test } = atom;
  switch (test.kind) {
    case 'text': {
      const { tokens, cased } = test;
      const fits = atom.holds(subject);
      // A leading star also takes the unknown text.
      if (fits && tokens[0] === ANY) return true;
      const last = tokens.at(-1);
      if (typeof last !== 'string') return undefined;
      const end = cased ? last : fold(last);
      return anyOf(cased ? subject.list() : subject.folded(), (text) => (mayEndWith(text, end) ? undefined : false));
    }
    case 'regex':
    case 'field':
      return undefined;
    default:
      return holdsAsItIs(atom, subject);
  }
}

function holdsAsItIs(atom: Atom, subject: Subject): boolean {
  return atom.kind === 'check' && atom.holds(subject);
}

/** Whether one of the values that are known is enough. */
function holdsForSome(atom: Atom, subject: Subject): boolean {
  if (atom.kind === 'check') return atom.holds(subject);
  const { position, texts } = atom;
  return subject.folded().some((text) => texts.some((literal) => HOLDS[position](text, literal)));
}

const HOLDS: Readonly<Record<Position, (text: string, literal: string) => boolean>> = {
  contains: (text, literal) => text.includes(literal),
  prefix: (text, literal) => text.startsWith(literal),
  suffix: (text, literal) => text.endsWith(literal),
  equals: (text, literal) => text === literal,
};

function ofLiterals({ position, texts }: LiteralAtom, text: string): Verdict {
  switch (position) {
    case 'contains':
      return texts.some((literal) => text.includes(literal)) ? true : undefined;
    case 'prefix':
      return undefined;
    case 'suffix':
      if (texts.some((literal) => text.endsWith(literal))) return true;
      return texts.some((literal) => mayEndWith(text, literal)) ? undefined : false;
    case 'equals':
      return texts.some((literal) => literal.endsWith(text)) ? undefined : false;
  }
}

/** Whether a text with something before it can have this end. */
const mayEndWith = (text: string, end: string): boolean => text.endsWith(end) || end.endsWith(text);

function anyOf(texts: readonly string[], verdict: (text: string) => Verdict): Verdict {
  let found: Verdict = false;
  for (const text of texts) {
    const one = verdict(text);
    if (one === true) return true;
    if (one === undefined) found = undefined;
  }
  return found;
}
