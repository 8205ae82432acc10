// The page and two tails open while 15,000 events a second come in, for minutes: nothing is lost, nothing grows, the page obeys.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { MAX_ALERTS, MAX_ROWS } from '../../agent/page/bounds.ts';
import { Workplace } from '../agent/support/agent-process.ts';
import { urlOf } from '../agent/support/dashboard.ts';
import { Scene } from '../agent/support/scene.ts';
import { Browser, type Page } from '../support/browser.ts';
import { built } from '../support/build.ts';
import { FakeHelper, gapEvent } from '../support/fake-helper.ts';
import { ownPort } from '../support/own-port.ts';
import { ask } from '../support/metrics.ts';
import { PATIENCE } from '../support/pace.ts';
import { endWithUs } from '../support/reaper.ts';
import { kernelTest } from '../support/requirements.ts';

const MINUTES = Number(process.env['STORM_MINUTES'] ?? 6);
const PER_SECOND = Number(process.env['STORM_PER_SECOND'] ?? 15_000);
const BATCH_MS = 50;
const LOOK_MS = 10_000;
/** Numbers that the helper loses every so often, so that gaps are part of it. */
const LOST = 5;
const MIB = 1024 * 1024;

/** The memory of a process that is resident, in MiB. */
const memoryOf = (child: ChildProcess): number =>
  Number(/VmRSS:\s+(\d+) kB/u.exec(readFileSync(`/proc/${child.pid}/status`, 'latin1'))?.[1] ?? 0) / 1024;

/** Follows the numbers of an output, line by line, and keeps none. */
class Numbers {
  next = 1;
  events = 0;
  lost = 0;
  readonly wrong: string[] = [];

  take(line: string): void {
    const isGap = line.includes('"type":"gap"');
    const number = (field: string): number => Number(new RegExp(`"${field}":(\\d+)`, 'u').exec(line)?.[1]);
    const [first, last] = isGap ? [number('first'), number('last')] : [number('seq'), number('seq')];
    if (first !== this.next && this.wrong.length < 5) this.wrong.push(`expected ${this.next}: ${line}`);
    this.next = last + 1;
    if (isGap) this.lost += last - first + 1;
    else this.events++;
  }
}

/** Milliseconds from a key to what it does, which the page has drawn. */
async function obeysIn(page: Page): Promise<number> {
  await page.evaluate("document.querySelector('#pause').focus()");
  const was = await page.text('#pause');
  const pressed = performance.now();
  await page.press('Enter');
  await page.until(`document.querySelector('#pause').innerText !== ${JSON.stringify(was)}`);
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => done(1)))');
  return Math.round(performance.now() - pressed);
}

