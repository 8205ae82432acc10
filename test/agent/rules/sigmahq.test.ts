import test from 'ava';
import { Engine } from '../../../agent/rules/engine.ts';
import type { Platform } from '../../../agent/values/platform.ts';
import { formatRefused, loadRules } from '../../../agent/rules/load.ts';
import { readCheckout, readExpected, readRuleFiles, SKIPPED } from './data.ts';

const COUNTS = { linux: 144, macos: 70, windows: 1415 } as const;
const check = SKIPPED === '' ? test : test.skip;

const load = (platform: Platform) => {
  const set = loadRules(readRuleFiles(platform), { logsource: { category: 'process_creation', product: platform } });
  return { set, engine: new Engine(set.rules.map((rule) => rule.expression)) };
};

for (const platform of ['linux', 'macos', 'windows'] as const) {
  check(
    `${SKIPPED}all ${COUNTS[platform]} SigmaHQ rules for ${platform} load, and their events match what two other engines agree on`,
    (t) => {
      const { set, engine } = load(platform);
      t.deepEqual(formatRefused(set.refused), []);
      t.is(set.rules.length, COUNTS[platform]);
      for (const { n, event, expected, disputed } of readExpected(platform)) {
        const ids = engine.match(event).map((i) => set.rules[i]!.id);
        t.deepEqual(
          ids.filter((id) => !disputed.includes(id)).sort(),
          [...expected].sort(),
          `event ${n}: ${JSON.stringify(event)}`,
        );
      }
    },
  );
}

for (const platform of ['linux', 'macos', 'windows'] as const) {
  check(`${SKIPPED}a whole checkout refuses nothing on ${platform}: rules of other systems are skipped`, (t) => {
    const set = loadRules(readCheckout(), { logsource: { category: 'process_creation', product: platform } });
    t.deepEqual(formatRefused(set.refused), []);
    t.is(set.rules.length, COUNTS[platform]);
    t.is(set.rules.length + set.skipped.length, readCheckout().length);
  });
}

/*
 * Where the two engines differ, the specification decides, and each time for a match:
 * - `windash` "creates all possible permutations of the `-`, `/`, `–` (en dash), `—` (em dash), and `―` (horizontal bar)
 *   characters" (modifiers appendix, String Modifiers);
 * - `fieldref` compares fields, and "all values are treated as case-insensitive strings" (specification, General);
 * - `base64` encodes the value; the result is matched like any other value, ignoring case;
 * - `re|i` "enables case-insensitive matching" (modifiers appendix, Regular Expression).
 */
check(`${SKIPPED}a rule that the two engines dispute matches, as the specification says`, (t) => {
  const { set, engine } = load('windows');
  let disputes = 0;
  for (const { n, event, disputed } of readExpected('windows')) {
    const ids = engine.match(event).map((i) => set.rules[i]!.id);
    for (const id of disputed) {
      disputes++;
      t.true(ids.includes(id), `event ${n}, rule ${id}: ${JSON.stringify(event)}`);
    }
  }
  t.is(disputes, 46);
});
