/** The cost of one list of facts. */
export interface FactsFigures {
  /** The list, as `enrich` has it. */
  readonly enrich: string;
  /** Microseconds of the agent's processor time an event: from the source's batch to the output's. */
  readonly micros: number;
  /** Bytes of a line. */
  readonly bytes: number;
}

/** The measurements of the facts bench; or why there are none. */
export type FactsResult = { readonly figures: readonly FactsFigures[] } | { readonly missing: string };

export const FACTS_HEADING = '## Facts';

/** The section of docs/benchmarks.md. */
export function factsSection(result: FactsResult): string {
  if ('missing' in result) return `${FACTS_HEADING}\n\nNot measured: ${result.missing}\n`;
  const none = result.figures[0]!;
  const rows = result.figures.map(
    ({ enrich, micros, bytes }) =>
      `| ${enrich} | ${micros.toFixed(2)} µs | ${Math.max(0, micros - none.micros).toFixed(2)} µs | ${Math.round(bytes).toLocaleString('en')} |`,
  );
  return `${FACTS_HEADING}

The cost of the facts that an output asks for with \`enrich\` ([enrichment.md](enrichment.md)): the agent's processor time for each event, from the batch of the source through detection, redaction and the log to the batch of one output in the native format. There are no filters and
no rules, so the first fact also pays for parsing the event. Hashes are of files that the hashing process knows; its own time is not in the figure. Medians of rounds in turns. \`npm run bench -- --only facts\` measures this alone.

| enrich | processor time an event | more than without | bytes a line |
|---|---|---|---|
${rows.join('\n')}
`;
}
