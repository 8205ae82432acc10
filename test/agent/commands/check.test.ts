import { mkdirSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { BUILTIN_RULES } from '../../../agent/detection/builtin-rules.ts';
import { FakeHelper } from '../../support/fake-helper.ts';
import { ruleText } from '../rules/support.ts';
import { Workplace } from '../support/agent-process.ts';
import { agent } from '../support/run.ts';

const GOOD = ruleText(
  's: {Image|endswith: /env}\ncondition: s',
  'id: env\ntests:\n  match: [{Image: /bin/env}]\n  no_match: [{Image: /bin/ls}]\n',
);
const FAILING = ruleText(
  's: {Image|endswith: /env}\ncondition: s',
  'id: other\ntests:\n  match: [{Image: /bin/ls}]\n  no_match: [{type: exec, exe: /bin/env}]\n',
);

const helper = new FakeHelper();
test.before(async () => void (await helper.listen()));
test.after.always(() => helper[Symbol.asyncDispose]());

/** With a helper that answers: without one, check warns. */
const configure = (work: Workplace, text: string): void =>
  work.configure(`${text}source: { socket: ${helper.socketPath} }\n`);

function setting(rules: Readonly<Record<string, string>>, config = ''): Workplace {
  const work = new Workplace();
  mkdirSync(work.path('rules'));
  for (const [name, text] of Object.entries(rules)) writeFileSync(work.path(`rules/${name}`), text);
  configure(
    work,
    `${config}rules: { builtin: false, folders: [${work.path('rules')}] }\noutputs: [{ name: a, type: stdout }]\n`,
  );
  return work;
}

test('check says which rules there are, why others are not used, and runs their tests', async (t) => {
  using work = setting(
    {
      'a.yml': GOOD,
      'b.yml': GOOD.replace('title: Test', 'title: Old\nstatus: deprecated').replace('id: env', 'id: old'),
    },
    'filters: [{ name: n, detection: { a: { Image: x }, condition: a }, action: keep }]\n',
  );
  const { code, stdout, stderr } = await agent('check', '--config', work.configFile);
  t.is(stderr, '');
  t.is(
    stdout,
    `${work.configFile}: good. Outputs: a (stdout)\nFilters: n (keep)\n` +
      'Rules: 1 loaded, 0 correlations, 0 global filters, 0 refused\n  1 skipped: its status is deprecated\nTests of rules: 2 passed, 0 failed\n',
  );
  t.is(code, 0);
});

test('a refused rule and a test that fails are problems with a place, status 3', async (t) => {
  using work = setting({ 'a.yml': GOOD, 'b.yml': FAILING, 'c.yml': GOOD.replace('Image|endswith', 'Image|endwith') });
  const rules = work.path('rules');
  const { code, stdout, stderr } = await agent('check', '--config', work.configFile);
  t.is(code, 3);
  t.is(stdout, '');
  const lines = stderr.trimEnd().split('\n');
  t.is(lines[0], `${rules}/c.yml:9:9: detection.s.Image|endwith: unknown modifier "endwith", did you mean "endswith"?`);
  t.is(lines[1], `${rules}/b.yml:4:11: tests.match[0]: expected a match, and there is none: rule "Test"`);
  t.is(lines[2], `${rules}/b.yml:5:14: tests.no_match[0]: expected no match, and there is one: rule "Test"`);
  t.is(lines[3], '3 problems');
  t.is(lines.at(-1), 'Tests of rules: 2 passed, 2 failed');
  const json = JSON.parse((await agent('check', '--json', '--config', work.configFile)).stdout) as Record<
    string,
    unknown
  >;
  t.like(json, { ok: false, rules: { loaded: 2, refused: 1, tests: { passed: 2, failed: 2 } } });
  t.like((json['problems'] as object[])[1], { file: `${rules}/b.yml`, line: 4, path: 'tests.match[0]' });
});

test('what is odd about rules is a warning: the configuration is good all the same', async (t) => {
  using work = setting({ 'a.yml': GOOD.replace('id: env', 'id: env\nsuppress: sometimes') });
  const { code, stderr } = await agent('check', '--config', work.configFile);
  t.is(code, 0);
  t.is(
    stderr,
    `warning: ${work.path('rules')}/a.yml:1:1: suppress: expected such as "once per 10m per exe"; every match is an alert\n`,
  );
});

test('a field that no event has is a warning, wherever it stands, and safe to print', async (t) => {
  using work = setting(
    { 'a.yml': ruleText('s: {"\\e[2J": x}\ncondition: s', 'suppress: once per 1h per user\n') },
    'filters: [{ name: n, detection: { a: { image: x }, condition: a }, action: drop }]\n',
  );
  const file = `${work.path('rules')}/a.yml`;
  const expected = [
    'filters: "n": no event has a field "image", did you mean "Image"?',
    `${file}:1:1: detection: no event has a field "\\x1b[2J"`,
    `${file}:1:1: suppress: no event has a field "user", did you mean "User"?`,
  ];
  const { stderr } = await agent('check', '--config', work.configFile);
  t.deepEqual(
    stderr.split('\n').filter((line) => line.startsWith('warning: ')),
    expected.map((line) => `warning: ${line}`),
  );
  const json = JSON.parse((await agent('check', '--json', '--config', work.configFile)).stdout) as {
    warnings: string[];
  };
  t.is(json.warnings.length, 3);
  configure(
    work,
    `filters: [{ name: n, detection: { a: { image: x }, condition: a }, action: drop }]\noutputs: [{ name: a, type: stdout }]\n`,
  );
  t.is((await agent('check', '--config', work.configFile)).stderr, `warning: ${expected[0]}\n`, 'also without rules');
});

test('the starter rules are in the program: all of them load and pass their tests', async (t) => {
  using work = new Workplace();
  configure(work, 'rules: {}\noutputs: [{ name: a, type: stdout }]\n');
  const { code, stdout } = await agent('check', '--json', '--config', work.configFile);
  t.is(code, 0);
  const { rules } = JSON.parse(stdout) as { rules: { loaded: number; tests: { passed: number; failed: number } } };
  t.true(rules.loaded >= 10 && rules.tests.passed >= 50);
  t.is(rules.tests.failed, 0);
});

test('a rule with the id of a starter rule replaces it', async (t) => {
  const { file, text } = BUILTIN_RULES.find(({ text: each }) => each.includes('title: Reverse Shell'))!;
  using work = setting({ 'own.yml': text.replace('title: Reverse Shell', 'title: Our Own') });
  configure(work, `rules: { folders: [${work.path('rules')}] }\noutputs: [{ name: a, type: stdout }]\n`);
  const { code, stdout } = await agent('check', '--json', '--config', work.configFile);
  t.is(code, 0, file);
  const { rules } = JSON.parse(stdout) as { rules: { refused: number; skipped: Record<string, number> } };
  t.is(rules.refused, 0);
  t.is(rules.skipped['replaced by a rule with its id or name'], 1);
});

test('a folder that is not there is a problem at its place', async (t) => {
  using work = new Workplace();
  configure(work, 'rules: { folders: [/etc, /no/such/folder] }\noutputs: [{ name: a, type: stdout }]\n');
  const { code, stderr } = await agent('check', '--config', work.configFile);
  t.is(code, 3);
  t.regex(stderr, /agent\.yaml:1:26: rules\.folders\[1\]: there is no folder \/no\/such\/folder/);
});

for (const [what, socket, expected] of [
  ['no helper', '/no/such/events.sock', /there is no socket at \/no\/such\/events\.sock; is probes-helper running\?/],
  ['something that is no socket', '/etc/passwd', /HELPER_SOCKET_UNSAFE: \/etc\/passwd is not a socket/],
] as const)
  test(`${what} is a warning, and the configuration is good`, async (t) => {
    using work = new Workplace();
    work.configure(`source: { socket: ${socket} }\noutputs: [{ name: a, type: stdout }]\n`);
    const { code, stderr } = await agent('check', '--config', work.configFile);
    t.is(code, 0);
    t.regex(stderr, /^warning: source\.socket: no events would arrive now: .*\n$/);
    t.regex(stderr, expected);
    const json = await agent('check', '--json', '--config', work.configFile);
    t.like(JSON.parse(json.stdout), { ok: true, problems: [] });
    t.is((JSON.parse(json.stdout) as { warnings: string[] }).warnings.length, 1);
  });

test('a wrong configuration asks no helper', async (t) => {
  using work = new Workplace();
  await using unasked = await new FakeHelper().listen();
  work.configure(`source: { socket: ${unasked.socketPath} }\noutputs: []\nlgo: {}\n`);
  t.is((await agent('check', '--config', work.configFile)).code, 3);
  t.is(unasked.connections, 0);
});

test('rules that read the environment are noted where the helper does not tell it', async (t) => {
  using work = setting({ 'a.yml': ruleText("s: {Environment|startswith: 'LD_PRELOAD='}\ncondition: s") });
  const said = async (): Promise<string> => (await agent('check', '--config', work.configFile)).stdout;
  const note = /^Note: 1 rule reads variables of the environment, .*: probes-helper run --env NAME,…$/m;
  t.regex(await said(), note);
  const { stdout, code } = await agent('check', '--json', '--config', work.configFile);
  t.is(code, 0, 'no problem');
  const { notes } = JSON.parse(stdout) as { notes: string[] };
  t.is(notes.length, 1);
  await using telling = new FakeHelper();
  telling.hello = { ...telling.hello, env: ['LD_PRELOAD'] };
  await telling.listen();
  work.configure(
    `rules: { builtin: false, folders: [${work.path('rules')}] }\noutputs: [{ name: a, type: stdout }]\nsource: { socket: ${telling.socketPath} }\n`,
  );
  t.notRegex(await said(), /^Note/m);
});

test('a group that this machine does not have is refused, as run refuses it', async (t) => {
  using work = new Workplace();
  const text = (group: string) => `control: { group: ${group} }\noutputs: [{ name: a, type: stdout }]\n`;
  configure(work, text('no-such-group'));
  const { code, stderr } = await agent('check', '--config', work.configFile);
  t.is(code, 3);
  t.regex(stderr, /^[^\n]*:1:19: control\.group: \/etc\/group has no group "no-such-group"/m);
  configure(work, text('0'));
  t.is((await agent('check', '--config', work.configFile)).code, 0);
});
