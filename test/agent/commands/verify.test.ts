import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { MAX_LINE_BYTES } from '../../../shared/protocol/limits.ts';
import { execEvent } from '../../support/fake-helper.ts';
import { sealedStreams, shuffled, randomFrom, type Row } from '../../support/sealed-streams.ts';
import { Workplace } from '../support/agent-process.ts';
import { agent } from '../support/run.ts';

const MAIN = fileURLToPath(new URL('../../../agent/main.ts', import.meta.url));

const ROWS = sealedStreams({ seed: 5, hosts: 2, boots: 2, rough: false });
const LINES = ROWS.map(({ text }) => text);

class Bench extends Workplace {
  file(lines: ReadonlyArray<string | Buffer>, name = 'events.jsonl'): string {
    writeFileSync(this.path(name), Buffer.concat(lines.flatMap((line) => [Buffer.from(line), Buffer.from('\n')])));
    return this.path(name);
  }
}

interface Report {
  complete: boolean;
  lines: number;
  faults: Record<string, number>;
  faulty_lines: Array<{ file: string; line: number; fault: string; detail?: string }>;
  unfinished_lines: object[];
  streams: Array<{
    complete: boolean;
    host: string;
    stream: string;
    complete_to?: number;
    problems: Array<Record<string, unknown>>;
    problem_count: number;
    notes: Array<Record<string, unknown>>;
  }>;
}

async function verify(...args: string[]): Promise<{ code: number | null; stderr: string; report: Report }> {
  const { code, stdout, stderr } = await agent('verify', ...args);
  return { code, stderr, report: (stdout === '' ? undefined : JSON.parse(stdout)) as Report };
}

/** The index of a line of the first stream with a whole seal, which is not the first one. */
const victimOf = (is: Row['what']['is']): number =>
  ROWS.findIndex(({ what, seal, origin }) => what.is === is && seal === 2 && origin === ROWS[0]!.origin);

test('complete streams are status 0, in a pipe as JSON', async (t) => {
  using bench = new Bench();
  const { code, stderr, report } = await verify(bench.file(LINES));
  t.is(code, 0);
  t.is(stderr, '');
  t.true(report.complete);
  t.is(report.lines, LINES.length);
  t.is(report.streams.length, 8);
  t.true(report.streams.every(({ complete, problems }) => complete && problems.length === 0));
});

test('rotated files may be named in any order, and one may be standard input', async (t) => {
  using bench = new Bench();
  const third = Math.floor(LINES.length / 3);
  const [oldest, middle] = [LINES.slice(0, third), LINES.slice(third, 2 * third)];
  const files = [bench.file(middle, 'events.jsonl.1'), bench.file(oldest, 'events.jsonl.2')];
  const { status, stdout } = spawnSync(process.execPath, [MAIN, 'verify', files[0]!, '-', files[1]!], {
    input: LINES.slice(2 * third).join('\n'),
    encoding: 'utf8',
  });
  t.is(status, 0);
  t.is((JSON.parse(stdout) as Report).lines, LINES.length);
});

test('a line that is missing is status 9, and its number is named or counted', async (t) => {
  using bench = new Bench();
  const index = victimOf('event');
  const victim = ROWS[index]!;
  const { code, report } = await verify(bench.file(LINES.filter((text) => text !== victim.text)));
  t.is(code, 9);
  t.false(report.complete);
  const bad = report.streams.filter(({ complete }) => !complete);
  t.is(bad.length, 1);
  t.like(bad[0], { stream: victim.origin.stream, problem_count: 1 });
  t.like(bad[0]!.problems[0], { kind: 'lines_missing', seal: 2, events: 1, gap_numbers: 0 });
});

test('a line that is of no use is named with its place, and the rest is judged', async (t) => {
  using bench = new Bench();
  const file = bench.file([...LINES.slice(0, 10), 'nonsense', ...LINES.slice(10)]);
  const { code, stderr, report } = await verify(file);
  t.is(code, 9);
  t.is(stderr, '');
  t.deepEqual(report.faults, { not_json: 1 });
  t.deepEqual(report.faulty_lines, [{ file, line: 11, fault: 'not_json' }]);
  t.false(report.complete);
  t.is(report.streams.filter(({ complete }) => complete).length, 8);
});

