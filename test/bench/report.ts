import type { Machine } from './machine.ts';
import type { Pair } from './measure.ts';
import type { Measured } from './part.ts';
import { median, quartiles, sum, type Quartiles } from './statistics.ts';
import type { Idle, Latency, Million, Peak } from './sustained.ts';

export interface Participant {
  readonly id: string;
  readonly title: string;
  readonly command: string;
  readonly version: string;
  readonly own: boolean;
  /** Why it was not measured. */
  readonly missing?: string;
}

export interface Results {
  readonly date: string;
  readonly commit: string;
  readonly machine: Machine;
  readonly options: { readonly rounds: number; readonly execs: number; readonly arguments: string };
  /** `isPaced`: programs were started at a fixed rate, with waits between them. */
  readonly shapes: readonly { readonly id: string; readonly title: string; readonly isPaced?: boolean }[];
  readonly participants: readonly Participant[];
  readonly pairs: readonly Pair[];
  readonly peaks: Readonly<Record<string, Peak>>;
  readonly latency?: { readonly trickle: Latency; readonly storm: Latency };
  readonly idle?: Idle;
  readonly million?: Million;
  /** By the part's id, only those that were measured and did not fail. */
  readonly parts: Readonly<Record<string, Measured>>;
  /** The parts that did not work, and why. */
  readonly failures: readonly string[];
  readonly slept: boolean;
}

/** All rounds of one participant with one shape. */
export interface Row {
  readonly participant: Participant;
  readonly rounds: number;
  readonly execs: number;
  /** Microseconds. */
  readonly bare: Quartiles;
  readonly added: Quartiles;
  readonly ratio: Quartiles;
  readonly addedCpu: Quartiles;
  /** Microseconds an event, of all its processes. */
  readonly cpu: Quartiles;
  readonly cpuOf: Readonly<Record<string, number>>;
  readonly kernelCpu: number;
  /** MiB. */
  readonly settled: number;
  readonly settledOf: Readonly<Record<string, number>>;
  readonly peak: number | undefined;
  readonly told: number;
  readonly lost: number;
  readonly reported: number;
  readonly bareLines: number;
  readonly cut: number;
  readonly doubled: number;
}

export function rowsOf(results: Results, shape: string): Row[] {
  return results.participants.flatMap((participant) => {
    const pairs = results.pairs.filter((pair) => pair.observer === participant.id && pair.shape === shape);
    if (pairs.length === 0) return [];
    const counted = (pick: (pair: Pair) => number): number => sum(pairs.map(pick));
    const peak = results.peaks[participant.id];
    const row: Row = {
      participant,
      rounds: pairs.length,
      execs: counted((pair) => pair.execs),
      bare: quartiles(pairs.map(({ bare }) => bare / 1000)),
      added: quartiles(pairs.map(({ bare, watched }) => (watched - bare) / 1000)),
      ratio: quartiles(pairs.map(({ bare, watched }) => watched / bare)),
      addedCpu: quartiles(pairs.map(({ bareCpu, watchedCpu }) => (watchedCpu - bareCpu) / 1000)),
      cpu: quartiles(pairs.map(({ cpu }) => sum(Object.values(cpu)) / 1000)),
      cpuOf: medians(
        pairs.map(({ cpu }) => cpu),
        1000,
      ),
      kernelCpu: median(pairs.map(({ kernelCpu }) => sum(Object.values(kernelCpu)) / 1000)),
      settled: median(pairs.map(({ pss }) => sum(Object.values(pss)) / 2 ** 20)),
      settledOf: medians(
        pairs.map(({ pss }) => pss),
        2 ** 20,
      ),
      peak: peak && sum(Object.values(peak)) / 2 ** 20,
      told: counted(({ delivery }) => delivery.told),
      lost: counted(({ delivery }) => delivery.lost),
      reported: counted(({ delivery }) => delivery.reported),
      bareLines: counted(({ delivery }) => delivery.bare),
      cut: counted(({ delivery }) => delivery.cut),
      doubled: counted(({ delivery }) => delivery.doubled),
    };
    return [row];
  });
}

