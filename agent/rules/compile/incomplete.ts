import { fold } from '../value/fold.ts';
import { ANY } from '../value/tokens.ts';
import type { Atom, LiteralAtom } from './atoms.ts';
import type { Subject } from './subject.ts';

/** True, false, or undefined for undecided. */
export type Verdict = boolean | undefined;

/** Whether an atom reads a field with a known end only. A keyword reads all fields. */
export function isIncomplete(atom: Atom, fields: ReadonlySet<string>): boolean {
  const { field } = atom.subject;
  if (field === null || fields.has(field)) return true;
  return atom.kind === 'check' && atom.test.kind === 'field' && fields.has(atom.test.field);
}

/**
 * Returns an atom's verdict on a value that unknown text may precede. A field without a value may have one in the missing part.
 * @param fields the incomplete ones
 */
export function verdictOn(atom: Atom, fields: ReadonlySet<string>): Verdict {
  const { subject } = atom;
  if (subject.field !== null && subject.raw === undefined)
    return fields.has(subject.field) ? undefined : holdsAsItIs(atom, subject);
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
