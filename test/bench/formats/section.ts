/** The cost of writing an event in one format. */
export interface FormatFigures {
  readonly format: string;
  /** Microseconds of processor time an event: its line made and copied into the batch. */
  readonly micros: number;
  /** Bytes that become garbage for each event. */
  readonly garbage: number;
  /** Bytes of a line. */
  readonly bytes: number;
}

/** The measurements of the formats bench; or why there are none. */
export type FormatsResult = { readonly figures: readonly FormatFigures[] } | { readonly missing: string };

export const FORMATS_HEADING = '## Formats';

/** The section of docs/benchmarks.md. */
export function formatsSection(result: FormatsResult): string {
  if ('missing' in result) return `${FORMATS_HEADING}\n\nNot measured: ${result.missing}\n`;
  const native = result.figures[0]!;
  const rows = result.figures.map(({ format, micros, garbage, bytes }) => {
    const length =
      bytes === 0 ? 'none' : `${Math.round(bytes).toLocaleString('en')} (${(bytes / native.bytes).toFixed(1)} times)`;
    return `| ${format} | ${micros.toFixed(2)} µs | ${Math.max(0, micros - native.micros).toFixed(2)} µs | ${Math.round(garbage).toLocaleString('en')} | ${length} |`;
  });
  return `${FORMATS_HEADING}

The cost of writing an event as one format of [formats.md](formats.md), from the line in the log to the line in the batch, in one thread. The lines are of usual programs. Medians of rounds in turns.
\`npm run bench -- --only formats\` measures this alone. "JSON.parse" is the cost of parsing the event, which \`ecs\` and \`ocsf\` have to do and native does not.

| format | processor time an event | more than native | garbage, bytes an event | bytes a line |
|---|---|---|---|---|
${rows.join('\n')}
`;
}
