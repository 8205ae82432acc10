import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecEvent } from '../../../shared/events/exec.ts';
import type { GapEvent } from '../../../shared/events/gap.ts';
import type { HelloEvent } from '../../../shared/events/hello.ts';
import type { ProbeEvent } from '../../../shared/events/parse.ts';
import { isKnown, parseEvent } from '../../support/events.ts';
import { LineSplitter } from '../../support/line-splitter.ts';
import { PATIENCE } from '../../support/pace.ts';
import { requireDense } from '../../support/pipe-client.ts';
import { endWithUs } from '../../support/reaper.ts';
import { ROOT } from '../../support/repository.ts';
import type { ChildHandoff } from '../../../helper/macos/child/handoff.ts';
import type { Settings } from './helper-on-linux.ts';

/** Ids that no account of a machine has. */
const UID = 64913;
const GROUP = 64912;

const FOLDER = `/var/lib/platform-probes/test-${process.pid}-child`;
const ADDON = path.join(FOLDER, `node_modules/@koromix/koffi-linux-${process.arch}/linux_${process.arch}/koffi.node`);
const ENTRY = path.join(FOLDER, 'test/macos/support/helper-on-linux.ts');
let count = 0;

/** Copies what runs under another user to where everybody can read it, once. */
function stage(): void {
  if (count++ > 0) return;
  mkdirSync(FOLDER, { recursive: true, mode: 0o755 });
  process.on('exit', () => rmSync(FOLDER, { recursive: true, force: true }));
  cpSync(process.execPath, path.join(FOLDER, 'node'));
  const addon = `node_modules/@koromix/koffi-linux-${process.arch}/linux_${process.arch}/koffi.node`;
  for (const file of ['helper', 'shared', 'test/macos', 'package.json', addon])
    cpSync(path.join(ROOT, file), path.join(FOLDER, file), { recursive: true, dereference: true });
}

/** A helper whose child is the stand-in, and one client of it, which may run as root. */
export class ChildHelper {
  readonly socket: string;
  readonly process: ChildProcess;
  readonly events: ProbeEvent[] = [];
  readonly execs: ExecEvent[] = [];
  /** The marks that the stand-in put into its execs to tell them apart, in the order in which they came. */
  readonly marks: string[] = [];
  readonly #distinct = new Set<string>();
  /** Gaps of which the count is known, and the sum of these. */
  readonly gaps: GapEvent[] = [];
  lost = 0;
  /** Causes of the others, in their order. */
  readonly uncounted: string[] = [];
  /** Canaries of which the helper said that they went unseen. */
  blind = 0;
  readonly #canaries: string;
  stderr = '';

  /**
   * @param script arguments of fixtures/stand-in.ts: the format, what it does, and how much of it
   * @param seen whether the stand-in tells of canaries
   */
  constructor(
    source: Settings['source'],
    script: readonly (string | number)[],
    { seen = true, backlogBytes = 16 << 20, patienceMs = 20_000 } = {},
  ) {
    stage();
    const folder = path.join(FOLDER, `run-${count}`);
    const canaries = path.join(folder, 'canaries');
    this.#canaries = canaries;
    mkdirSync(folder, { mode: 0o755 });
    writeFileSync(canaries, '');
    chmodSync(canaries, 0o666);
    this.socket = `/run/platform-probes-test-${process.pid}-child-${count}/events.sock`;
    const node = path.join(FOLDER, 'node');
    const settings: Settings = {
      addon: ADDON,
      socket: this.socket,
      group: GROUP,
      uid: UID,
      backlogBytes,
      source,
      program: {
        path: node,
        args: [
          path.join(FOLDER, 'test/macos/fixtures/stand-in.ts'),
          source,
          seen ? canaries : '',
          folder,
          ...script.map(String),
        ],
      },
      canary: { path: '/bin/sh', args: ['-c', `echo $$ >> ${canaries}`] },
      canaryTimes: { intervalMs: 400, patienceMs },
    };
    this.process = spawn(node, ['--disable-warning=ExperimentalWarning', ENTRY, JSON.stringify(settings), 'run'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    endWithUs(this.process);
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
  }

  /** Runs the forwarding process alone, as whoever is given, to its end. */
  static async forward(
    handoff: ChildHandoff,
    ids: { uid?: number; gid?: number },
  ): Promise<{ code: number | null; stderr: string }> {
    stage();
    const child = spawn(
      path.join(FOLDER, 'node'),
      [
        '--disable-warning=ExperimentalWarning',
        ENTRY,
        JSON.stringify({ addon: ADDON }),
        'forward',
        JSON.stringify(handoff),
      ],
      { cwd: '/', env: {}, stdio: ['ignore', 'ignore', 'pipe'], ...ids },
    );
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    await once(child, 'close');
    return { code: child.exitCode, stderr };
  }

  /** Waits until it forwards, and connects. */
  async connect(): Promise<this> {
    await this.until(() => this.stderr.includes('forwarding;'));
    const splitter = new LineSplitter();
    const client = connect(this.socket);
    client.on('error', () => {});
    client.on('data', (chunk: Buffer) => {
      for (const line of splitter.push(chunk)) {
        const event = parseEvent(Buffer.from(line).toString());
        if (isKnown(event)) this.#take(event);
      }
    });
    await this.until(() => this.events.length > 0);
    return this;
  }

  get hello(): HelloEvent {
    return this.events[0] as HelloEvent;
  }

  /** Takes what came; counted as it comes, since tests look often, and at many events. */
  #take(event: ProbeEvent): void {
    this.events.push(event);
    if (event.type === 'exec') {
      this.execs.push(event);
      const mark = event.argv?.[1] ?? '';
      this.marks.push(mark);
      this.#distinct.add(mark);
    } else if (event.type === 'gap' && event.uncounted === true) {
      this.uncounted.push(event.cause);
      if (event.cause === 'source_blind') this.blind += event.count;
    } else if (event.type === 'gap') {
      this.gaps.push(event);
      this.lost += event.count;
    }
  }

  /** Whether each of so many execs is there or counted as lost, none twice. */
  isWhole(all: number): boolean {
    return this.#distinct.size === this.marks.length && this.marks.length + this.lost === all;
  }

  /** Has the stand-in tell of one more program. */
  someoneRan(): void {
    appendFileSync(this.#canaries, '1\n');
  }

  async until(holds: () => boolean, seconds = 30): Promise<void> {
    for (const start = Date.now(); !holds();) {
      if (Date.now() - start > seconds * PATIENCE * 1000)
        throw new Error(
          `not seen within ${seconds * PATIENCE} s; ${this.execs.length} execs, ${this.lost} lost, ${this.uncounted.join()}; ${this.stderr.slice(-1500)}`,
        );
      await delay(10);
    }
    requireDense(this.events);
  }

  /** Ends it as launchd does, and gives the exit code. */
  async stop(): Promise<number | null> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      // Not `exit`: what it printed last may not have been read by then.
      const gone = once(this.process, 'close');
      this.process.kill('SIGTERM');
      await gone;
    }
    rmSync(path.dirname(this.socket), { recursive: true, force: true });
    return this.process.exitCode;
  }
}
