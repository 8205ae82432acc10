import test from 'ava';
import { keyOf, suppressionsOf } from '../../../agent/detection/suppression.ts';
import { load, ruleText } from '../rules/support.ts';

const DETECTION = 's: {Image: a}\ncondition: s';
const SET = load(
  ['one', 'two', 'three', 'four']
    .map((id) =>
      ruleText(
        DETECTION,
        `id: ${id}\nname: name-${id}\n${id === 'three' ? 'suppress: once per 1h\n' : ''}${id === 'four' ? 'suppress: never\n' : ''}`,
      ),
    )
    .join('---\n'),
);

test('the first entry that names a rule is the one for it, else what the rule says itself', (t) => {
  const { byRule } = suppressionsOf(
    {
      suppress: [
        { rules: ['two', 'name-one'], report: 'once per 10m per exe' },
        { rules: ['one'], report: 'once per 1d' },
      ],
    },
    SET,
  );
  t.deepEqual(
    [...byRule],
    [
      ['one', { windowMs: 600_000, per: ['exe'] }],
      ['two', { windowMs: 600_000, per: ['exe'] }],
      ['three', { windowMs: 3_600_000, per: [] }],
    ],
  );
});

test('an entry without rules is for all that no entry before it names', (t) => {
  const { byRule, warnings } = suppressionsOf(
    { suppress: [{ rules: ['two'], report: 'once per 1s' }, { report: 'once per 1m' }] },
    SET,
  );
  t.deepEqual(
    [...byRule.values()].map(({ windowMs }) => windowMs),
    [60_000, 1000, 60_000, 60_000],
  );
  t.deepEqual(warnings, []);
});

test('what means nothing is a warning', (t) => {
  t.deepEqual(suppressionsOf({ suppress: [{ rules: ['one', 'none'], report: 'once per 1s' }] }, SET).warnings, [
    'test.yml:29:1: suppress: expected such as "once per 10m per exe"; every match is an alert',
    'rules.suppress[0].rules[1]: no rule that is in use has the id, name or title "none"',
  ]);
});

test('a group is the values of its fields; long ones are remembered by their digest', (t) => {
  const per = { windowMs: 1, per: ['CommandLine'] };
  t.is(keyOf(per, { CommandLine: 'ls' }), '["ls"]');
  const [a, b] = ['a', 'b'].map((end) => keyOf(per, { CommandLine: 'x'.repeat(1_000_000) + end }));
  t.not(a, b);
  t.true(a!.length < 100);
});
