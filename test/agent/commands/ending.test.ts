import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import test from 'ava';
import { describeProgram, type Actions } from '../../../agent/program.ts';
import { execEvent } from '../../support/fake-helper.ts';
import { EXEC_EXAMPLE } from '../../../shared/events/exec.ts';
import { execs, StoreFolder } from '../store/support.ts';
import { agentCommand } from '../support/agent-process.ts';
import { controlledConfig, withControl } from '../support/controlled.ts';

/** Standard output of which the reader has gone before the command begins. */
const NO_READER = 'exec 3> >(exit 0); wait $!; "$@" >&3';
const FULL = '"$@" > /dev/full';
const NO_STDERR = '"$@" 2> /dev/full';

/** Runs a command line of the agent from a shell that redirects its streams. */
async function redirected(shell: string, args: readonly string[]): Promise<{ code: number; stderr: string }> {
  const child = spawn('bash', ['-c', shell, 'bash', ...agentCommand(...args)], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number];
  return { code, stderr };
}

/** `run` is a service: test/agent/run.test.ts has its reader that goes away. `spool` and `dashboard` have nothing to print here. */
const OTHERS = ['run', 'spool', 'dashboard', 'help'];

test.serial('where nobody reads, or the disk is full, each command says so, or nothing, and shows no stack', (t) =>
  withControl(async ({ helper, work, socket }) => {
    using store = new StoreFolder().with(...execs(1, 2));
    writeFileSync(work.path('lines'), `${JSON.stringify(EXEC_EXAMPLE)}\n`);
    writeFileSync(work.path('stored.yaml'), `store: { folder: ${store.folder} }\n${controlledConfig(helper, work)}`);
    helper.send(execEvent(1), execEvent(2));
    const lines = work.path('lines');
    const config = ['--config', work.path('stored.yaml')];
    const commandLines: Record<string, { args: string[]; status: number }> = {
      check: { args: config, status: 0 },
      match: { args: ['--builtin', '--explain', 'Download Command', lines], status: 0 },
      convert: { args: ['--format', 'ecs', lines], status: 0 },
      verify: { args: ['--json', lines], status: 9 },
      query: { args: ['--sql', 'SELECT * FROM events', ...config], status: 0 },
      tail: { args: ['--no-follow', '--socket', socket], status: 0 },
      top: { args: ['--once', '--interval', '200ms', '--socket', socket], status: 0 },
      status: { args: ['--socket', socket], status: 0 },
      doctor: { args: ['--socket', socket, ...config], status: 10 },
      schema: { args: [], status: 0 },
    };
    t.deepEqual(Object.keys(commandLines).toSorted(), printing().toSorted());
    for (const [command, { args, status }] of Object.entries({ ...commandLines, '--help': { args: [], status: 0 } })) {
      const unread = await redirected(NO_READER, [command, ...args]);
      const full = await redirected(FULL, [command, ...args]);
      const told = `${command}: ${JSON.stringify({ unread, full })}`;
      t.is(unread.code, status, told);
      t.is(full.code, 4, told);
      t.true(full.stderr.includes('OUTPUT_FAILED: standard output cannot be written: ENOSPC'), told);
      for (const { stderr } of [unread, full]) t.notRegex(stderr, /\n {4}at |Unhandled/u, told);
    }
  }),
);

/** All commands that people call, without those. */
function printing(): string[] {
  const program = describeProgram({} as Actions);
  return program
    .createHelp()
    .visibleCommands(program)
    .map((command) => command.name())
    .filter((name) => !OTHERS.includes(name));
}

test('a standard error that cannot be written changes no status', async (t) => {
  t.is((await redirected(NO_STDERR, ['bogus'])).code, 2);
});

test('a command that waits for what never comes is no success, and says so', async (t) => {
  const child = spawn(process.execPath, ['--import=tsx', '--input-type=module', '-e', NEVER], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  t.deepEqual(await once(child, 'close'), [1, null], stderr);
  t.is(stderr, 'probes-agent: it ended before it was done: a defect\n');
});

const NEVER = `
import { endingOf } from ${JSON.stringify(new URL('../../../agent/commands/ending.ts', import.meta.url).href)};
void endingOf(() => new Promise(() => undefined), () => 0);
`;
