import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { fixture } from '../support/fixtures.ts';
import { atEnd } from './cleanup.ts';

/** A program that is started again and again. */
export interface Shape {
  readonly id: string;
  readonly title: string;
  /** Arguments behind the worker's number, the exec's number and the mark. */
  readonly args: readonly string[];
  readonly workers: number;
  /** Programs that each worker starts in a second, at even intervals. Left out: as fast as it can. */
  readonly rate?: number;
  /** Of the number asked for, as much is started. */
  readonly share: number;
}

const COMPILER = [
  '-c',
  '-o',
  'build/obj/services/ingest/pipeline/record_reader.o',
  '-std=gnu17',
  '-O2',
  '-g',
  '-Wall',
  '-Wextra',
  '-fPIC',
  '-fstack-protector-strong',
  '-D_FORTIFY_SOURCE=2',
  '-DVERSION="4.19.2-rc3+build.20250211"',
  '-DSYSCONFDIR="/etc/example/ingest"',
  '-Iservices/ingest/include',
  '-Ithird_party/protobuf/generated/include',
  '-isystem/usr/include/x86_64-linux-gnu',
  '--param=ssp-buffer-size=4',
  'services/ingest/pipeline/record_reader.c',
];
/** Up to 600 bytes: in one argument, as a list of source files would be. */
const FILLER = `-ffile-prefix-map=${'/home/builder/workspace/products/example/checkout/'.repeat(4)}=.`;

/** 40 arguments that with their NULs, the program and the numbers fill 128 KiB. */
const LONG = Array.from({ length: 40 }, (_, i) => `--input-${i}=`.padEnd(3273, 'abcdefghijklmnopqrstuvwxyz0123456789'));

export const SHAPES: readonly Shape[] = [
  { id: 'plain', title: 'short command line, one process starts programs', args: [], workers: 1, share: 1 },
  { id: 'two', title: 'short command line, two processes start programs', args: [], workers: 2, share: 1 },
  {
    id: 'realistic',
    title: 'a compiler’s command line: 23 arguments, some 650 bytes',
    args: [...COMPILER, FILLER],
    workers: 1,
    share: 1,
  },
  {
    id: 'paced-100',
    title: 'short command line, 100 programs a second',
    args: [],
    workers: 1,
    rate: 100,
    share: 1 / 20,
  },
  {
    id: 'paced-1600',
    title: 'short command line, 1,600 programs a second',
    args: [],
    workers: 1,
    rate: 1600,
    share: 1 / 2,
  },
  { id: 'long', title: 'a command line of 128 KiB in 44 arguments', args: LONG, workers: 1, share: 1 / 20 },
];

/** One run of the storm: what was started, so that it can be found again. */
export interface Storm {
  readonly program: string;
  readonly mark: string;
  readonly shape: Shape;
  readonly execs: number;
}

/** Nanoseconds, of the clock (without the waits that keep a pace) and of the processor. */
export interface Duration {
  readonly elapsed: number;
  readonly cpu: number;
}

export class Storms {
  readonly program: string;
  readonly #storm: string;
  #count = 0;

  /** @param folder where the program lies that is started */
  constructor(folder: string) {
    this.#storm = fixture('exec-storm');
    this.program = path.join(folder, 'no-op');
    copyFileSync(fixture('no-op'), this.program);
  }

  plan(shape: Shape, execs: number): Storm {
    return {
      program: this.program,
      mark: `m${process.pid}-${this.#count++}`,
      shape,
      execs: Math.max(shape.workers, Math.round(execs * shape.share)),
    };
  }

  async run({ mark, shape, execs }: Storm): Promise<Duration> {
    const before = cpuOfChildren();
    const pace = shape.rate === undefined ? [] : ['-r', String(shape.rate)];
    const args = [...pace, this.program, String(execs), String(shape.workers), mark, ...shape.args];
    const child = spawn(this.#storm, args, {
      env: {},
      cwd: '/',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const forget = atEnd(() => child.kill('SIGKILL'));
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
    await once(child, 'close');
    forget();
    if (child.exitCode !== 0) throw new Error(`exec-storm failed (${child.exitCode ?? child.signalCode})`);
    return { elapsed: Number(text), cpu: cpuOfChildren() - before };
  }
}

/** Nanoseconds of processor time of all processes that this one has waited for, and theirs. */
function cpuOfChildren(): number {
  const fields = readFileSync('/proc/self/stat', 'latin1').split(') ')[1]?.split(' ') ?? [];
  // cutime and cstime, in hundredths of a second: USER_HZ is 100 wherever Linux runs Node.js.
  return (Number(fields[13]) + Number(fields[14])) * 1e7;
}
