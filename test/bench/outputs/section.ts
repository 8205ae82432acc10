/** The cost of one output. */
export interface OutputsFigures {
  readonly title: string;
  readonly spool: string;
  /** Microseconds of the agent's processor time an event: at 80,000 a second, and at 10,000. */
  readonly burst: number;
  readonly turns: number;
  /** The most memory that the process had, in MiB. */
  readonly memory: number;
  /** Milliseconds from exec to receiver; absent where it could not be measured. */
  readonly latency?: { readonly p50: number; readonly p99: number };
}

/** The measurements of the outputs bench; or why there are none. */
export type OutputsResult = { readonly figures: readonly OutputsFigures[] } | { readonly missing: string };

export const OUTPUTS_HEADING = '## Outputs';

/** The section of docs/benchmarks.md. */
export function outputsSection(result: OutputsResult): string {
  if ('missing' in result) return `${OUTPUTS_HEADING}\n\nNot measured: ${result.missing}\n`;
  const rows = result.figures.map(({ title, spool, burst, turns, memory, latency }) => {
    const without = result.figures.find((other) => other.title === title && other.spool === 'off');
    const more = spool === 'off' || without === undefined ? '' : ` (${(turns - without.turns).toFixed(1)} more)`;
    const times =
      latency === undefined ? 'not measured | ' : `${latency.p50.toFixed(1)} ms | ${latency.p99.toFixed(1)} ms`;
    return `| ${title} | ${spool} | ${Math.round(1e6 / burst).toLocaleString('en')} | ${burst.toFixed(1)} µs | ${turns.toFixed(1)} µs${more} | ${memory.toFixed(0)} MiB | ${times} |`;
  });
  return `${OUTPUTS_HEADING}

From the helper's socket to the receiver, in the built agent, with all of SigmaHQ's rules for Linux, redaction and the defaults of each output. \`npm run bench -- --only outputs\` measures this alone. Processor time is that of all the agent's
threads, user and system. The receivers are on the same machine, and are not counted. Medians of rounds in turns.

| output | spool (\`sync\`) | events of a CPU second | an event at 80,000 a second | at 10,000 a second | memory | exec to receiver, p50 | p99 |
|---|---|---|---|---|---|---|---|
${rows.join('\n')}

Times from exec to receiver are with \`batch.max_age: 0ms\`, programs started one by one. Up to 45 ms of them are the helper's own pace ([architecture.md](architecture.md#pacing)).
`;
}
