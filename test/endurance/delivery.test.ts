// The agent as users run it, killed again and again while it delivers the execs of this machine.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { exactProblemsOf, problemsOf } from '../agent/delivery/seal/check.ts';
import { numbersIn } from '../agent/delivery/spool/pulled.ts';
import { AgentRun } from '../support/agent-process.ts';
import { fixture } from '../support/fixtures.ts';
import { CLIENT_GID, CLIENT_UID, startHelper, type RunningHelper } from '../support/helper-process.ts';
import { wholeLines } from '../support/lines.ts';
import { PipeClient } from '../support/pipe-client.ts';
import { linesIn, Receiver } from '../support/receiver.ts';
import { kernelTest } from '../support/requirements.ts';
import { filesOf } from './support/written.ts';

const KILLS = Number(process.env['AGENT_KILLS'] ?? 50);
/** A life ends after so many milliseconds at most, counted from its start. */
const LIFE_MS = 2500;
const PER_SECOND = 2000;
/** The most memory that a life may have used. */
const MEMORY_MIB = 256;

let helper: RunningHelper;
let agent: AgentRun;

test.afterEach.always(async () => {
  await agent.remove();
  await helper.stop();
});

/** Runs programs, about so many a second, until it is told to end. */
function storm(): () => Promise<unknown> {
  let isOn = true;
  const load = (async () => {
    const program = fixture('no-op');
    for (let due = performance.now(); isOn; due += 100) {
      const args = [program, String(PER_SECOND / 10), '2', 'load'];
      await once(spawn(fixture('exec-storm'), args, { stdio: 'ignore' }), 'exit');
      await delay(Math.max(0, due + 100 - performance.now()));
    }
  })();
  return () => {
    isOn = false;
    return load;
  };
}

/** The most memory that a process has had, in MiB; 0 when it is gone. */
function mostMemoryOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(/VmHWM:\s+(\d+) kB/u.exec(status)?.[1] ?? 0) / 1024;
}

/** Where numbers do not go on; those that came before do not count. */
function holesIn(numbers: readonly number[]): string[] {
  const holes: string[] = [];
  let last: number | undefined;
  for (const number of numbers) {
    if (last !== undefined && number > last + 1) holes.push(`after ${last} comes ${number}`);
    last = Math.max(last ?? number, number);
  }
  return holes;
}

/** The number up to which the newest seal goes. */
const sealedTo = (lines: readonly string[]): number =>
  (JSON.parse(lines.findLast((line) => line.startsWith('{"type":"seal"')) ?? '{}') as { to?: number }).to ?? 0;

for (const sync of ['1s', 'batch'] as const) {
  kernelTest(
    `sync: ${sync}, an agent that is killed ${KILLS} times under load: every number is at its receiver and in its file, and seals say so`,
    async (t) => {
      t.timeout(600_000);
      helper = await startHelper();
      agent = new AgentRun();
      const data = `${agent.folder}/data`;
      mkdirSync(data);
      chownSync(data, CLIENT_UID, CLIENT_GID);
      await using receiver = await new Receiver().listen();
      // Only the text is kept: it is a lot.
      receiver.answer = (_, response) => void response.end();
      const start = (): void =>
        void agent.start(
          helper.socket,
          `  - { name: lake, type: http, url: "${receiver.url}", batch: { max_age: 20ms, max_events: 500 } }
  - { name: local, type: file, path: ${agent.events}, identity: true, max_bytes: 8MiB, max_files: 1000 }\n`,
          `spool: { folder: ${data}/spool, sync: ${sync}, max_bytes: 64MiB, reserve: 0B }\n`,
        );
      const endStorm = storm();
      /** How many requests had come at the end of each life. */
      const ends: number[] = [];
      const memory: number[] = [];
      for (let life = 0; life < KILLS; life++) {
        start();
        await delay(300 + Math.random() * (LIFE_MS - 300));
        memory.push(mostMemoryOf(agent.process!.pid!));
        await agent.stop('SIGKILL');
        ends.push(receiver.requests.length);
      }
      start();
      await endStorm();
      // One that comes after all others tells where they end.
      const client = new PipeClient(helper.socket);
      await once(spawn('/bin/true', ['after all'], { stdio: 'ignore' }), 'exit');
      const last = await client.exec(({ argv }) => argv?.[1] === 'after all');
      client.close();
      await agent.until(() => readFileSync(agent.events, 'utf8').includes(`"seq":${last.seq},`), 60);
      await agent.until(() => receiver.requests.some(({ body }) => body.includes(`"seq":${last.seq},`)), 60);
      t.is(await agent.stop(), 0);

      const requests = receiver.requests.map(({ body }) => linesIn(body));
      const lines = requests.flat();
      const numbers = numbersIn(requests);
      t.is(numbers[0], client.hello.first_seq);
      t.deepEqual(holesIn(numbers), []);
      t.deepEqual(
        lines.filter((line) => line.startsWith('{"type":"gap"')),
        [],
      );
      t.deepEqual(
        problemsOf(lines, () => false),
        [],
      );
      t.true(sealedTo(lines) >= last.seq, `sealed to ${sealedTo(lines)} of ${last.seq}`);
      for (const [i, end] of ends.entries()) {
        // Of all that came before, only the last batch may come again, and be that of an earlier life itself.
        const settled = new Set(numbersIn(requests.slice(0, end)));
        for (const number of numbersIn(requests.slice(Math.max(0, end - 1), end))) settled.delete(number);
        const again = numbersIn(requests.slice(end, ends[i + 1])).filter((number) => settled.has(number));
        t.deepEqual(again.slice(0, 5), [], `life ${i + 1}`);
      }
      const twice = numbers.length - new Set(numbers).size;

      const inFile = filesOf(agent.events).flatMap((file) => wholeLines(readFileSync(file, 'utf8')));
      const own = numbersIn([inFile]);
      t.is(own[0], client.hello.first_seq);
      t.true(
        own.every((number, i) => number === own[0]! + i),
        'a hole, or a number twice',
      );
      t.deepEqual([problemsOf(inFile, () => false), exactProblemsOf(inFile)], [[], []]);
      t.true(sealedTo(inFile) >= last.seq);

      const most = Math.max(...memory);
      t.log(
        `${own.length} events; at the receiver ${twice} twice, in ${ends.length} lives, ${new Set(ends).size} of which delivered; ${most.toFixed(0)} MiB at most`,
      );
      t.true(most < MEMORY_MIB, `${most} MiB`);
      t.true(new Set(ends).size > KILLS / 2, 'most lives were too short to deliver anything');
    },
  );
}