function medians(samples: readonly Readonly<Record<string, number>>[], unit: number): Record<string, number> {
  const names = Object.keys(samples[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, median(samples.map((sample) => (sample[name] ?? 0) / unit))]));
}

const COLUMNS = [
  '',
  'added µs an exec',
  'times bare',
  'added CPU of the exec, µs',
  'observer’s CPU, µs an event',
  'memory MiB (peak)',
  'lost',
  'arguments missing or cut',
];

export function cells(row: Row): string[] {
  const parts = (values: Readonly<Record<string, number>>): string =>
    Object.keys(values).length > 1
      ? ` = ${Object.entries(values)
          .map(([name, value]) => `${name} ${value.toFixed(1)}`)
          .join(' + ')}`
      : '';
  const kernel = row.kernelCpu > 0.05 ? `, and ${row.kernelCpu.toFixed(1)} in the kernel` : '';
  return [
    row.participant.title,
    spread(row.added, 0),
    spread(row.ratio, 2),
    spread(row.addedCpu, 1),
    `${spread(row.cpu, 1)}${parts(row.cpuOf)}${kernel}`,
    `${row.settled.toFixed(1)}${row.peak === undefined ? '' : ` (${row.peak.toFixed(1)})`}${parts(row.settledOf)}`,
    share(row.lost, row.execs) +
      (row.lost > 0 && row.reported > 0 ? `, ${row.reported} reported` : '') +
      (row.doubled > 0 ? `, ${row.doubled} twice` : ''),
    share(row.cut + row.bareLines, row.execs),
  ];
}

const spread = ({ q1, median: middle, q3 }: Quartiles, digits: number): string =>
  `${middle.toFixed(digits)} (${q1.toFixed(digits)}…${q3.toFixed(digits)})`;

function share(part: number, whole: number): string {
  if (part === 0) return '0';
  const percent = (part / whole) * 100;
  return `${part} (${percent >= 99.95 ? '100' : percent >= 0.1 ? percent.toFixed(1) : '< 0.1'} %)`;
}

export function bareLine(rows: readonly Row[]): string {
  const bare = rows.map((row) => row.bare);
  const [first] = rows;
  if (first === undefined) return '';
  return `Nothing attached: ${median(bare.map((each) => each.median)).toFixed(0)} µs an exec (${Math.min(...bare.map((each) => each.q1)).toFixed(0)}…${Math.max(...bare.map((each) => each.q3)).toFixed(0)}). ${first.rounds} rounds of ${first.execs / first.rounds} execs.`;
}

/** How the own sensor compares with the best of the others: worked out, not claimed. */
export function comparisons(results: Results): string[] {
  return results.shapes.flatMap(({ id, title, isPaced = false }) => {
    const rows = rowsOf(results, id);
    const own = rows.find(({ participant }) => participant.id === 'ours');
    const peers = rows.filter(({ participant }) => !participant.own);
    // One that leaves out the arguments of many, or whole execs, has not done the same work.
    const telling = peers.filter(({ told, execs, bareLines, lost }) => bareLines * 100 < told && lost * 2 < execs);
    if (own === undefined || telling.length === 0) return [];
    const against = (what: string, pick: (row: Row) => Quartiles): string => {
      const best = telling.toSorted((a, b) => pick(a).median - pick(b).median)[0];
      if (best === undefined) return '';
      const [ownValue, other] = [pick(own), pick(best)];
      const flaws = [
        best.lost > 0 ? `lost ${share(best.lost, best.execs)}` : '',
        best.cut > 0 ? `cut ${share(best.cut, best.execs)}` : '',
      ].filter((flaw) => flaw !== '');
      const overlap = ownValue.q1 <= other.q3 && other.q1 <= ownValue.q3 ? ', but the quartiles overlap' : '';
      const ratio = (ownValue.median / other.median).toFixed(2);
      const relation =
        other.median <= 0
          ? 'beside'
          : ownValue.median < other.median
            ? `**${Math.max(0, Number(ratio)).toFixed(2)} of**`
            : `**not below, ${ratio} times**`;
      return `${what} ${ownValue.median.toFixed(1)} µs, ${relation} the best other’s ${other.median.toFixed(1)} µs (${best.participant.title}${flaws.length > 0 ? `, which ${flaws.join(' and ')}` : ''})${overlap}`;
    };
    const observer = against('processor time of the observer', (row) => row.cpu);
    const added = against('added time', (row) => row.added);
    // At a pace the processors rest in between, and how fast they wake decides about the time of an exec.
    if (isPaced) return [`${title}: ${observer}; ${added}.`];
    return [`${title}: ${added}; ${against('added processor time', (row) => row.addedCpu)}; ${observer}.`];
  });
}

