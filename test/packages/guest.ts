// Runs in the guest, under Node.js without packages: what scenarios share.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Everything in the guest is emulated, and some ten times slower than elsewhere. */
const PATIENCE_S = 240;

const ENVIRONMENT = {
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C.UTF-8',
  HOME: '/root',
  DEBIAN_FRONTEND: 'noninteractive',
};

export interface Ended {
  readonly status: number | null;
  /** Its output: standard output, then standard error. */
  readonly output: string;
}

/** Runs a program to its end. */
export function attempt(program: string, ...args: readonly string[]): Ended {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    env: ENVIRONMENT,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  return { status, output: error === undefined ? stdout + stderr : error.message };
}

/** The same. @returns what it printed @throws {Error} unless it ends with 0 */
export function run(program: string, ...args: readonly string[]): string {
  const { status, output } = attempt(program, ...args);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${status}\n${output}`);
  return output;
}

export function check(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

let steps = 0;
let failed = 0;

/** One step of a scenario, which the host counts as a test. Later steps run also when it fails. */
export async function step(title: string, work: () => Promise<string | void> | string | void): Promise<void> {
  const number = ++steps;
  const begun = performance.now();
  const took = (): string => `${Math.round((performance.now() - begun) / 1000)} s`;
  try {
    const said = await work();
    process.stdout.write(`ok ${number} - ${title}\n  # ${took()}${said === undefined ? '' : `; ${said}`}\n`);
  } catch (error) {
    failed++;
    const lines = String((error as Error).stack).split('\n');
    process.stdout.write(`not ok ${number} - ${title}\n  # ${took()}\n${lines.map((line) => `  ${line}\n`).join('')}`);
  }
}

/** The last line of the report. */
export function end(): never {
  process.stdout.write(`1..${steps}\n`);
  process.exit(failed === 0 ? 0 : 1);
}

/** Waits until something holds; what it throws counts as no. @throws {Error} with what `describe` says, after PATIENCE_S */
export async function until(
  what: string,
  holds: () => boolean,
  describe: () => string = () => '',
  seconds = PATIENCE_S,
): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  let problem = '';
  do {
    try {
      if (holds()) return;
    } catch (error) {
      problem = `\n${(error as Error).message}`;
    }
    await delay(200);
  } while (performance.now() < deadline);
  throw new Error(`not within ${seconds} s: ${what}${problem}\n${describe()}`);
}

/** A property of a unit, as systemd shows it. */
export function property(unit: string, name: string): string {
  return run('systemctl', 'show', '--value', '--property', name, unit).trim();
}

export const mainPid = (unit: string): number => Number(property(unit, 'MainPID'));

/** The journal of a unit. */
export const journal = (unit: string): string => attempt('journalctl', '--no-pager', '--output=cat', '-u', unit).output;

/** The lines of a log and of the files that it was, oldest first. */
export function linesOf(file: string): string[] {
  const folder = path.dirname(file);
  const number = (name: string): number => Number(name.slice(path.basename(file).length + 1) || 0);
  return readdirSync(folder)
    .filter((name) => /^\.?\d*$/u.test(name.replace(path.basename(file), '')) && name.startsWith(path.basename(file)))
    .toSorted((a, b) => number(b) - number(a))
    .flatMap((name) => readFileSync(path.join(folder, name), 'utf8').split('\n').filter(Boolean));
}

/** The state of the system, without the files that its own programs write all the time. */
export interface Snapshot {
  readonly files: readonly string[];
  readonly pins: readonly string[];
  readonly sockets: readonly string[];
  readonly processes: readonly string[];
}

/** Folders whose contents change by themselves, or with every package that is installed. */
const CHANGING = `/proc /sys /dev /tmp /srv /root /var/cache /var/lib/apt /var/lib/dpkg /var/log/apt /var/log/dpkg.log
  /var/log/journal /run/log /run/systemd /run/guest /var/lib/systemd /run/user`.split(/\s+/u);

/** @param leftOut further folders */
export function snapshot(...leftOut: readonly string[]): Snapshot {
  const prune = [...CHANGING, ...leftOut].flatMap((folder) => ['-path', folder, '-prune', '-o']);
  return {
    files: run('find', '/', ...prune, '-printf', '%p %U:%G %m %l\n')
      .split('\n')
      // Folders of PrivateTmp=, which have another name with each start.
      .filter((line) => line !== '' && !line.startsWith('/var/tmp/systemd-private-'))
      .toSorted(),
    pins: existsSync('/sys/fs/bpf') ? readdirSync('/sys/fs/bpf').toSorted() : [],
    sockets: [
      ...new Set(
        readFileSync('/proc/net/unix', 'utf8')
          .split('\n')
          .flatMap((line) => /\s(\/\S+)$/u.exec(line)?.[1] ?? [])
          .filter((socket) => !socket.startsWith('/run/systemd/')),
      ),
    ].toSorted(),
    processes: [...new Set(run('ps', '-e', '-o', 'comm=').split('\n').filter(Boolean))]
      .filter((name) => !/^(?:kworker|ps$|find$)/u.test(name))
      .toSorted(),
  };
}

/** The differences: there now and not before, and the other way round. */
export function differences(before: readonly string[], after: readonly string[]): string[] {
  const [old, fresh] = [new Set(before), new Set(after)];
  return [
    ...after.filter((item) => !old.has(item)).map((item) => `+ ${item}`),
    ...before.filter((item) => !fresh.has(item)).map((item) => `- ${item}`),
  ];
}
