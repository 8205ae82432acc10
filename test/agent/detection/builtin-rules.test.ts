import { readFileSync } from 'node:fs';
import test from 'ava';
import { builtinRulesModule } from '../../../installers/generated/builtin-rules.ts';

test('the starter rules in the program are those of agent/rules/builtin', (t) => {
  t.is(
    readFileSync(new URL('../../../agent/detection/builtin-rules.ts', import.meta.url), 'utf8'),
    builtinRulesModule(),
  );
});
