/** The measurements of the store bench; or why there are none. */
export type StoreResult = StoreFigures | { readonly missing: string };

export interface StoreFigures {
  readonly events: number;
  readonly partitions: number;
  /** Of a stored event, on disk; and of its line. */
  readonly bytes: number;
  readonly lineBytes: number;
  /** Writing as fast as it can. */
  readonly perSecond: number;
  /** Microseconds of processor time an event, all threads. */
  readonly micros: number;
  /** Of the machine in the 15 minutes before the end, and its processors. */
  readonly load: number;
  readonly processors: number;
  /** The longest that the main thread was held up, in milliseconds, at 10,000 events a second. */
  readonly heldUp: { readonly thread: number; readonly without: number };
  /** Milliseconds of each question: the store is opened for each. */
  readonly questions: ReadonlyArray<{ readonly title: string; readonly p50: number; readonly p99: number }>;
  /** DuckDB over a file of JSON lines. */
  readonly duckdb: { readonly megabytes: number; readonly seconds: number; readonly version: string };
}

export const STORE_HEADING = '## Store';

/** The section of docs/benchmarks.md. */
export function storeSection(result: StoreResult): string {
  if ('missing' in result) return `${STORE_HEADING}\n\nNot measured: ${result.missing}\n`;
  const { events, partitions, bytes, lineBytes, perSecond, micros, load, processors, heldUp, questions, duckdb } =
    result;
  const rows = questions.map(({ title, p50, p99 }) => `| ${title} | ${p50.toFixed(1)} ms | ${p99.toFixed(1)} ms |`);
  return `${STORE_HEADING}

[The store](query.md) with ${whole(events)} events in ${partitions} files. \`npm run bench -- --only store\` measures this alone.

| | |
|---|---|
| load of the machine over 15 minutes | ${load.toFixed(1)}, with ${processors} processors |
| events a second, as fast as it can | ${whole(perSecond)} |
| events of a CPU second | ${whole(1e6 / micros)} |
| processor time an event, all threads | ${micros.toFixed(1)} µs |
| disk an event | ${whole(bytes)} bytes, ${(bytes / lineBytes).toFixed(2)} times the line |
| longest pause of the agent's main thread at 10,000 events a second | ${heldUp.thread.toFixed(0)} ms; without the thread of the store ${heldUp.without.toFixed(0)} ms |

| question, with opening the store | median | p99 |
|---|---|---|
${rows.join('\n')}

DuckDB ${duckdb.version} read a file of ${whole(duckdb.megabytes)} MB with events as JSON lines in ${duckdb.seconds.toFixed(1)} s: ${whole(duckdb.megabytes / duckdb.seconds)} MB a second (count of events by \`exe\`; median of rounds).
`;
}

const whole = (value: number): string => Math.round(value).toLocaleString('en');
