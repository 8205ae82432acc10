import { readFileSync } from 'node:fs';
import test from 'ava';
import { exitMeanings } from '../../agent/errors.ts';
import { VERSION } from '../../shared/version.ts';
import { FakeHelper } from '../support/fake-helper.ts';
import { Workplace } from './support/agent-process.ts';
import { agent } from './support/run.ts';

test('--version prints the version', async (t) => {
  t.deepEqual(await agent('--version'), { code: 0, stdout: `${VERSION}\n`, stderr: '' });
});

test('--help names every command and every exit status', async (t) => {
  const { code, stdout } = await agent('--help');
  t.is(code, 0);
  for (const command of ['run', 'check', 'match', 'schema', 'tail', 'top', 'status', 'doctor'])
    t.regex(stdout, new RegExp(`^  ${command} `, 'm'));
  for (const [status, meaning] of exitMeanings()) t.true(stdout.includes(`  ${status}  ${meaning}`));
});

test('help is no failure, however it is asked for', async (t) => {
  for (const args of [['--help'], ['help'], ['help', 'run'], ['run', '--help']]) {
    const { code, stdout, stderr } = await agent(...args);
    t.deepEqual([code, stdout.startsWith('Usage: '), stderr], [0, true, ''], args.join(' '));
  }
});

for (const args of [
  ['bogus'],
  ['run', '--bogus'],
  ['check', '--config'],
  ['check', 'file.yaml'],
  ['run', 'extra'],
  ['run', '--config', ''],
  ['match', '--rules', 'a', '--rules', '', 'file'],
  ['match', '--builtin', ''],
  ['verify', 'file', ''],
  ['query', ''],
  ['tail', '--socket='],
  [],
]) {
  test(`a wrong command line is status 2: "${args.join(' ')}"`, async (t) => {
    const { code, stderr } = await agent(...args);
    t.is(code, 2);
    t.regex(stderr, /--help/);
  });
}

test('schema prints what docs/agent.schema.json holds', async (t) => {
  const { code, stdout } = await agent('schema');
  t.is(code, 0);
  t.is(stdout, readFileSync(new URL('../../docs/agent.schema.json', import.meta.url), 'utf8'));
});

test('check of a good file names its outputs, status 0', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  work.configure(`source: { socket: ${helper.socketPath} }\noutputs: [{ name: screen, type: stdout }]\n`);
  t.deepEqual(await agent('check', '--config', work.configFile), {
    code: 0,
    stdout: `${work.configFile}: good. Outputs: screen (stdout)\n`,
    stderr: '',
  });
});

test('check of a wrong file prints every problem with its place, status 3', async (t) => {
  using work = new Workplace();
  work.configure('outputs:\n  - { name: a, type: fiel }\nlgo: {}\n');
  const { code, stderr } = await agent('check', '--config', work.configFile);
  t.is(code, 3);
  t.is(
    stderr,
    `${work.configFile}:2:22: outputs[0].type: expected stdout, file, http, syslog, nats, kafka, otlp, elasticsearch or loki, got "fiel", did you mean file?\n` +
      `${work.configFile}:3:1: lgo: unknown key, did you mean log?\n2 problems\n`,
  );
});

test('check --json says the same to a program', async (t) => {
  using work = new Workplace();
  work.configure('outputs: [{ name: a, type: stdout }]\nlgo: {}\n');
  const { code, stdout } = await agent('check', '--json', '--config', work.configFile);
  t.is(code, 3);
  t.deepEqual(JSON.parse(stdout), {
    ok: false,
    file: work.configFile,
    problems: [{ file: work.configFile, line: 2, column: 1, path: 'lgo', message: 'unknown key, did you mean log?' }],
    warnings: [],
    notes: [],
  });
});
