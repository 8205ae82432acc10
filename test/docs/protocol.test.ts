import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { CLOCK_EXAMPLE, CLOCK_FIELDS } from '../../shared/events/clock.ts';
import { EXEC_EXAMPLE, EXEC_FAILED_EXAMPLE, EXEC_FAILED_FIELDS, EXEC_FIELDS } from '../../shared/events/exec.ts';
import { EXIT_EXAMPLE, EXIT_FIELDS } from '../../shared/events/exit.ts';
import { FORK_EXAMPLE, FORK_FIELDS } from '../../shared/events/fork.ts';
import { GAP_EXAMPLE, GAP_FIELDS } from '../../shared/events/gap.ts';
import { HEARTBEAT_EXAMPLE, HEARTBEAT_FIELDS } from '../../shared/events/heartbeat.ts';
import { HELLO_EXAMPLE, HELLO_FIELDS } from '../../shared/events/hello.ts';
import { isKnown, parseEvent } from '../support/events.ts';
import { MAX_ENV_LINE_SHARE, MAX_ENV_VALUE_BYTES, MAX_ENV_VALUES } from '../../helper/limits.ts';
import { HEARTBEAT_SECONDS, MAX_LINE_BYTES } from '../../shared/protocol/limits.ts';
import { PROTOCOL_VERSION } from '../../shared/protocol/version.ts';
import { execEvent, FakeHelper, gapEvent } from '../support/fake-helper.ts';

const PAGE = readFileSync(path.resolve(import.meta.dirname, '../../docs/protocol.md'), 'utf8');

const TYPES: ReadonlyArray<readonly [type: string, fields: readonly string[], example: object]> = [
  ['hello', Object.keys(HELLO_FIELDS), HELLO_EXAMPLE],
  ['exec', Object.keys(EXEC_FIELDS), EXEC_EXAMPLE],
  // Its section names what differs from exec.
  [
    'exec_failed',
    Object.keys(EXEC_FAILED_FIELDS).filter((field) => field === 'type' || !(field in EXEC_FIELDS)),
    EXEC_FAILED_EXAMPLE,
  ],
  ['fork', Object.keys(FORK_FIELDS), FORK_EXAMPLE],
  ['exit', Object.keys(EXIT_FIELDS), EXIT_EXAMPLE],
  ['gap', Object.keys(GAP_FIELDS), GAP_EXAMPLE],
  ['clock', Object.keys(CLOCK_FIELDS), CLOCK_EXAMPLE],
  ['heartbeat', Object.keys(HEARTBEAT_FIELDS), HEARTBEAT_EXAMPLE],
];

/** The part of the page under a heading of the third level. */
function section(type: string): string {
  const start = PAGE.indexOf(`\n### \`${type}\`\n`);
  if (start === -1) throw new Error(`docs/protocol.md has no section for ${type}`);
  const end = PAGE.slice(start + 1).search(/\n##/u);
  return PAGE.slice(start, end === -1 ? undefined : start + 1 + end);
}

function blocks(language: string, text: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gmsu'))].map((match) => match[1] ?? '');
}

for (const [type, fields, example] of TYPES) {
  test(`the page names every field of ${type} where it describes it`, (t) => {
    const text = section(type);
    t.deepEqual(
      fields.filter((field) => !text.includes(`\`${field}\``)),
      [],
    );
  });

  test(`the page's example of ${type} is the code's own, and the parser takes it`, (t) => {
    const [line = '', ...more] = blocks('json', section(type));
    t.deepEqual(more, []);
    const event = parseEvent(line.trimEnd());
    t.true(isKnown(event));
    t.deepEqual(event as object, example);
  });
}

test('the page describes no type that the code does not have', (t) => {
  const described = [...PAGE.matchAll(/^### `([a-z_]+)`$/gmu)].map((match) => match[1]);
  t.deepEqual(
    described,
    TYPES.map(([type]) => type),
  );
});

test('the page names the numbers that both ends agree on', (t) => {
  t.true(PAGE.includes(`describes protocol version ${PROTOCOL_VERSION}.`));
  t.true(PAGE.includes(`(${MAX_LINE_BYTES.toLocaleString('en')} bytes)`));
  t.true(PAGE.includes(`every \`heartbeat_seconds\` (${HEARTBEAT_SECONDS})`));
});

test('the page names the bounds of the environment', (t) => {
  const header = readFileSync(path.resolve(import.meta.dirname, '../../bpf/exec.h'), 'utf8');
  const most = Number(/#define ENV_BYTES (\d+)/u.exec(header)?.[1]);
  t.true(PAGE.includes(`The first ${most / 1024} KiB of an environment`));
  t.true(PAGE.includes(`At most ${MAX_ENV_VALUE_BYTES.toLocaleString('en')} bytes of a value`));
  t.true(PAGE.includes(`and ${MAX_ENV_VALUES} values of an event`));
  t.is(MAX_ENV_LINE_SHARE, 1 / 4, '"a quarter"');
  t.regex(PAGE, /at most a quarter of the\s+room/u);
});

const hasPython = spawnSync('python3', ['-c', '']).status === 0;
const pythonTest = hasPython ? test : test.skip;

pythonTest(
  `${hasPython ? '' : '[skipped: needs python3] '}the page's client takes each event once across a replay, and names what is missing`,
  async (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'protocol-page-'));
    const program = path.join(folder, 'client.py');
    writeFileSync(program, blocks('python', PAGE)[0] ?? '');
    await using helper = await new FakeHelper().listen();
    helper.backlog = [execEvent(1, { command: '/bin/one' }), gapEvent(2, 4)].map((event) => JSON.stringify(event));
    const client = spawn('python3', ['-u', program, helper.socketPath], { stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    client.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
    const until = async (text: string): Promise<void> => {
      for (let waited = 0; !printed.includes(text); waited += 20) {
        if (waited > 20_000) throw new Error(`"${text}" was not printed within 20 s, but: ${printed}`);
        await delay(20);
      }
    };
    try {
      await until('gap 2 ring_full\n');
      helper.heartbeat();
      // Cut within a line: the replay brings it whole.
      helper.sendRaw('{"type":"exec","seq":5,"comm');
      helper.backlog.push(JSON.stringify(execEvent(5, { command: '/bin/five' })));
      helper.disconnectAll();
      await until('/bin/five\n');
      helper.send(execEvent(8, { command: '/bin/eight' }));
      await until('/bin/eight\n');
      t.is(printed, 'exec 1 /bin/one\ngap 2 ring_full\nexec 5 /bin/five\nmissing: 6 to 7\nexec 8 /bin/eight\n');
      t.is(helper.bytesFromClients, 0);
      t.is(helper.connections, 2);
    } finally {
      client.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