test('a line that is too long is passed over and named, and memory does not follow it', async (t) => {
  using bench = new Bench();
  const long = Buffer.alloc(3 * MAX_LINE_BYTES, 'x');
  const { code, report } = await verify(bench.file([LINES[0]!, long, ...LINES.slice(1)]));
  t.is(code, 9);
  t.like(report.faulty_lines, { length: 1, 0: { line: 2, fault: 'too_long' } } as object);
  t.true(report.streams.every(({ complete }) => complete));
});

test('the longest line that the pipe allows is read', async (t) => {
  using bench = new Bench();
  const event = LINES[victimOf('event')]!;
  const room = MAX_LINE_BYTES - 1 - event.length;
  const long = event.replace('/bin/', `/bin/${'x'.repeat(room)}`);
  t.is(long.length, MAX_LINE_BYTES - 1);
  const { report } = await verify(bench.file(LINES.map((text) => (text === event ? long : text))));
  t.deepEqual(report.faults, {});
  t.deepEqual(
    report.streams.flatMap(({ problems }) => problems.map(({ kind }) => kind)),
    ['changed'],
  );
});

test('a last line without its end is left out while it is no JSON, as in a file that is being written', async (t) => {
  using bench = new Bench();
  const file = bench.path('events.jsonl');
  writeFileSync(file, `${LINES.join('\n')}\n${LINES[0]!.slice(0, 50)}`);
  const { code, report } = await verify(file);
  t.is(code, 0);
  t.deepEqual(report.unfinished_lines, [{ file, line: LINES.length + 1 }]);
});

test('seals with wild numbers are judged at once', async (t) => {
  using bench = new Bench();
  const seal = LINES.find((text) => text.startsWith('{"type":"seal"'))!;
  const wild = [
    ['"from":0', `"to":${Number.MAX_SAFE_INTEGER}`, '"seal":9007199254740991'],
    ['"from":9007199254740991', '"to":9007199254740991', '"seal":9007199254740990'],
    ['"from":5', '"to":1', '"seal":70'],
  ].map(([from, to, number]) =>
    seal
      .replace(/"from":\d+/u, from!)
      .replace(/"to":\d+/u, to!)
      .replace(/"seal":\d+(?=\}$)/u, number!),
  );
  const { code, report } = await verify(bench.file([...LINES, ...wild]));
  t.is(code, 9);
  t.deepEqual(report.faults, {});
  const bad = report.streams.filter(({ complete }) => !complete);
  t.is(bad.length, 1);
  t.true(bad[0]!.problems.some(({ kind }) => kind === 'arithmetic'));
});

test('what is no input is said, status 6', async (t) => {
  using bench = new Bench();
  const zipped = bench.path('events.gz');
  writeFileSync(zipped, gzipSync(LINES.join('\n')));
  for (const [file, reason] of [
    [bench.path('none'), `there is no file ${bench.path('none')}`],
    [bench.folder, `${bench.folder} is a folder; name the files in it`],
    [zipped, `${zipped}: it is compressed; pipe it in: gzip -dc FILE | probes-agent COMMAND … -`],
  ] as const) {
    const { code, stderr } = await verify(file);
    t.is(code, 6);
    t.is(stderr, `probes-agent verify: ${reason}\n`);
  }
});

test('nothing to verify is not complete, and no file is a wrong command line', async (t) => {
  using bench = new Bench();
  t.is((await verify('/dev/null')).code, 9);
  const { code, report } = await verify(bench.file([JSON.stringify(execEvent(1))]));
  t.is(code, 9);
  t.deepEqual([report.faults, report.streams], [{ no_identity: 1 }, []]);
  t.is((await agent('verify')).code, 2);
  const twice = await agent('verify', '-', bench.path('events'), '-');
  t.deepEqual(twice, {
    code: 2,
    stdout: '',
    stderr: 'probes-agent verify: standard input (-) can be read once; name it once\n',
  });
  t.is((await agent('verify', '--bogus', 'x')).code, 2);
});

