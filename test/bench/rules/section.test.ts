import test from 'ava';
import { rulesSection } from './section.ts';

const FIGURES = {
  platform: 'linux',
  rules: 1234,
  eventsPerSecond: 300_000,
  closuresPerSecond: 30_000,
  ratio: 10,
  parseOnlyPerSecond: 900_000,
  loadCpuMs: 150,
  loadWallMs: 999,
  heldMb: 1,
  residentMb: 20,
};

test('the figures are a row of the section, and what could not be measured is said', (t) => {
  t.true(
    rulesSection({ figures: [FIGURES] }).includes(
      '\n| linux | 1,234 | 300,000 | 900,000 | 30,000 | **10** | 150 ms | 20 MB |\n',
    ),
  );
  t.is(rulesSection({ missing: 'no rules are here' }), '## Rules\n\nNot measured: no rules are here\n');
});
