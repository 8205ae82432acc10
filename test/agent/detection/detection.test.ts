import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { parseConfig } from '../../../agent/config/load.ts';
import { Detection, RulesError, type Prepared } from '../../../agent/detection/detection.ts';
import { MAX_LOGGED_REFUSALS, MAX_RULE_FILE_BYTES } from '../../../agent/detection/limits.ts';
import { readRuleFiles } from '../../../agent/detection/rule-set.ts';
import { execEvent } from '../../support/fake-helper.ts';
import { toItem } from '../support/items.ts';
import { recordingTelemetry } from '../support/telemetry.ts';

const rule = (id: string, more = ''): string =>
  `title: ${id}\nid: ${id}\n${more}logsource: { category: process_creation }\ndetection: { s: { Image: /${id} }, condition: s }\n`;
const broken = (id: string): string => rule(id).replace('condition: s', 'condition: t');
const TWICE = `title: twice\nid: twice\ncorrelation: { type: event_count, rules: [a], timespan: 1h, condition: { gte: 2 } }\n---\n${rule('a')}`;

function setting(t: ExecutionContext, rules: Readonly<Record<string, string>>, readFiles?: typeof readRuleFiles) {
  const folder = mkdtempSync(join(tmpdir(), 'probes-detection-'));
  mkdirSync(join(folder, 'rules'));
  const write = (name: string, text: string): void => writeFileSync(join(folder, 'rules', name), text);
  for (const [name, text] of Object.entries(rules)) write(name, text);
  const { telemetry, raised } = recordingTelemetry();
  const detection = new Detection(telemetry, { ...(readFiles && { readFiles }) });
  t.teardown(() => {
    detection.close();
    rmSync(folder, { recursive: true });
  });
  const prepared = (more = ''): Prepared => {
    const loaded = parseConfig(
      `rules: { builtin: false, folders: [${join(folder, 'rules')}]${more} }\noutputs: [{ name: a, type: stdout }]\n`,
      'test',
    );
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    return detection.prepare(loaded.config);
  };
  const adopt = (ready: Prepared): void => detection.adopt(ready);
  const load = (more = ''): void => adopt(prepared(more));
  const alerts = (image: string): boolean =>
    detection.stage([toItem(execEvent(1, { exe: image }))])[0]?.isAlert ?? false;
  const of = (event: string) => raised.filter((each) => each.event === event);
  return { load, prepared, adopt, write, alerts, of, raised, folder };
}

test('without filters and rules nothing looks at an event', (t) => {
  const { telemetry, raised } = recordingTelemetry();
  const detection = new Detection(telemetry);
  detection.adopt(detection.prepare({ filters: [], rules: undefined }));
  const item = toItem(execEvent(1));
  Object.defineProperty(item, 'event', { get: () => t.fail('the event was read') });
  const batch = [item];
  t.is(detection.stage(batch), batch);
  detection.learn(item);
  detection.close();
  t.deepEqual(raised, []);
});

test('a reload that changes nothing lets correlations go on counting; one that does begins them anew', (t) => {
  const { load, alerts } = setting(t, { 'a.yml': TWICE });
  load();
  t.false(alerts('/a'));
  load();
  t.true(alerts('/a'));
  t.false(alerts('/a'));
  load(', min_level: high');
  t.false(alerts('/a'));
  t.true(alerts('/a'));
});

test('a reload keeps the old rules when one of them would be lost to a mistake', (t) => {
  const { load, write, alerts } = setting(t, { 'a.yml': rule('a'), 'b.yml': rule('b') });
  load();
  write('a.yml', broken('a'));
  write('c.yml', rule('c'));
  const error = t.throws(() => load(), { instanceOf: RulesError });
  t.regex(error.reasons.join(), /a\.yml:4:\d+: detection\.condition: unknown search identifier "t"/);
  t.deepEqual(['/a', '/b', '/c'].map(alerts), [true, true, false]);
});

test('a mistake in a new file, or one that was there before, keeps nothing from changing', (t) => {
  const { load, write, alerts, of } = setting(t, { 'a.yml': rule('a'), 'old.yml': broken('old') });
  load();
  write('new.yml', broken('new'));
  write('c.yml', rule('c'));
  load();
  t.deepEqual(['/a', '/c'].map(alerts), [true, true]);
  t.deepEqual(
    of('RulesLoaded').map(({ rules, refused }) => [rules, refused]),
    [
      [1, 1],
      [2, 2],
    ],
  );
});

test('a file that cannot be read is refused alone, and keeps the old rules in force when it held some of them', (t) => {
  const { load, write, alerts, of } = setting(t, {
    'a.yml': rule('a'),
    'large.yml': `${rule('large')}${'#'.repeat(MAX_RULE_FILE_BYTES)}`,
  });
  load();
  t.deepEqual(['/a', '/large'].map(alerts), [true, false]);
  t.regex(String(of('RuleRefused')[0]!['problems']), /large\.yml:1:1: \d+ bytes long/);
  write('a.yml', `${rule('a')}${'#'.repeat(MAX_RULE_FILE_BYTES)}`);
  t.throws(() => load(), { instanceOf: RulesError, message: /a\.yml:1:1: \d+ bytes long/ });
  t.true(alerts('/a'));
});

