import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { itemOf } from '../../../agent/events/item.ts';
import { formatOf } from '../../../agent/formats/choice.ts';
import { Identified } from '../../../agent/formats/identified.ts';
import { HELLO_EXAMPLE } from '../../../shared/events/hello.ts';
import { HEARTBEAT_EXAMPLE } from '../../../shared/events/heartbeat.ts';
import { EXEC_EXAMPLE } from '../../../shared/events/exec.ts';
import { MAX_LINE_BYTES } from '../../../shared/protocol/limits.ts';
import { execEvent, gapEvent } from '../../support/fake-helper.ts';
import { GOLDEN } from '../formats/support/events.ts';
import { Workplace } from '../support/agent-process.ts';
import { agent } from '../support/run.ts';

const MAIN = fileURLToPath(new URL('../../../agent/main.ts', import.meta.url));
const IDENTITY = { hostId: 'a'.repeat(32), host: 'walrus', stream: 'soc' };

class Bench extends Workplace {
  file(lines: readonly string[], end = '\n'): string {
    writeFileSync(this.path('events'), lines.join('\n') + end);
    return this.path('events');
  }
}

const parsed = (stdout: string): Record<string, unknown>[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

for (const name of ['ecs', 'ocsf'] as const)
  test(`${name}: recorded lines that say who they are from become the bytes that an output would have sent`, async (t) => {
    using bench = new Bench();
    const context = { bootId: 'boot', seal: 3 };
    const native = new Identified(IDENTITY);
    const own = GOLDEN.filter(({ event }) => event.type !== 'dns' && event.type !== 'later');
    const lines = own.map(({ event }) => Buffer.concat([...native.encode(itemOf(event), context)]).toString());
    const { code, stdout, stderr } = await agent('convert', '--format', name, bench.file(lines, ''));
    t.is(stderr, '');
    t.is(code, 0);
    const wanted: string[] = [];
    for (const { event, platform } of own)
      wanted.push((await formatOf(name, { ...IDENTITY, platform })).encode(itemOf(event), context));
    t.deepEqual(stdout.trimEnd().split('\n'), wanted);
  });

test('what the helper sent can be converted too: hello says boot and system, and is no event itself', async (t) => {
  using bench = new Bench();
  const lines = [HELLO_EXAMPLE, gapEvent(2, 4), execEvent(5), HEARTBEAT_EXAMPLE].map((event) => JSON.stringify(event));
  const { code, stdout } = await agent('convert', '--format', 'ecs', bench.file(lines));
  t.is(code, 0);
  const [gap, exec, ...more] = parsed(stdout);
  t.deepEqual(more, []);
  t.like(gap, { host: { boot: { id: HELLO_EXAMPLE.boot_id }, os: { type: 'linux' } }, probes: { gap: { count: 3 } } });
  t.like(exec, { event: { id: `${HELLO_EXAMPLE.boot_id}:5`, sequence: 5 } });
});

test('lines that are no events are named by file and line, the others are converted, and the status is 6', async (t) => {
  using bench = new Bench();
  const lines = [
    'nonsense',
    JSON.stringify(execEvent(1)),
    '',
    '[]',
    JSON.stringify({ ...execEvent(2), pid: 'x' }),
    JSON.stringify({ ...gapEvent(2, 9), count: 3 }),
    JSON.stringify({ ...gapEvent(2, 9), count: -3 }),
    '{"seq":5}',
  ];
  const file = bench.file(lines);
  const { code, stdout, stderr } = await agent('convert', '--format', 'ocsf', file);
  t.is(code, 6);
  t.is(parsed(stdout).length, 2);
  t.deepEqual(stderr.trimEnd().split('\n'), [
    `probes-agent convert: ${file}:1: it is not JSON`,
    `probes-agent convert: ${file}:4: an event is a JSON object`,
    `probes-agent convert: ${file}:5: exec.pid: expected a whole number from 0`,
    `probes-agent convert: ${file}:7: gap.count: expected a whole number from 0`,
    `probes-agent convert: ${file}:8: type: expected a string`,
  ]);
});

test('of many such lines the first 20 are named, and the others counted', async (t) => {
  using bench = new Bench();
  const { code, stderr } = await agent(
    'convert',
    '--format',
    'ecs',
    bench.file(Array.from({ length: 50 }, () => '\u001B[31m')),
  );
  t.is(code, 6);
  const said = stderr.trimEnd().split('\n');
  t.is(said.length, 21);
  t.is(said[20], 'probes-agent convert: 30 further lines are no events');
  t.false(stderr.includes('\u001B'));
});

test('a file that is not there, a line that never ends, and an unknown format', async (t) => {
  using bench = new Bench();
  const absent = await agent('convert', '--format', 'ecs', bench.path('absent'));
  t.is(absent.code, 6);
  t.is(absent.stderr, `probes-agent convert: there is no file ${bench.path('absent')}\n`);
  const file = bench.file([JSON.stringify(execEvent(1)), 'x'.repeat(MAX_LINE_BYTES + 1)]);
  const endless = await agent('convert', '--format', 'ecs', file);
  t.is(endless.code, 6);
  t.is(endless.stderr, `probes-agent convert: ${file}:2: the line is longer than ${MAX_LINE_BYTES} bytes\n`);
  t.is((await agent('convert', '--format', 'cef', file)).code, 2);
  t.is((await agent('convert', file)).code, 2);
});

test('standard input is converted as it comes, and a reader that has enough ends it quietly', async (t) => {
  const child = spawn(process.execPath, [MAIN, 'convert', '--format', 'ecs'], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined);
  child.stdin.write(`${JSON.stringify(execEvent(1))}\n`);
  const [first] = (await once(child.stdout, 'data')) as [Buffer];
  t.like(JSON.parse(first.toString()), { event: { sequence: 1 } });
  child.stdout.destroy();
  const line = `${JSON.stringify(EXEC_EXAMPLE)}\n`.repeat(1000);
  const feed = setInterval(() => child.stdin.write(line), 5);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearInterval(feed);
  t.is(code, 0);
});
