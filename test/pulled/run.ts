// npm run test:pulled: boots a kernel in QEMU whose spool lies on a disk, and kills QEMU at a random moment, again and
// again. The page cache of the guest is gone then; what it had flushed is on the disk. What its receiver has after the
// next boot is judged.
import { appendFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { progress } from '../../installers/tools/progress.ts';
import { inCheckout, ROOT } from '../../installers/tools/root-folder.ts';
import { run } from '../../installers/tools/run.ts';
import { ensureSystemPackages } from '../../installers/tools/system-packages.ts';
import { kernelImage, type Image } from '../kernels/image.ts';
import { kernelNamed } from '../kernels/kernels.ts';
import { logFile, MachineError, runInMachine, temporaryFolder, virtiofsd } from '../kernels/machine.ts';
import { withMachines } from '../kernels/session.ts';
import { faultsOf, lastIn, numbersIn, type Pulled } from '../agent/delivery/spool/pulled.ts';
import { Tally } from '../run/tally.ts';
import { linesIn, Receiver, status } from '../support/receiver.ts';
import { fillFolder, guestScript, OUTPUTS } from './guest.ts';

const KERNEL = '6.12';
const DISK_BYTES = 1024 ** 3;
const PULLS = 3;
/** So many lines of a boot have arrived before its plug is pulled, and so many milliseconds more have passed at most. */
const NUMBERS = 1000;
const LATER_MS = 8000;
/** How long a boot may take, all emulated. */
const SECONDS = 600;
/** Records that come more than that before the end are on disk with `sync: 1s`: that second, and a slow machine's time for its work. */
const INTERVAL_MS = 4000;

const tally = new Tally();

type Name = (typeof OUTPUTS)[number];

function prepare(): void {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('the kernel is for 64-bit x86 and runs on Linux');
  if (process.getuid?.() !== 0) throw new Error('sharing files with the machine takes root: sudo npm run test:pulled');
  let missing = [
    ...ensureSystemPackages('tests'),
    ...ensureSystemPackages('kernels'),
    ...ensureSystemPackages('pulled'),
  ];
  if (missing.length === 0 && virtiofsd() === undefined) missing = [...ensureSystemPackages('kernel files')];
  if (missing.length > 0) throw new Error(`these system packages are missing: ${missing.join(', ')}`);
  run(process.execPath, [inCheckout('scripts/build.ts')], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** A request that a receiver took. */
interface Request {
  /** When it was whole, on the clock of `performance.now`. */
  readonly at: number;
  readonly lines: readonly string[];
}

/** The records that both outputs sent, by boot. The receiver of `late` takes a boot only once its machine is gone. */
class Streams {
  readonly #requests: Record<Name, Map<string, Request[]>> = { lake: new Map(), late: new Map() };
  /** When the machine of a boot was pulled. */
  readonly #pulledAt = new Map<string, number>();
  /** The newest boot that an output has got to. */
  readonly at: Record<Name, string | undefined> = { lake: undefined, late: undefined };

  constructor(receiver: Receiver) {
    receiver.answer = (received, response, place) => {
      const name = received.path.slice(1) as Name;
      const lines = linesIn(received.body);
      const { boot_id: bootId } = JSON.parse(lines[0]!) as { boot_id: string };
      this.at[name] = bootId;
      if (name === 'late' && !this.#pulledAt.has(bootId)) return status(503)(received, response, place);
      this.#of(name, bootId).push({ at: performance.now(), lines });
      response.end();
    };
  }

  #of(name: Name, bootId: string): Request[] {
    const requests = this.#requests[name].get(bootId) ?? [];
    this.#requests[name].set(bootId, requests);
    return requests;
  }

  pulled(bootId: string): void {
    this.#pulledAt.set(bootId, performance.now());
  }

  /** How many lines of a boot have arrived. */
  count(name: Name, bootId: string): number {
    return this.#of(name, bootId).reduce((sum, { lines }) => sum + lines.length, 0);
  }

  /** How many requests of a boot would have to survive if its plug were pulled at a time. Of `sync` as of `of`. */
  settledAt(name: Name, bootId: string, sync: 'batch' | number, time: number): number {
    const before = this.#of(name, bootId).filter(({ at }) => at <= time);
    // The next request is sent once the end of the one before is noted down.
    return Math.max(0, sync === 'batch' ? before.length - 1 : before.filter(({ at }) => at <= time - sync).length);
  }

  /**
   * @param sync `batch`, or how many milliseconds before the plug was pulled may not be settled
   * @param safe the last number that had to survive; by default, that of what was settled
   */
  of(name: Name, bootId: string, sync: 'batch' | number, safe?: number): Pulled {
    const requests = this.#of(name, bootId);
    const pulledAt = this.#pulledAt.get(bootId)!;
    const before = requests.filter(({ at }) => at <= pulledAt);
    const linesOf = (some: readonly Request[]): Array<readonly string[]> => some.map(({ lines }) => lines);
    const settledLines = linesOf(before.slice(0, this.settledAt(name, bootId, sync, pulledAt)));
    return {
      before: linesOf(before),
      after: linesOf(requests.slice(before.length)),
      settled: settledLines.length,
      safe: safe ?? lastIn(settledLines),
    };
  }
}

/** A machine that runs until its plug is pulled. */
class Machine {
  readonly #plug = new AbortController();
  readonly #ended: Promise<void>;
  #why: string | undefined;
  log = '';

  constructor(image: Image, checkout: string, disk: string, command: string, logName: string) {
    const keep = (text: string): void => {
      this.log += text;
      appendFileSync(logName, text);
    };
    this.#ended = runInMachine({
      image,
      checkout,
      kernelArguments: '',
      cgroup: 'v2',
      command,
      memory: '2G',
      disk,
      network: true,
      plug: this.#plug.signal,
      seconds: SECONDS,
      silentSeconds: SECONDS,
      onOutput: keep,
      onErrors: keep,
    }).then(
      (code) => void (this.#why = `its script ended with ${code}: ${this.log.slice(-2000)}`),
      (error: unknown) => {
        if (!(error instanceof MachineError)) throw error;
        this.#why = `${error.message}\n${this.log.slice(-2000)}`;
      },
    );
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.#why !== undefined) throw new Error(this.#why);
      await delay(50);
    }
  }

  async pull(): Promise<void> {
    if (this.#why !== undefined) throw new Error(this.#why);
    this.#plug.abort();
    await this.#ended;
  }
}

/** Adds the judgement of one boot to the tally. */
function judge(streams: Streams, bootId: string, title: string, sync: 'batch' | number, log: string): void {
  const lake = streams.of('lake', bootId, sync);
  const late = streams.of('late', bootId, sync, lake.safe);
  const first = numbersIn(lake.before)[0]!;
  // Numbers of a boot begin with any.
  const count = (last: number): number => Math.max(0, last - first + 1);
  const safe = count(lake.safe);
  const kept = count(lastIn(late.after));
  const twice = numbersIn([...lake.before, ...lake.after]);
  const faults = [
    ...faultsOf(lake).map((fault) => `lake: ${fault}`),
    ...faultsOf(late).map((fault) => `late: ${fault}`),
    ...(safe === 0 ? ['nothing had to survive: the plug was pulled too early'] : []),
    ...(kept < safe ? [`${safe} numbers had to survive, and ${kept} did`] : []),
    ...(numbersIn(late.after)[0] === first ? [] : [`late does not begin with ${first}`]),
    ...(/Spool(?:Damaged|CursorUnknown)|SealUnbalanced/u.test(log) ? ['the agent found damage: see its log'] : []),
  ];
  tally.add({
    title: `${title}: ${count(lastIn(lake.before))} events had arrived, ${safe} had to survive, ${kept} did, ${twice.length - new Set(twice).size} came twice`,
    result: faults.length === 0 ? 'passed' : 'failed',
    details: faults,
  });
}

async function pullAgainAndAgain(image: Image, checkout: string, sync: 'batch' | '1s'): Promise<void> {
  const disk = path.join(temporaryFolder(), 'disk.img');
  writeFileSync(disk, '');
  truncateSync(disk, DISK_BYTES);
  run('mkfs.ext4', ['-q', disk]);
  const log = logFile(`pulled-${sync}`);
  rmSync(log, { force: true });
  await using receiver = await new Receiver().listen();
  const streams = new Streams(receiver);
  const unsettled = sync === 'batch' ? sync : INTERVAL_MS;
  const command = guestScript(sync, Number(new URL(receiver.url).port));
  let before: string | undefined;
  for (let pull = 1; pull <= PULLS + 1; pull++) {
    const machine = new Machine(image, checkout, disk, command, log);
    await machine.until(() => OUTPUTS.every((name) => streams.at[name] !== before));
    const bootId = streams.at.lake!;
    const title = `sync: ${sync}, pull ${pull - 1}`;
    if (before !== undefined) judge(streams, before, title, unsettled, machine.log);
    before = bootId;
    if (pull <= PULLS) {
      await machine.until(() => streams.count('lake', bootId) >= NUMBERS);
      // A machine on a busy host can send all of these at once: then nothing would have to survive yet.
      await machine.until(() => streams.settledAt('lake', bootId, unsettled, performance.now()) > 0);
      await delay(Math.random() * LATER_MS);
    }
    await machine.pull();
    streams.pulled(bootId);
  }
  rmSync(disk);
}

async function main(): Promise<void> {
  prepare();
  const image = kernelImage(kernelNamed(KERNEL), temporaryFolder(), false);
  const checkout = path.join(temporaryFolder(), 'checkout');
  fillFolder(checkout);
  for (const sync of ['batch', '1s'] as const) {
    progress(`Linux ${image.release}, sync: ${sync}: the plug is pulled ${PULLS} times`);
    await pullAgainAndAgain(image, checkout, sync);
  }
}

if (!(await withMachines(main)))
  tally.fail('npm run test:pulled', `it ended early; see ${path.relative(ROOT, logFile('pulled-batch'))}`);
tally.close();
