import test from 'ava';
import { readStatus, type AgentStatus } from '../../../agent/client/status.ts';
import { AgentError } from '../../../agent/errors.ts';
import { statusScreen, type ScreenOptions } from '../../../agent/screens/status-screen.ts';
import { widthOf } from '../../../agent/terminal/columns.ts';
import { paintNothing } from '../../../agent/terminal/paint.ts';

const NOW = Date.parse('2026-11-29T10:00:00Z');

const STATUS: AgentStatus = {
  healthy: true,
  problems: [],
  agent: {
    version: '0.1.0',
    pid: 4711,
    uid: 990,
    started: '2026-11-29T07:56:58Z',
    config: { file: '/etc/platform-probes/agent.yaml', sha256: 'ab' },
    cpu_seconds: 12,
    memory_bytes: 90 * 1024 * 1024,
  },
  helper: {
    connected: true,
    silent: false,
    connections: 1,
    started: '2026-11-28T10:00:00Z',
    last_line_seconds: 2.4,
    version: '0.1.0',
    source: 'ebpf',
    probe_sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    privileges: { uid: 991, capabilities: '0', no_new_privs: true, seccomp: 2, landlock: 7 },
    kernel_count: 123_456,
    kernel_lost: 0,
  },
  received: { exec: 123_000, exec_failed: 56, fork: 0, exit: 0, gap: 2, clock: 0, other: 0 },
  filtered: 100,
  alerts: 3,
  suppressed: 0,
  unjudged: 0,
  rates: {
    events: Array.from({ length: 300 }, (_, i) => (i < 290 ? 10 : 2000)),
    alerts: [0, 0, 1],
    lost: [0, 0, 0],
  },
  gaps: { lost: 0, by_output: [] },
  outputs: [
    {
      name: 'local',
      type: 'file',
      up: true,
      lag: { records: 0, bytes: 0, oldest_seconds: 0 },
      taken: 123_056,
      seals: 31,
    },
    {
      name: 'soc',
      type: 'http',
      up: false,
      down_seconds: 75,
      lag: { records: 1200, bytes: 500_000, oldest_seconds: 76 },
      taken: 121_856,
      seals: 30,
      last_error: { reason: 'no connection: refused \u001b[2J', time: '2026-11-29T09:59:50Z' },
    },
  ],
  spool: {
    folder: '/var/lib/platform-probes/spool',
    bytes: 12 * 1024 * 1024,
    max_bytes: 1024 ** 3,
    unwritten_records: 0,
  },
  rules: {
    loaded: 12,
    refused: 0,
    skipped: 70,
    filters: 1,
    hits: [{ id: 'a', title: 'Download by curl', level: 'high', matches: 3 }],
  },
  readers: 1,
};

const SCREEN = `HEALTHY agent 0.1.0, up 2 h 3 min, pid 4711, 90 MiB, 1 reader
Config   /etc/platform-probes/agent.yaml

Helper   connected, 0.1.0, source ebpf, up 1 d 0 h
         privileges: uid 991, no capabilities, no_new_privs, seccomp, landlock
         probe 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
         kernel counted 123,456, had no room for 0; last line 2 s ago

Events   ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁█ 2,000/s, most 2,000/s; 123,056 received
Alerts                              █ 0.3/s, most 1.0/s; 3 in all
Gaps     none: nothing was lost

OUTPUT  TYPE  STATE              LAG      OLDEST    TAKEN  SEALS
local   file  up                   0           -  123,056     31
soc     http  down 1 min 15 s  1,200  1 min 16 s  121,856     30
         10 s ago: no connection: refused \\x1b[2J

Spool    12 MiB of 1.0 GiB (1%), /var/lib/platform-probes/spool

Rules    12 loaded, 70 skipped, 0 refused; 1 filter dropped 100
                 3 HIGH: Download by curl`;

const options = (overrides: Partial<ScreenOptions> = {}): ScreenOptions => ({
  columns: 80,
  paint: paintNothing,
  isUtf8: true,
  now: NOW,
  ...overrides,
});

test('one screen of 80 columns and 24 rows', (t) => {
  const lines = statusScreen(STATUS, options());
  t.is(lines.join('\n'), SCREEN);
  t.true(lines.length <= 24, `${lines.length} rows`);
});

for (const columns of [40, 80, 200])
  for (const isUtf8 of [true, false])
    test(`every row fits ${columns} columns, ${isUtf8 ? 'UTF-8' : 'ASCII'}; nothing reaches the terminal as a control`, (t) => {
      for (const line of statusScreen(STATUS, options({ columns, isUtf8 }))) {
        t.true(widthOf(line) <= columns, line);
        t.notRegex(line, /\p{Cc}/u);
        if (!isUtf8) t.notRegex(line, /[▁-█]/u);
      }
    });

test('what is wrong stands at the top, and in colour', (t) => {
  const lines = statusScreen(
    {
      ...STATUS,
      healthy: false,
      problems: [{ what: 'helper', reason: 'not connected for 20 s' }],
      helper: { ...STATUS.helper, connected: false, away_seconds: 20 },
      gaps: { lost: 64, by_output: [{ output: 'local', hop: 'ring', cause: 'ring_full', count: 64 }] },
      rules: { ...STATUS.rules, refused: 2 },
    },
    options({ paint: (style, text) => `<${style}>${text}` }),
  );
  t.regex(lines[0]!, /^<critical>NOT HEALTHY/);
  t.regex(lines[1]!, /^<red>.*helper: not connected for 20 s/);
  t.true(lines.some((line) => /^<red>.*Helper.*not connected for 20 s/.test(line)));
  t.true(lines.some((line) => /^<yellow>.*Lost.*64 in all/.test(line)));
  t.true(lines.some((line) => line.includes('64 at ring (ring_full), not in local')));
  t.true(lines.some((line) => /^<red>soc .*down 1 min 15 s/.test(line)));
  t.true(lines.some((line) => /^<yellow>.*2 refused/.test(line)));
});

test('an answer that is no status says where it is not, and what to do', (t) => {
  t.deepEqual(readStatus({ ...STATUS, more: 'of a later version' }, '/s'), STATUS);
  for (const [value, place] of [
    [{ ...STATUS, healthy: 'yes' }, /\(healthy\)/],
    [{ ...STATUS, outputs: [{}] }, /\(outputs\.0\.name\)/],
    [[], /the status cannot be read/],
    [null, /use the probes-agent of the same version/],
  ] as const)
    t.regex(t.throws(() => readStatus(value, '/s'), { instanceOf: AgentError }).message, place);
});
