import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { Marker } from '../../../../agent/delivery/seal/marker.ts';
import { Identified } from '../../../../agent/formats/identified.ts';
import { TAKEN, type Batch, type Outcome } from '../../../../agent/outputs/output.ts';
import { randomOf } from '../../support/random.ts';
import { Gate } from '../support.ts';
import { faultsOf, lastIn, type Pulled } from './pulled.ts';
import { begin, events, TemporaryFolder, until } from './support.ts';
import { WorstDisk } from './worst-disk.ts';

const SEEDS = Number(process.env['PULL_SEEDS'] ?? 40);
const LIVES = 4;
const NUMBERS = 400;

interface Request {
  readonly bootId: string;
  readonly lines: readonly string[];
}

/** The stream of one agent of several to a receiver. Some answers are lost on their way. */
class Connection extends Gate {
  readonly limits;
  readonly #requests: Request[];
  readonly #takes: (bootId: string) => boolean;
  readonly #random: (below: number) => number;
  #isConfirmed = false;
  /** So many requests of all were confirmed, and their end was noted down after that. */
  settled = 0;
  /** The boot that it has got to. */
  bootId: string | undefined;
  isGone = false;

  constructor(
    name: string,
    requests: Request[],
    takes: (bootId: string) => boolean,
    random: (below: number) => number,
  ) {
    super();
    this.#requests = requests;
    this.#takes = takes;
    this.#random = random;
    this.limits = { bytes: 1024 * 1024, records: 1 + random(40), ageMs: 0 };
    Object.assign(this, { format: new Identified({ hostId: 'a'.repeat(32), host: 'h', stream: name }) });
  }

  override async send({ bootId, lines }: Batch): Promise<Outcome> {
    const text = lines.toString();
    this.bootId = bootId;
    if (this.#isConfirmed) this.settled = this.#requests.length;
    this.#isConfirmed = false;
    await turn();
    if (this.isGone || !this.#takes(bootId!) || this.#random(20) === 0) return { kind: 'retry', reason: 'busy' };
    this.#requests.push({ bootId: bootId!, lines: text.split('\n').slice(0, -1) });
    if (this.#random(20) === 0) throw new Error('cut');
    this.#isConfirmed = true;
    return TAKEN;
  }
}

/** One output over all its agents. */
class Stream {
  readonly name: string;
  readonly requests: Request[] = [];
  connection!: Connection;
  /** Of each boot, the requests that had come when its machine was pulled, and how many of them were settled. */
  readonly #pulls = new Map<string, { at: number; settled: number }>();

  constructor(name: string) {
    this.name = name;
  }

  pulled(bootId: string, settled: number): void {
    this.connection.isGone = true;
    this.#pulls.set(bootId, { at: this.requests.length, settled });
  }

  /** @param safe the last number that had to survive; by default, that of what was settled */
  of(bootId: string, safe?: number): Pulled {
    const linesOf = (requests: Request[]): Array<readonly string[]> =>
      requests.filter((request) => request.bootId === bootId).map(({ lines }) => lines);
    const { at, settled } = this.#pulls.get(bootId)!;
    const settledLines = linesOf(this.requests.slice(0, settled));
    return {
      before: linesOf(this.requests.slice(0, at)),
      after: linesOf(this.requests.slice(at)),
      settled: settledLines.length,
      safe: safe ?? lastIn(settledLines),
    };
  }
}

for (const sync of ['batch', 'interval'] as const) {
  test.serial(
    `sync: ${sync}, a disk that keeps only what was forced to it: what was settled is there after a pull, and does not come again`,
    async (t) => {
      let [arrived, safe, survived, again] = [0, 0, 0, 0];
      for (let seed = 1; seed <= SEEDS; seed++) {
        const random = randomOf(seed);
        using root = new TemporaryFolder();
        const streams = [new Stream('fast'), new Stream('late')] as const;
        const pulled = new Set<string>();
        let newest = '';
        let folder = root.spool;
        for (let life = 1; life <= LIVES; life++) {
          const bootId = `boot-${life}`;
          using disk = await WorstDisk.under(folder);
          const agent = await begin(folder, {
            bootId,
            lastSeq: NUMBERS,
            sync: sync === 'batch' ? sync : 3_600_000,
            segmentBytes: 2000 + random(6000),
            tailBytes: random(2) === 0 ? 1 : 1024 * 1024,
          });
          const areBothFast = random(2) === 0;
          for (const stream of streams) {
            const takes = (boot: string): boolean => stream.name === 'fast' || areBothFast || pulled.has(boot);
            stream.connection = new Connection(stream.name, stream.requests, takes, random);
            await agent.output(stream.name, { gate: stream.connection, seals: true });
          }
          const marker = new Marker({
            log: agent.log,
            facts: () => ({ kernel_count: NUMBERS }),
            isNeeded: () => true,
            numbers: 30 + random(60),
          });
          marker.begin({ bootId, firstSeq: 1, lastSeq: NUMBERS }, agent.due);
          const settledNow = (): number[] => streams.map(({ connection }) => connection.settled);
          // With an interval, what was settled when the newest tick began.
          let settled = [0, 0];
          let isTicking = false;
          const tick = async (): Promise<void> => {
            if (isTicking) return;
            isTicking = true;
            const then = settledNow();
            await agent.spool.tick();
            settled = then;
            isTicking = false;
          };
          const append = (next: number, last: number): void => {
            agent.log.append(events(next, last - next + 1), last);
            marker.passed(next, last);
          };
          const stopAt = random(NUMBERS);
          for (let next = 1; next <= stopAt;) {
            const last = Math.min(stopAt, next + random(25));
            append(next, last);
            next = last + 1;
            if (random(8) === 0) {
              const ticking = tick();
              // On a busy machine some would else never end before the pull.
              if (random(4) === 0) await ticking;
            }
            for (let i = random(4); i > 0; i--) await turn();
          }
          append(stopAt + 1, stopAt + 1);
          // An output begins with a boot once it has all of those before.
          await until(() => streams.every(({ connection }) => connection.bootId === bootId));
          for (const boot of pulled) {
            const fast = streams[0].of(boot);
            const late = streams[1].of(boot, fast.safe);
            t.deepEqual([faultsOf(fast), faultsOf(late)], [[], []], `seed ${seed}, ${boot}, in life ${life}`);
            const last = lastIn([...late.before, ...late.after]);
            t.true(last >= fast.safe, `seed ${seed}, ${boot}: ${fast.safe} had to survive, and ${last} did`);
            if (boot !== newest) continue;
            arrived += lastIn(fast.before);
            safe += fast.safe;
            survived += last;
            again += fast.after.length;
          }
          for (let i = random(30); i > 0; i--) await turn();
          const next = join(root.root, `life-${life + 1}`);
          disk.pull(next);
          if (sync === 'batch') settled = settledNow();
          for (const [i, stream] of streams.entries()) stream.pulled(bootId, settled[i]!);
          t.deepEqual(
            agent.raised.filter(({ event }) => /Damaged|Unknown|Unbalanced|NotKept|SpoolFailed/u.test(event)),
            [],
            `seed ${seed}, ${bootId}`,
          );
          pulled.add(bootId);
          newest = bootId;
          folder = next;
          // Its work from now on counts no more.
          marker.close();
          await agent.stop();
        }
      }
      t.log(
        `${arrived} events had arrived, ${safe} had to survive, ${survived} did; ${again} requests came after a pull`,
      );
      t.true(safe > 0 && again > 0);
    },
  );
}
