import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import type { ExecEvent } from '../../shared/events/exec.ts';
import { AgentRun } from '../support/agent-process.ts';
import { fixture } from '../support/fixtures.ts';
import { startHelper, type RunningHelper } from '../support/helper-process.ts';
import { kernelTest } from '../support/requirements.ts';

const LINES = 100;
const RATE = 20;
const noOp = fixture('no-op');
let helper: RunningHelper | undefined;
let agent: AgentRun | undefined;

test.after.always(async () => {
  await agent?.remove();
  await helper?.stop();
});

kernelTest('command lines of 128 KiB, 20 a second, are whole in the file, whatever they hold', async (t) => {
  helper = await startHelper();
  agent = new AgentRun();
  agent.start(helper.socket);
  // Text as it is, text that JSON escapes, more than ASCII, many arguments that are empty.
  const args = [
    ...Array.from({ length: 30 }, (_, i) => `--input-${i}=`.padEnd(3200, 'abcdefghijklmnopqrstuvwxyz0123456789')),
    'say "a\\b"\n\t\x01\\u0000x '.repeat(500).trim(),
    '日本 é 😀'.repeat(1000),
    ...Array.from({ length: 20 }, () => ''),
    'x'.repeat(9000),
  ];
  const storm = spawn(fixture('exec-storm'), ['-r', String(RATE), noOp, String(LINES), '1', ...args], {
    stdio: 'ignore',
  });
  const [status] = (await once(storm, 'exit')) as [number | null];
  t.is(status, 0);
  const events = (): ExecEvent[] =>
    agent!.written().filter((event): event is ExecEvent => event.type === 'exec' && event.filename === noOp);
  await agent.until(() => events().length === LINES);
  const found = events().toSorted((a, b) => a.seq - b.seq);
  for (const [i, event] of found.entries()) {
    const argv = [noOp, '0', String(i), ...args];
    t.is(event.argv_truncated, undefined, `line ${i}`);
    t.true(argv.length === event.argv?.length && argv.every((argument, at) => argument === event.argv?.[at]));
    t.true(event.command === argv.join(' '), `line ${i}`);
    t.is(
      event.argv_bytes,
      argv.reduce((bytes, argument) => bytes + Buffer.byteLength(argument) + 1, 0),
    );
  }
});
