import { createHash } from 'node:crypto';
import type { SealEvent, SealReason } from '../../agent/events/seal.ts';

/** Numbers from 0 to 1 that follow from a seed. Mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed * 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One line of a stream, and what it stands for. */
export interface Row {
  readonly origin: Origin;
  readonly text: string;
  /** Number of the seal that covers it; of a seal, its own. */
  readonly seal: number;
  readonly what:
    | { readonly is: 'event'; readonly seq: number }
    | { readonly is: 'gap'; readonly first: number; readonly last: number; readonly count: number }
    | { readonly is: 'clock' }
    | { readonly is: 'seal'; readonly fields: SealEvent };
}

export interface Origin {
  readonly host_id: string;
  readonly host: string;
  readonly boot_id: string;
  readonly stream: string;
  /** The agent crashed or lost its place: lines and seals come again in other forms. */
  readonly isRough: boolean;
}

/** The events of the host, one after the other. */
type Happening =
  | { readonly is: 'event' | 'filtered'; readonly seq: number }
  | { readonly is: 'gap'; readonly first: number; readonly last: number; readonly count: number }
  | { readonly is: 'clock'; readonly at: number; readonly step: number }
  /** The probe is loaded anew: numbers from `seq` on are not given, until `next`. */
  | { readonly is: 'jump'; readonly seq: number; readonly next: number };

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const digits = (text: string, count: number): string => sha256(text).slice(0, count);

export interface Shape {
  readonly seed: number;
  readonly hosts?: number;
  readonly boots?: number;
  /** Numbers of each boot. */
  readonly numbers?: number;
  /** The agent crashes and loses its place now and then. Otherwise it sends some lines twice, and the probe is loaded anew. By default two of three seeds. */
  readonly rough?: boolean;
}

const STREAMS = ['lake', 'soc'];

/**
 * All lines that hosts send in some boots, on two outputs each, in the order in which they are sent: filters, gaps, steps of
 * the clock, idle seals, lines that come twice and, where the shape is rough, agents that crash and go on from an older place.
 */
export function sealedStreams({ seed, hosts = 3, boots = 2, numbers = 300, rough = seed % 3 !== 0 }: Shape): Row[] {
  const random = randomFrom(seed);
  const rows: Row[] = [];
  for (let host = 0; host < hosts; host++) {
    for (let boot = 0; boot < boots; boot++) {
      const happenings = happeningsOf(random, 1 + Math.floor(random() * 5000), numbers, !rough);
      for (const stream of STREAMS) {
        const origin = {
          host_id: digits(`host ${seed} ${host}`, 32),
          host: `walrus-${host}`,
          boot_id: digits(`boot ${seed} ${host} ${boot}`, 32),
          stream,
          isRough: rough && random() < 0.5,
        };
        const share = random() < 0.3 ? 0 : random() * 0.4;
        rows.push(...new Writer(origin, random).write(filtered(random, happenings, share)));
      }
    }
  }
  return rows;
}

function happeningsOf(random: () => number, first: number, numbers: number, jumps: boolean): Happening[] {
  const happenings: Happening[] = [];
  let end = first + numbers;
  for (let seq = first; seq < end;) {
    const chance = random();
    if (jumps && chance > 0.995 && seq > first) {
      const next = seq + 5 + Math.floor(random() * 60);
      happenings.push({ is: 'jump', seq, next });
      end += next - seq;
      seq = next;
    }
    if (chance < 0.01) {
      happenings.push({ is: 'clock', at: seq, step: happenings.length });
    } else if (chance < 0.04) {
      const last = Math.min(seq + Math.floor(random() * 9), end - 1);
      const size = last - seq + 1;
      // A filter can have taken numbers out of a gap's range.
      const count = random() < 0.3 ? Math.max(1, size - Math.floor(random() * 3)) : size;
      happenings.push({ is: 'gap', first: seq, last, count });
      seq = last + 1;
    } else {
      happenings.push({ is: 'event', seq: seq++ });
    }
  }
  return happenings;
}

/** Each output has its own filters. */
const filtered = (random: () => number, happenings: readonly Happening[], share: number): Happening[] =>
  happenings.map((each) => (each.is === 'event' && random() < share ? { is: 'filtered', seq: each.seq } : each));

/** The part that a crash takes back: everything since it was stored. */
interface Place {
  readonly at: number;
  readonly seal: number;
  readonly from: number;
  readonly sent: number;
  readonly filtered: number;
  readonly gap: number;
  readonly lines: number;
  readonly sum: number;
  readonly prev: string | undefined;
}

/** One output, as an agent with a place that it remembers writes it. */
class Writer {
  readonly #origin: Origin;
  readonly #random: () => number;
  readonly #rows: Row[] = [];

  constructor(origin: Origin, random: () => number) {
    this.#origin = origin;
    this.#random = random;
  }

