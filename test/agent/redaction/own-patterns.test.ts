import test from 'ava';
import fc from 'fast-check';
import type { StreamEvent } from '../../../agent/events/item.ts';
import { Budget } from '../../../agent/redaction/budget.ts';
import { redactionSchema } from '../../../agent/redaction/config.ts';
import { Patterns } from '../../../agent/redaction/finder.ts';
import { MAX_STEPS } from '../../../agent/redaction/limits.ts';
import { redactEvent } from '../../../agent/redaction/redact-event.ts';
import { compileSpans } from '../../../agent/redaction/spans.ts';
import { Triggers } from '../../../agent/redaction/triggers.ts';
import { caseVariants } from '../../../agent/rules/value/fold.ts';
import { EXEC_EXAMPLE, type ExecEvent } from '../../../shared/events/exec.ts';
import { toItem } from '../support/items.ts';

/** Letters whose lower case depends on their neighbours, is of another length, or is not what they are folded to. */
const LETTERS = ['İ', 'ı', 'i', 'Σ', 'ς', 'σ', 'ſ', 's', 'K', 'k', '\u212a', 'µ', 'μ', 'ß', 'ẞ', 'Å', '\u212b', 'ϑ', 'θ', 'ᾳ', '𐐀', '𐐨', '😀', '\ufffd', 'é', '日', 'a', '-']; // prettier-ignore

/** An own pattern; and a text that it may be found in, in other cases too. */
const patternAndText = fc
  .tuple(
    fc.array(fc.constantFrom(...LETTERS), { minLength: 1, maxLength: 8 }),
    fc.boolean(),
    fc.constantFrom('', '[0-9]', '[aé]?', '[^x]', '{2}'),
    fc.array(fc.nat(9), { minLength: 8, maxLength: 8 }),
    fc.constantFrom('', '1', ' 1', 'é'),
    fc.nat(2),
  )
  .map(([letters, ignoresCase, end, picks, behind, padding]) => {
    const written = letters.map((letter, i) => {
      const variants = letter.length === 1 ? caseVariants(letter.charCodeAt(0)) : [letter.charCodeAt(0)];
      const pick = variants[picks[i]! % variants.length]!;
      return letter.length === 1 && ignoresCase ? String.fromCharCode(pick) : letter;
    });
    const last = end === '{2}' ? written.at(-1)! : '';
    const text = written.join('') + last + behind;
    // On both sides of the length from which on the filter is used, in front and behind.
    const far = 'x'.repeat(5000);
    return {
      regex: `${ignoresCase ? '(?i)' : ''}${letters.join('')}${end}`,
      text: padding === 0 ? text : padding === 1 ? far + text : text + far,
    };
  });

test('an own pattern is redacted exactly where it is found, in any script and case, however long the argument', (t) => {
  let redacted = 0;
  fc.assert(
    fc.property(patternAndText, ({ regex, text }) => {
      let isFound = false;
      compileSpans(regex).each(text, () => (isFound = true), new Budget(MAX_STEPS));
      const patterns = new Patterns(redactionSchema.parse({ patterns: [{ name: 'own', regex }] }));
      const event = { ...EXEC_EXAMPLE, argv: ['x', text], command: `${EXEC_EXAMPLE.filename} ${text}` };
      const { memory, start, end } = toItem(event);
      const out = new Triggers(patterns).inLine(memory, start, end)
        ? redactEvent(event as StreamEvent, patterns, MAX_STEPS)
        : undefined;
      const isRedacted = out !== undefined && (out.event as ExecEvent).argv![1] !== text;
      redacted += isFound ? 1 : 0;
      t.is(isRedacted, isFound, `${regex} in ${JSON.stringify(text.replace(/x{9,}/u, '…'))}`);
    }),
    { numRuns: 300 },
  );
  t.true(redacted > 60 && redacted < 280, `${redacted} are redacted`);
});
