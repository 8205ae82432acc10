/** The memory of both programs at one moment, in bytes (PSS). */
export interface MemorySample {
  /** Since the load began. */
  readonly seconds: number;
  readonly helper: number;
  /** Ring and backlog, which are part of the helper's. */
  readonly buffers: number;
  readonly agent: number;
}

/** One run of both programs. */
export interface MemoryRun {
  /** Rules that the agent had. */
  readonly rules: number;
  /** Before the load, then every few seconds, and last after it. */
  readonly samples: readonly MemorySample[];
  /** Seconds of load. */
  readonly loadSeconds: number;
  /** Execs of the load. */
  readonly execs: number;
}

/** The load of all runs. */
export interface MemoryLoad {
  readonly rate: number;
  readonly images: number;
  readonly users: number;
}

/** The measurements of the memory bench; or why there are none. */
export type MemoryResult =
  { readonly load: MemoryLoad; readonly runs: readonly MemoryRun[] } | { readonly missing: string };

export const MEMORY_HEADING = '## Memory';

/** Seconds of load after which a row of the table is shown, beside the first and the last moment. */
const SHOWN_SECONDS = 90;

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
const number = (value: number): string => value.toLocaleString('en');

/** The section of docs/benchmarks.md. */
export function memorySection(result: MemoryResult): string {
  if ('missing' in result) return `${MEMORY_HEADING}\n\nNot measured: ${result.missing}\n`;
  const { load, runs } = result;
  const rows = runs.flatMap((run) =>
    shownOf(run).map(([moment, { helper, buffers, agent }]) => {
      const both = helper + agent;
      const what = run.rules === 0 ? 'no rules' : `${number(run.rules)} rules`;
      return `| ${what}, ${moment} | ${mebibytes(helper)} | ${mebibytes(agent)} | **${mebibytes(both)}** | ${mebibytes(buffers)} | ${mebibytes(both - buffers)} |`;
    }),
  );
  const peaks = runs.map(({ rules, samples }) => {
    const most = Math.max(...samples.map(({ helper, agent }) => helper + agent));
    return `${rules === 0 ? 'without rules' : 'with rules'} ${mebibytes(most)} MiB (${samples.length} looks)`;
  });
  const without = runs.some(({ rules }) => rules > 0) ? '' : '\nNot measured with rules: none are here.\n';
  return `${MEMORY_HEADING}

Memory of both built programs in MiB: PSS, which counts a page that several processes share in parts. The agent has one output, a file, and no rules or all of SigmaHQ's for Linux. The load is ${number(load.rate)} execs a second of ${number(load.images)} images, under ${number(load.users)} users, every
eighth the parent of the next seven, with command lines of up to 2 KiB, all different (\`test/fixtures/exec-crowd.c\`). \`npm run bench -- --only memory\` measures this alone.

| | helper | agent | both | of it ring and backlog | both without these |
|---|---|---|---|---|---|
${rows.join('\n')}

The most at any look: ${peaks.join('; ')}. Ring (8 MiB) and backlog (16 MiB) count as far as they have been used.
${without}`;
}

function shownOf({ samples, loadSeconds }: MemoryRun): [string, MemorySample][] {
  const [first, last] = [samples[0], samples.at(-1)];
  const between = samples.find(({ seconds }) => seconds >= SHOWN_SECONDS);
  return [
    ...(first === undefined ? [] : [['before the load', first] as [string, MemorySample]]),
    ...(between === undefined || loadSeconds <= SHOWN_SECONDS
      ? []
      : [[`after ${SHOWN_SECONDS} s of load`, between] as [string, MemorySample]]),
    ...(last === undefined ? [] : [[`after ${loadSeconds} s of load`, last] as [string, MemorySample]]),
  ];
}