kernelTest(
  `${PER_SECOND} events a second with the page and two tails open, ${MINUTES} minutes: whole, flat and usable`,
  async (t) => {
    t.timeout((MINUTES * 60 + 180) * 1000 * PATIENCE);
    using work = new Workplace();
    await using helper = await new FakeHelper({ heartbeatMs: 1000 }).listen();
    await using browser = new Browser();
    const socket = work.path('control.sock');
    work.configure(
      `source: { socket: ${helper.socketPath} }\noutputs: [{ name: whole, type: stdout }]\nrules: { builtin: true }\ncontrol: { socket: ${socket} }\ndashboard: { listen: "127.0.0.1:${await ownPort()}" }\nlog: { level: warn }\n`,
    );
    const agent = spawn(built('probes-agent'), ['run', '--config', work.configFile], {
      env: {},
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    endWithUs(agent);
    t.teardown(() => agent.kill('SIGKILL'));
    const exited = once(agent, 'close');
    let log = '';
    agent.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
    const numbers = new Numbers();
    createInterface({ input: agent.stdout }).on('line', (line) => numbers.take(line));
    while (helper.clients.size === 0) await delay(50);
    const url = await urlOf(socket);

    const tailed = [0, 0];
    const tails = [['--rate', '0'], []].map((args, i) => {
      const tail = spawn(built('probes-agent'), ['tail', '--socket', socket, ...args], {
        env: {},
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      tail.stdout.on('data', (bytes: Buffer) => (tailed[i]! += bytes.length));
      endWithUs(tail);
      t.teardown(() => tail.kill('SIGKILL'));
      return { tail, ended: once(tail, 'close') };
    });
    const page = await browser.page();
    await page.open(url);
    await page.until("document.querySelector('#health')?.dataset.state === 'good'");

    const scene = new Scene();
    let isOn = true;
    const storm = (async () => {
      const begun = performance.now();
      for (let sent = 0; isOn;) {
        const due = Math.round(((performance.now() - begun) / 1000) * PER_SECOND);
        const lines: string[] = [];
        for (; sent < due && lines.length < PER_SECOND; sent++) {
          const event = scene.exec(
            1000 + (scene.next % 30_000),
            ['/usr/bin/cc', '-O2', '-c', `src/part${sent}.c`],
            [900 + (scene.next % 50), '/usr/bin/make'],
          );
          lines.push(JSON.stringify(event));
        }
        for (const event of scene.session(100_000 + (sent % 1_000_000))) lines.push(JSON.stringify(event));
        if (sent % (20 * PER_SECOND) < PER_SECOND / 20) {
          lines.push(JSON.stringify(gapEvent(scene.next, scene.next + LOST - 1)));
          for (let i = 0; i < LOST; i++) scene.exec(1, ['/usr/bin/true']);
        }
        helper.hello.last_seq = scene.next - 1;
        helper.sendRaw(`${lines.join('\n')}\n`);
        await delay(BATCH_MS);
      }
      return (performance.now() - begun) / 1000;
    })();

    t.teardown(() => {
      isOn = false;
    });

    const looks: Array<{ heap: number; agent: number }> = [];
    const obeys: number[] = [];
    const end = performance.now() + MINUTES * 60_000;
    while (performance.now() < end) {
      await delay(LOOK_MS);
      const pressed = [await obeysIn(page), await obeysIn(page)];
      obeys.push(...pressed);
      const look = { heap: (await page.heapBytes()) / MIB, agent: memoryOf(agent) };
      looks.push(look);
      t.log(
        `page ${look.heap.toFixed(1)} MiB, agent ${look.agent.toFixed(0)} MiB, keys work in ${pressed.join(' and ')} ms; ${await page.text('#events-note')}; the agent has yet to read ${[...helper.clients][0]?.writableLength} bytes`,
      );
    }
    isOn = false;
    const seconds = await storm;
    const given = scene.next - 1;
    while (numbers.next <= given && agent.exitCode === null) await delay(100);
    t.log(
      `${given} numbers in ${seconds.toFixed(0)} s, ${Math.round(given / seconds)} a second; the output has ${numbers.events} events, and gaps of ${numbers.lost}; the tails got ${tailed.map((bytes) => `${Math.round(bytes / MIB)} MiB`).join(' and ')}; half of the keys worked in ${obeys.toSorted((a, b) => a - b)[Math.floor(obeys.length / 2)]} ms, all in ${Math.max(...obeys)} ms`,
    );

    t.deepEqual(numbers.wrong, []);
    t.is(numbers.next, given + 1);
    t.is(numbers.events + numbers.lost, given);
    t.is(numbers.lost % LOST, 0, 'the losses of the helper, and no others');
    const status = JSON.parse((await ask(`unix:${socket}`, '/v1/status')).body) as { numbers: object };
    t.like(status.numbers, { first: 1, through: given, events: numbers.events, lost: numbers.lost });
    await page.until(
      `document.querySelector('#complete-sum').innerText.includes('of ${given.toLocaleString('en')} numbers')`,
    );
    t.true((await page.evaluate<number>("document.querySelectorAll('#events > li').length")) <= MAX_ROWS);
    t.true((await page.evaluate<number>("document.querySelectorAll('#alerts > li').length")) <= MAX_ALERTS);
    t.deepEqual(page.complaints, []);
    // From the second minute on, when everything that is bounded is full.
    const settled = looks.slice(60_000 / LOOK_MS);
    const growth = settled.at(-1)!.heap - settled[0]!.heap;
    t.true(growth < 8, `the page grew by ${growth} MiB`);
    t.true(Math.max(...settled.map(({ agent: memory }) => memory)) < 400);
    // Not of all: a machine with other work stops everything for a second now and then.
    const slow = obeys.filter((ms) => ms > 1000 * PATIENCE);
    t.true(slow.length <= obeys.length / 10, `${slow.length} of ${obeys.length} keys took more than a second`);

    // Both have written all they got.
    for (let before = -1; before !== tailed[0]! + tailed[1]!; await delay(1000)) before = tailed[0]! + tailed[1]!;
    for (const { tail, ended } of tails) {
      tail.kill('SIGINT');
      t.deepEqual(await ended, [0, null]);
    }
    agent.kill('SIGTERM');
    t.deepEqual(await exited, [0, null], log);
  },
);