/** Lines of `name: value` about the own sensor beyond the storms. */
export function ownFigures({ latency, idle, million }: Results): [string, string][] {
  const figures: [string, string][] = [];
  const delay = ({ events, p50, p99, max }: Latency): string =>
    `median ${p50.toFixed(1)} ms, 99 % within ${p99.toFixed(1)} ms, longest ${max.toFixed(1)} ms (${events} execs)`;
  const parts = (values: Readonly<Record<string, number>>, digits: number): string =>
    Object.entries(values)
      .map(([name, value]) => `${name} ${value.toFixed(digits)}`)
      .join(', ');
  const inMiB = (values: Readonly<Record<string, number>> = {}): Record<string, number> =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value / 2 ** 20]));
  if (latency !== undefined) {
    figures.push(['from exec to file, programs started one by one at random moments', delay(latency.trickle)]);
    figures.push(['from exec to file, during the storm', delay(latency.storm)]);
  }
  if (idle !== undefined) {
    figures.push([
      `processor time of an idle machine, percent of one processor over ${idle.seconds} s`,
      `${parts(idle.percent, 3)}, together ${sum(Object.values(idle.percent)).toFixed(2)} % (${idle.bytes} bytes of events were written meanwhile)`,
    ]);
  }
  if (million !== undefined) {
    const { memory, delivery } = million;
    const most = Object.fromEntries(
      Object.keys(memory[0] ?? {}).map((name) => [name, Math.max(...memory.map((sample) => sample[name] ?? 0))]),
    );
    figures.push([
      `${million.execs} execs by two workers at full speed`,
      `${million.seconds.toFixed(0)} s; ${delivery.lost} lost, ${delivery.cut} cut, ${delivery.doubled} twice; ${(million.cpu / 1000).toFixed(1)} µs of processor time an event`,
    ]);
    figures.push([
      'memory meanwhile in MiB (PSS without ring and backlog)',
      `before: ${parts(inMiB(memory[0]), 1)}; after: ${parts(inMiB(memory.at(-1)), 1)}; most: ${parts(inMiB(most), 1)}`,
    ]);
  }
  return figures;
}

export function terminal(results: Results): string {
  const blocks = results.shapes.map(({ id, title }) => {
    const rows = rowsOf(results, id);
    return rows.length === 0 ? '' : `${title}\n${bareLine(rows)}\n${table([COLUMNS, ...rows.map(cells)])}\n`;
  });
  const missing = results.participants
    .filter((each) => each.missing !== undefined)
    .map(({ title, missing: reason }) => `not there: ${title}: ${reason}`);
  return [
    ...blocks,
    ...missing,
    ...results.failures.map((failure) => `failed: ${failure}`),
    '',
    ...comparisons(results).map((line) => line.replaceAll('**', '')),
    '',
    ...ownFigures(results).map(([name, value]) => `${name}: ${value}`),
    '',
  ].join('\n');
}

function table(lines: readonly (readonly string[])[]): string {
  const widths = COLUMNS.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export const HEADINGS = COLUMNS;
