import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { AgentRun } from '../support/agent-process.ts';
import { startHelper, type RunningHelper } from '../support/helper-process.ts';
import { wholeLines } from '../support/lines.ts';
import { PATIENCE } from '../support/pace.ts';
import { kernelTest } from '../support/requirements.ts';

interface Line {
  pid: number;
  exe?: string;
  argv?: string[];
  user?: { name: string };
  group?: { name: string };
  hashes?: { sha256: string };
  entity_id?: string;
  parent?: { pid: number; command_line?: string };
  ancestors?: Array<{ pid: number; exe?: string; command_line?: string }>;
}

const folder = mkdtempSync('/var/tmp/enrich-end-to-end-');
const agent = new AgentRun();
const bare = `${agent.folder}/log/bare.jsonl`;
let helper: RunningHelper | undefined;

test.after.always(async () => {
  await agent.remove();
  await helper?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const digest = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');
const linesOf = (file: string): string[] => (existsSync(file) ? wholeLines(readFileSync(file, 'utf8')) : []);

/** A program that nobody has executed before. */
function newProgram(name: string, mode = 0o755): string {
  const file = `${folder}/${name}`;
  copyFileSync('/bin/sh', file);
  chmodSync(file, mode);
  return file;
}

async function eventOf(argument: string): Promise<Line> {
  for (let waited = 0; waited < 20_000 * PATIENCE; waited += 20) {
    const line = linesOf(agent.events).find((each) => each.includes(argument) && each.includes('"type":"exec"'));
    if (line !== undefined) return JSON.parse(line) as Line;
    await delay(20);
  }
  throw new Error(`no event of ${argument}`);
}

kernelTest(
  'real programs have their facts, the first exec of a new image its hash, and another output the bare line',
  async (t) => {
    chmodSync(folder, 0o755);
    helper = await startHelper();
    agent.start(
      helper.socket,
      `  - { name: facts, type: file, path: ${agent.events}, enrich: [user, group, parent, ancestors, hashes, entity_id] }\n  - { name: bare, type: file, path: ${bare} }\n`,
    );
    // Running programs come first, and their images are hashed: the next is asked for after them.
    for (let before = -1; before !== linesOf(bare).length || before === 0; await delay(500))
      before = linesOf(bare).length;
    const parent = newProgram('parent');
    let child = '';
    let event: Line | undefined;
    // On a busy machine a hash can be late, and then the next new image has one.
    for (let tries = 0; tries < 20 && event?.hashes === undefined; tries++) {
      child = newProgram(`child${tries}`);
      spawnSync(parent, ['-c', `${child} -c 'true first-exec-${tries}'; true`]);
      event = await eventOf(`"true first-exec-${tries}"`);
    }
    if (event === undefined) throw new Error('no event');
    t.is(event.exe, child);
    t.deepEqual(event.hashes, { sha256: digest(child) });
    t.like(event, { user: { name: 'root' }, group: { name: 'root' } });
    const commandLine = `${parent} -c ${child} -c '${event.argv!.at(-1)}'; true`;
    t.is(event.parent?.command_line, commandLine);
    t.like(event.ancestors?.[0], { pid: event.parent!.pid, exe: parent, command_line: commandLine });
    t.is(event.ancestors?.[1]?.pid, process.pid);
    t.regex(event.entity_id!, new RegExp(`^[0-9a-f-]{36}/${event.pid}/\\d+$`, 'u'));

    // The agent's user may not read it.
    spawnSync(newProgram('unreadable', 0o700), ['-c', 'true not-readable']);
    t.is((await eventOf('"true not-readable"')).hashes, undefined);

    const { entity_id: _, user: __, group: ___, hashes: ____, ancestors: _____, ...rest } = event;
    const own = linesOf(bare)
      .map((line) => JSON.parse(line) as Line)
      .find(({ pid, exe }) => pid === rest.pid && exe === child)!;
    t.deepEqual({ ...rest, parent: own.parent }, own);
  },
);