  write(happenings: readonly Happening[]): Row[] {
    const begin = { seal: 1, sent: 0, filtered: 0, gap: 0, lines: 0, sum: 0, prev: undefined };
    const numberOf = (at: number): number => {
      const next = happenings.slice(at).find(({ is }) => is !== 'clock');
      return next === undefined ? Infinity : next.is === 'gap' ? next.first : (next as { seq: number }).seq;
    };
    let place: Place = { ...begin, at: 0, from: numberOf(0) };
    let stored = place;
    let sealed = 0;
    let room = this.#size();
    let crashes = this.#origin.isRough ? 4 : 0;
    while (place.at < happenings.length) {
      const happening = happenings[place.at]!;
      if (happening.is === 'jump') {
        place = { ...this.#seal(place, happening.seq - 1, 'probe'), at: place.at + 1, from: happening.next };
        room = this.#size();
        sealed = place.at;
        continue;
      }
      const next = this.#after(place, happening);
      // A place is stored now and then, and a crash goes back to it.
      if (this.#random() < 0.03) stored = place;
      place = next;
      if (happening.is !== 'clock') room--;
      if (this.#random() < 0.003) this.#sendAgain();
      const number = numberOf(place.at);
      if (room <= 0 && number !== Infinity) {
        place = this.#seal(place, number - 1, 'numbers');
        room = this.#size();
        sealed = place.at;
        while (this.#random() < 0.15) place = this.#seal(place, number - 1, 'idle');
      }
      if (crashes > 0 && this.#random() < 0.02) {
        crashes--;
        // A place that is lost is found again by what the helper still holds: more than is unsealed.
        const at = Math.min(stored.at, sealed);
        // Right behind a jump, nobody could tell the hole from lost seals.
        const isLost = this.#random() < 0.2 && happenings[at - 1]?.is !== 'jump' && happenings[at]?.is !== 'jump';
        place = isLost ? { ...begin, at, from: numberOf(at) } : stored;
        stored = place;
        room = this.#size();
      }
    }
    return this.#rows;
  }

  #size(): number {
    return 5 + Math.floor(this.#random() * 40);
  }

  #sendAgain(): void {
    const batch = this.#rows.slice(-1 - Math.floor(this.#random() * 6));
    this.#rows.push(...batch);
  }

  #after(place: Place, happening: Happening): Place {
    const at = place.at + 1;
    if (happening.is === 'filtered') return { ...place, at, filtered: place.filtered + 1 };
    const text = this.#line(place, happening);
    const lines = place.lines + 1;
    const sum = place.sum + Number.parseInt(sha256(text).slice(0, 8), 16);
    switch (happening.is) {
      case 'clock':
        this.#rows.push({ origin: this.#origin, text, seal: place.seal, what: { is: 'clock' } });
        return { ...place, at, lines, sum };
      case 'gap': {
        const { first, last, count } = happening;
        this.#rows.push({ origin: this.#origin, text, seal: place.seal, what: happening });
        const others = last - first + 1 - count;
        return { ...place, at, lines, sum, gap: place.gap + count, filtered: place.filtered + others };
      }
      default:
        this.#rows.push({ origin: this.#origin, text, seal: place.seal, what: { is: 'event', seq: happening.seq } });
        return { ...place, at, lines, sum, sent: place.sent + 1 };
    }
  }

  #line({ seal }: Place, happening: Happening): string {
    const time = '2026-11-29T02:00:00.000Z';
    switch (happening.is) {
      case 'clock':
        return this.#signed(
          { type: 'clock', time, from: time, to: time, from_seq: happening.at, since: happening.step },
          seal,
        );
      case 'gap': {
        const { first, last, count } = happening;
        return this.#signed({ type: 'gap', time, hop: 'ring', first, last, count, cause: 'ring_full' }, seal);
      }
      default: {
        const { seq } = happening;
        const command = seq % 7 === 0 ? `/bin/echo "${seq}",\\"seq":1,"seal":2} ü` : `/bin/true ${seq}`;
        return this.#signed({ pid: seq % 30_000, command, timestamp: 1, type: 'exec', seq, time }, seal);
      }
    }
  }

  /** A line with the end of an output that says who its lines are from. */
  #signed(event: object, seal: number): string {
    const { host_id, host, boot_id, stream } = this.#origin;
    return JSON.stringify({ ...event, host_id, host, boot_id, stream, schema_version: 1, seal });
  }

  #seal(place: Place, to: number, reason: SealReason): Place {
    const { seal, from, sent, filtered: left, gap, lines, sum, prev } = place;
    const fields: SealEvent = {
      type: 'seal',
      // Two seals of the same range differ in this.
      time: `2026-11-29T02:00:00.${String(this.#rows.length % 1000).padStart(3, '0')}Z`,
      from,
      to,
      sent,
      filtered: left,
      gap,
      lines,
      sum,
      ...(prev === undefined ? {} : { prev }),
      reason,
      kernel_count: to,
      kernel_lost: 0,
    };
    const text = this.#signed(fields, seal);
    this.#rows.push({ origin: this.#origin, text, seal, what: { is: 'seal', fields } });
    return {
      at: place.at,
      seal: seal + 1,
      from: to + 1,
      sent: 0,
      filtered: 0,
      gap: 0,
      lines: 0,
      sum: 0,
      prev: sha256(text),
    };
  }
}

/** The lines in another order that a seed gives. */
export function shuffled<T>(rows: readonly T[], random: () => number): T[] {
  const result = [...rows];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}

/** A stream's name in this process: who its lines are from. */
export const keyOf = ({ host_id, boot_id, stream }: Pick<Origin, 'host_id' | 'boot_id' | 'stream'>): string =>
  [host_id, boot_id, stream].join();
