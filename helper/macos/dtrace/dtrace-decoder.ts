import type { Decoder, Findings } from '../child/decoder.ts';
import { MAX_NUMBER_JUMP } from '../../limits.ts';
import { processOf, type ToldExec } from './process.ts';
import { RecordParser, type DtraceRecord } from './records.ts';

/** An exec in progress: its records come one after the other from its processor. */
interface OpenExec extends ToldExec {
  readonly number: number;
  path: Buffer | undefined;
  info: readonly string[] | undefined;
  readonly args: Buffer[];
  cut: boolean;
}

/**
 * Messages of dtrace when it had no room: "12 drops on CPU 0", "3 dynamic variable drops with non-empty dirty list".
 */
const DROPS = /\b[1-9]\d* (?:[a-z]+ ){0,3}drops?\b/;

/**
 * Turns the output of dtrace/exec.d into events. Each processor counts its execs before it records them, so a jump in a
 * processor's numbers is certainly a loss. Once a second a processor reports its count, to show losses that no later
 * record shows.
 */
export class DtraceDecoder implements Decoder {
  counted = 0;
  missed = 0;
  unreadable = 0;
  limit: string | undefined;
  readonly #findings: Findings;
  readonly #parser: RecordParser;
  /** The newest number of each processor. */
  readonly #newest = new Map<number, number>();
  readonly #open = new Map<number, OpenExec>();
  #stringBytes = Number.POSITIVE_INFINITY;
  #dropped = false;

  constructor(findings: Findings) {
    this.#findings = findings;
    this.#parser = new RecordParser({
      record: (record) => this.#take(record),
      restart: () => this.#restart(),
      garbage: () => this.unreadable++,
    });
  }

  push(bytes: Buffer): void {
    this.#parser.push(bytes);
  }

  complaint(line: string): boolean {
    if (!DROPS.test(line)) return false;
    this.#dropped = true;
    return true;
  }

  #restart(): void {
    for (const cpu of this.#open.keys()) this.#finish(cpu);
    this.#newest.clear();
    this.#dropped = false;
    this.#findings.restarted();
  }

  #take({ kind, numbers, text }: DtraceRecord): void {
    const cpu = Number(numbers[0]);
    const number = Number(numbers[1]);
    if (kind === 'b') this.#stringBytes = Number(numbers[2]);
    else if (kind === 'c') this.#reach(cpu, number);
    else if (kind === 'x' || kind === 'f') this.#begin(cpu, number, numbers, kind === 'f', text);
    else this.#add(kind, cpu, number, numbers, text);
  }

  #begin(cpu: number, number: number, numbers: readonly string[], failed: boolean, name: Buffer): void {
    if (!this.#reach(cpu, number - 1)) return;
    this.#newest.set(cpu, number);
    this.counted++;
    this.#open.set(cpu, {
      number,
      numbers,
      failed,
      name: Buffer.from(name),
      path: undefined,
      info: undefined,
      args: [],
      cut: false,
    });
  }

  /** The exec with `number` has come or is missing. @returns false for an impossible number */
  #reach(cpu: number, number: number): boolean {
    const missing = number - (this.#newest.get(cpu) ?? 0);
    if (missing > MAX_NUMBER_JUMP) {
      this.unreadable++;
      return false;
    }
    this.#finish(cpu);
    this.#newest.set(cpu, number);
    // Numbers only rise, so the previous one was not valid. Continue from this one.
    if (missing < 0) this.unreadable++;
    if (missing <= 0) return true;
    this.counted += missing;
    this.#miss(missing);
    return true;
  }

  #miss(count: number): void {
    this.missed += count;
    this.#findings.missing(count, this.#dropped ? 'ring_full' : 'unknown');
    this.#dropped = false;
  }

  #add(kind: DtraceRecord['kind'], cpu: number, number: number, numbers: readonly string[], text: Buffer): void {
    const open = this.#open.get(cpu);
    // Its first record was dropped: the hole in the numbers will show that.
    if (open === undefined || open.number !== number) return;
    if (kind === 'p') open.path = Buffer.from(text);
    else if (kind === 'i') open.info = numbers;
    else if (kind === 'e') this.#finish(cpu);
    else if (Number(numbers[2]) === open.args.length) {
      open.args.push(Buffer.from(text));
      if (text.length >= this.#stringBytes - 1) open.cut = true;
    }
  }

  #finish(cpu: number): void {
    const open = this.#open.get(cpu);
    if (open === undefined) return;
    this.#open.delete(cpu);
    if (!open.failed) this.limit = open.info === undefined ? 'arguments cannot be read' : undefined;
    const seen = processOf(open);
    if (seen !== undefined) this.#findings.process(seen);
    else {
      this.unreadable++;
      this.#miss(1);
    }
  }
}