test('lines that a store wrote anew are judged by their numbers; changes are not seen, and that is said', async (t) => {
  using bench = new Bench();
  const anew = LINES.map((text) => {
    const fields = Object.entries(JSON.parse(text) as Record<string, unknown>).toSorted();
    // As ClickHouse: an absent number is 0, an absent text empty; large numbers are text.
    const quoted = fields.map(([name, value]) => [name, typeof value === 'number' ? String(value) : value]);
    return JSON.stringify({ seq: '0', first: '0', last: '0', prev: '', exe: null, ...Object.fromEntries(quoted) });
  });
  const whole = await verify(bench.file(shuffled(anew, randomFrom(1))));
  t.is(whole.code, 0);
  t.deepEqual(whole.report.faults, {});
  t.true(
    whole.report.streams.every(({ notes }) =>
      notes.some(({ kind, reason }) => kind === 'unchecked' && reason === 'rewritten'),
    ),
  );
  for (const is of ['event', 'gap', 'seal'] as const) {
    const gone = victimOf(is);
    t.is((await verify(bench.file(anew.filter((_, i) => LINES[i] !== LINES[gone])))).code, 9, is);
  }
});

test('--whole: a stream that does not begin with its first seal is not complete', async (t) => {
  using bench = new Bench();
  const first = ROWS[0]!.origin;
  const later = bench.file(ROWS.filter(({ seal, origin }) => origin === first && seal > 1).map(({ text }) => text));
  const { code, report } = await verify(later);
  t.is(code, 0);
  t.deepEqual(
    report.streams[0]!.notes.filter(({ kind }) => kind !== 'not_watched').map(({ kind, seal }) => [kind, seal]),
    [['begins_with', 2]],
  );
  const whole = await verify('--whole', later);
  t.is(whole.code, 9);
  t.like(whole.report.streams[0]!.problems[0], { kind: 'seals_missing', seals: [1, 1] });
});

test('on a terminal it is text, without the commands that others put into names', async (t) => {
  using bench = new Bench();
  const victim = ROWS[victimOf('event')]!;
  const run = (file: string): { status: number | null; stdout: string } =>
    spawnSync('script', ['-qec', `'${process.execPath}' '${MAIN}' verify '${file}'`, '/dev/null'], {
      encoding: 'utf8',
    });
  const bad = run(bench.file([...LINES.filter((text) => text !== victim.text), 'nonsense']));
  t.is(bad.status, 9);
  t.regex(bad.stdout, /^ {2}NOT COMPLETE: complete to \d+ of \d+, 1 problem; /mu);
  t.regex(bad.stdout, /^ {4}seal 2, \d+–\d+: missing: 1 of \d+ events/mu);
  const place = `${bench.path('events.jsonl')}:${LINES.length}`;
  t.regex(bad.stdout, new RegExp(`^${place}: the line is not a JSON object\r$`, 'mu'));
  t.regex(bad.stdout, /^7 of 8 streams complete; 1 line of no use\r\n$/mu);
  const named = run(bench.file(LINES.map((text) => text.replaceAll('walrus-0', String.raw`wal\u001b[2Jrus`))));
  t.is(named.status, 9);
  t.false(named.stdout.includes('\u001b'));
  t.regex(named.stdout, /^wal\\x1b\[2Jrus \(\w{8}\), boot \w{8}, stream \w+\r$/mu);
  const good = run(bench.file(LINES));
  t.is(good.status, 0);
  t.regex(good.stdout, /^ {2}complete to \d+, from \d+: \d+ seals; \d+ events, \d+ filtered, \d+ in gaps\r$/mu);
  t.regex(good.stdout, /^8 of 8 streams complete\r\n$/mu);
});

test('a reader that ends early does not change the status', (t) => {
  using bench = new Bench();
  const command = `'${process.execPath}' '${MAIN}' verify '${bench.file(LINES)}' | true; echo $PIPESTATUS`;
  const { stdout, stderr } = spawnSync('bash', ['-c', command], { encoding: 'utf8' });
  t.is(stdout, '0\n');
  t.is(stderr, '');
});
