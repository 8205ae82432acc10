import test from 'ava';
import { Explanations, type Explanation } from '../../../agent/control/explanations.ts';
import { MAX_EXPLANATION_LENGTH } from '../../../agent/control/limits.ts';
import type { RuleSet } from '../../../agent/rules/load.ts';
import { execEvent } from '../../support/fake-helper.ts';
import { load, ruleText } from '../rules/support.ts';

const RULE = ruleText(
  's: {CommandLine|contains: secret, ParentCommandLine|contains: install, User: root}\ncondition: s',
  'id: a\n',
);

const ALERT = {
  ...execEvent(1, { argv: ['x', 'secret'], uid: 0 }),
  rules: [{ id: 'a', title: 'Test', tags: [] }],
  ancestors: [{ pid: 4, command_line: 'npm install' }],
};

function explained(explanations: Explanations, line: object): Explanation[] | undefined {
  const text = explanations.addTo(Buffer.from(`${JSON.stringify(line)}\n`)).toString();
  t0(text.endsWith('\n') && text.indexOf('\n') === text.length - 1);
  const { explanations: found, ...rest } = JSON.parse(text) as { explanations?: Explanation[] };
  t0(JSON.stringify(rest) === JSON.stringify(line));
  return found;
}

/** The line is one line, and holds all that it held. */
function t0(isSo: boolean): void {
  if (!isSo) throw new Error('the line itself was changed');
}

test('an alert says why its rules matched, with what it knows itself: its parent, the name of its user', (t) => {
  const set = load(RULE);
  const explanations = new Explanations(() => set);
  const [why] = explained(explanations, ALERT)!;
  t.like(why, { id: 'a', title: 'Test', explanation: { part: 'condition', held: true } });
  t.deepEqual(explained(explanations, { ...ALERT, rules: [{ id: 'gone', title: 'Gone', tags: [] }] }), []);
  t.is(explained(explanations, { type: 'gap', rules: [] }), undefined);
  t.is(explained(explanations, execEvent(2)), undefined);
});

test('what was redacted is not in the explanation, which then says that the part did not hold', (t) => {
  const set = load(RULE);
  const [why] = explained(new Explanations(() => set), { ...ALERT, argv: ['x', '[redacted]'] })!;
  t.is(why!.explanation!.held, false);
  t.regex(JSON.stringify(why), /"value":"x \[redacted\]"/u);
});

test('rules that change are explained as they are now', (t) => {
  let set: RuleSet | undefined = load(RULE);
  const explanations = new Explanations(() => set);
  const items = () => JSON.stringify(explained(explanations, ALERT));
  t.regex(items(), /"User"/u);
  set = load(ruleText('s: {Image: /bin/true}\ncondition: s', 'id: a\n'));
  t.notRegex(items(), /"User"/u);
  t.regex(items(), /"Image"/u);
  set = undefined;
  t.is(items(), '[]');
});

test('a rule that would take long is not explained', (t) => {
  const many = Array.from({ length: 40 }, (_, i) => `'a*${i}?b'`).join();
  const set = load(ruleText(`s: {CommandLine|contains: [${many}]}\ncondition: s`, 'id: a\n'));
  const explanations = new Explanations(() => set);
  t.deepEqual(explained(explanations, { ...ALERT, argv: ['x'.repeat(1_000_000)] }), [{ id: 'a', title: 'Test' }]);
  t.true(explained(explanations, ALERT)![0]!.explanation !== undefined);
});

test('explanations take bounded room, however many rules match and however long the command line is', (t) => {
  const items = Array.from({ length: 100 }, (_, i) => `s${i}: {CommandLine|contains: ${i}}`).join('\n');
  const rules = Array.from({ length: 10 }, (_, i) =>
    ruleText(`${items}\ncondition: 1 of s*`, `id: r${i}\n`).replace('Test', `T${i}`),
  );
  const set = load(rules.join('---\n'));
  const alert = {
    ...ALERT,
    argv: ['1', '\u0001'.repeat(10_000)],
    rules: set.rules.map(({ id, title }) => ({ id, title })),
  };
  const found = explained(new Explanations(() => set), alert)!;
  t.is(found.length, 10);
  t.true(JSON.stringify(found).length < MAX_EXPLANATION_LENGTH + 1000);
  t.deepEqual(found.at(-1), { id: 'r9', title: 'T9' });
});