/** Each of them ended the agent, or could have. */
const HOSTILE: Readonly<Record<string, string>> = {
  'a tag': `${rule('odd')}x: !!omap\n`,
  'a set': `${rule('odd')}x: !!set { a, b }\n`,
  'deep brackets': '['.repeat(5000),
  'deep lines': Array.from({ length: 2000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
  'a NUL': 'title: \0',
  'an alias to itself': 'title: &a [*a]\n',
  'many documents': '--- [\n'.repeat(20_000),
  'many keywords': `${rule('many').replace('{ Image: /many }', `[${'x, '.repeat(150_000)}x]`)}`,
  'a prototype': `${rule('odd')}__proto__: { x: 1 }\nconstructor: { prototype: 1 }\n`,
};

for (const [name, text] of Object.entries(HOSTILE)) {
  test(`a file with ${name} that appears while the agent runs keeps nothing from being judged`, async (t) => {
    const { load, write, alerts } = setting(t, { 'a.yml': rule('a') });
    load();
    write('hostile.yml', text);
    write('b.yml', rule('b'));
    for (let waited = 0; waited < 60_000 && !alerts('/b'); waited += 50) await delay(50);
    t.deepEqual(['/a', '/b'].map(alerts), [true, true]);
  });
}

test('a new file that cannot be read is named when only that changes, and again gone; correlations go on counting', async (t) => {
  const { load, write, alerts, of, folder } = setting(t, { 'a.yml': TWICE });
  load();
  t.false(alerts('/a'));
  write('large.yml', 'x'.repeat(MAX_RULE_FILE_BYTES + 1));
  while (of('RuleRefused').length === 0) await delay(20);
  t.regex(String(of('RuleRefused')[0]!['problems']), /large\.yml:1:1: 1048577 bytes long/);
  t.is(of('RulesLoaded').at(-1)!['refused'], 1);
  rmSync(join(folder, 'rules', 'large.yml'));
  while (of('RulesLoaded').at(-1)!['refused'] !== 0) await delay(20);
  chmodSync(join(folder, 'rules', 'a.yml'), 0o666);
  while (!of('ConfigExposed').some(({ problems }) => String(problems).includes('a.yml'))) await delay(20);
  write('large.yml', 'x'.repeat(MAX_RULE_FILE_BYTES + 1));
  load();
  t.is(of('RulesLoaded').at(-1)!['refused'], 1, 'a reload finds it too');
  t.true(alerts('/a'), 'the second of two');
});

test('whatever goes wrong while changed files are read, those in force stay so', async (t) => {
  let isBroken = false;
  const readFiles: typeof readRuleFiles = (config) => {
    if (isBroken) throw new TypeError('a defect');
    return readRuleFiles(config);
  };
  const { load, write, alerts, of } = setting(t, { 'a.yml': rule('a') }, readFiles);
  load();
  isBroken = true;
  write('b.yml', rule('b'));
  for (let waited = 0; waited < 20_000 && of('RulesRefused').length === 0; waited += 50) await delay(50);
  t.deepEqual(of('RulesRefused')[0]!['problems'], ['a defect']);
  t.true(alerts('/a'));
});

test('a rule that is removed, skipped or obsolete from now on is not lost to a mistake', (t) => {
  const { load, write, alerts, folder } = setting(t, { 'a.yml': rule('a'), 'b.yml': rule('b'), 'c.yml': rule('c') });
  load();
  rmSync(join(folder, 'rules/a.yml'));
  write('b.yml', rule('b', 'status: deprecated\n'));
  write('d.yml', broken('d'));
  load();
  t.deepEqual(['/a', '/b', '/c'].map(alerts), [false, false, true]);
});

test('what changed between the reading and the watching is found', async (t) => {
  const { prepared, adopt, write, alerts } = setting(t, { 'a.yml': rule('a') });
  const before = prepared();
  write('b.yml', rule('b'));
  adopt(before);
  t.false(alerts('/b'));
  for (let waited = 0; waited < 20_000 && !alerts('/b'); waited += 50) await delay(50);
  t.true(alerts('/b'));
});

test('many mistakes are named up to a bound, and the rest counted', (t) => {
  const { load, of } = setting(t, {
    'a.yml': Array.from({ length: MAX_LOGGED_REFUSALS + 5 }, (_, i) => broken(`a${i}`)).join('---\n'),
  });
  load();
  const [refused] = of('RuleRefused');
  t.is((refused!['problems'] as string[]).length, MAX_LOGGED_REFUSALS);
  t.is(refused!['more'], 5);
});

test('what is odd is said, and why rules are not used', (t) => {
  const { load, of } = setting(t, {
    'a.yml': rule('a', 'suppress: often\n'),
    'b.yml': rule('b', 'status: deprecated\n'),
  });
  load();
  t.regex(String(of('RuleDoubtful')[0]!['problems']), /a\.yml:1:1: suppress: expected such as/);
  t.deepEqual(of('RulesLoaded')[0]!['skipped'], { 'its status is deprecated': 1 });
});

test('placeholders of the configuration are values of rules', (t) => {
  const { load, alerts } = setting(t, { 'a.yml': rule('x').replace('Image: /x', "Image|expand: '%tools%'") });
  load(', placeholders: { tools: [/one, /two] }');
  t.deepEqual(['/one', '/two', '/three'].map(alerts), [true, true, false]);
});
