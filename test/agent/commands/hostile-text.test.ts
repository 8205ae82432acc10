import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { EXEC_EXAMPLE } from '../../../shared/events/exec.ts';
import { SEAL_EXAMPLE } from '../../../agent/events/seal.ts';
import { agentCommand } from '../support/agent-process.ts';
import { Terminal } from '../../support/terminal.ts';

/** Sequences that terminals obey: of two characters and of one; overrides of the direction of text; a stack of marks. */
const HOSTILE = `\x1b[2J\x9b2J\u202e\u2066e${'\u0301'.repeat(9)}`;
const OBEYED = /(?![\r\n])[\p{Cc}\p{Cf}]|\p{M}{5}/u;

function place(t: ExecutionContext) {
  const folder = mkdtempSync(join(tmpdir(), 'probes-hostile-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const exec = { ...EXEC_EXAMPLE, command: HOSTILE, argv: [HOSTILE, 'base64'], exe: `/${HOSTILE}` };
  const events = [
    exec,
    { ...SEAL_EXAMPLE, host_id: HOSTILE, host: HOSTILE, boot_id: HOSTILE, stream: HOSTILE, seal: 1 },
  ];
  return {
    events: file(`events${HOSTILE}`, events.map((event) => `${JSON.stringify(event)}\n`).join('')),
    config: file(
      `config${HOSTILE}`,
      JSON.stringify({ [HOSTILE]: { [HOSTILE]: HOSTILE }, outputs: [{ name: HOSTILE }] }),
    ),
    rules:
      (file(
        `rule${HOSTILE}.yml`,
        JSON.stringify({
          title: HOSTILE,
          logsource: { category: 'process_creation' },
          detection: { selection: { 'Image|contains': HOSTILE }, condition: 'selection' },
        }),
      ),
      folder),
  };
}

for (const [title, words] of [
  ['verify', ({ events }) => ['verify', events]],
  ['verify --json', ({ events }) => ['verify', '--json', events]],
  ['convert to ecs', ({ events }) => ['convert', '--format', 'ecs', events]],
  ['convert to ocsf', ({ events }) => ['convert', '--format', 'ocsf', events]],
  ['match', ({ events, rules }) => ['match', '--rules', rules, events]],
  ['match --explain', ({ events, rules }) => ['match', '--rules', rules, '--explain', HOSTILE, events]],
  ['check', ({ config }) => ['check', '--config', config]],
  ['check --json', ({ config }) => ['check', '--json', '--config', config]],
  ['run', ({ config }) => ['run', '--config', config]],
  ['run without a file', ({ config }) => ['run', '--config', `${config}x`]],
  ['spool', ({ config }) => ['spool', '--config', config]],
  ['status', ({ config }) => ['status', '--config', config]],
  ['query', ({ config }) => ['query', '--config', config]],
] as const satisfies ReadonlyArray<readonly [string, (of: ReturnType<typeof place>) => string[]]>)
  test(`${title} brings nothing to a terminal that it would obey`, async (t) => {
    await using terminal = new Terminal(agentCommand(...words(place(t))), { env: { LANG: 'C.UTF-8', NO_COLOR: '1' } });
    await terminal.status;
    t.notRegex(terminal.text, OBEYED, JSON.stringify(OBEYED.exec(terminal.text)));
    t.true(terminal.text.includes('2J'), terminal.text);
  });
