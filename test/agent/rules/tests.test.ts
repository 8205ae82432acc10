import test from 'ava';
import { runRuleTests } from '../../../agent/rules/tests.ts';
import { load, refusals, ruleText } from './support.ts';

const DETECTION = 'selection:\n    Image: a\ncondition: selection';

test('the tests beside a rule say which of their events went wrong', (t) => {
  const head = 'id: r\ntests:\n    match: [{Image: a}, {Image: b}]\n    no_match: [{Image: b}, {Image: a}]\n';
  const results = runRuleTests(load(ruleText(DETECTION, head)), (e) => e);
  t.deepEqual(
    results.map(({ path, expected, passed }) => [path, expected, passed]),
    [
      ['tests.match[0]', 'match', true],
      ['tests.match[1]', 'match', false],
      ['tests.no_match[0]', 'no match', true],
      ['tests.no_match[1]', 'no match', false],
    ],
  );
});

test("an event of ours is mapped first, one in Sigma's names is not", (t) => {
  const head = 'tests:\n    match: [{type: exec, exe: a}, {Image: a}]\n';
  const results = runRuleTests(load(ruleText(DETECTION, head)), (e) => ({ Image: e['exe'] }));
  t.true(results.every((r) => r.passed));
});

test('tests that are not tests are refused at their place', (t) => {
  const refused = (tests: string) => refusals(ruleText(DETECTION, `tests: ${tests}\n`))[0]!;
  t.regex(refused('{match: [], no_mtach: []}'), /tests\.no_mtach: unknown key "no_mtach", did you mean "no_match"\?/);
  t.regex(refused('{match: [a]}'), /tests\.match\[0\]: expected an event, found "a"/);
});
