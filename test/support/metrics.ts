import { request } from 'node:http';
import { wholeLines } from './lines.ts';

/** One series of a scrape. */
export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** The answer at `metrics.listen`: `127.0.0.1:PORT`, `[::1]:PORT` or `unix:PATH`. */
export function ask(
  listen: string,
  path: string,
  method = 'GET',
  headers: Record<string, string> = {},
): Promise<Reply> {
  const at = listen.startsWith('unix:')
    ? { socketPath: listen.slice('unix:'.length) }
    : { host: listen.replace(/:\d+$/, '').replaceAll(/[[\]]/g, ''), port: Number(/\d+$/.exec(listen)![0]) };
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const asked = request({ ...at, path, method, headers, agent: false }, (response) => {
    let body = '';
    response.setEncoding('utf8').on('data', (text: string) => (body += text));
    response.once('error', reject);
    response.once('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
  });
  asked.once('error', reject).end();
  return promise;
}

/** The series that are served. */
export async function scrape(listen: string): Promise<Series[]> {
  const { status, body } = await ask(listen, '/metrics');
  if (status !== 200) throw new Error(`status ${status}: ${body}`);
  return parseMetrics(body);
}

const LINE = /^([a-z_][a-z0-9_]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\})? (\S+)$/;

/** Reads the text format as strictly as Prometheus does. @throws when something is not as it has to be */
export function parseMetrics(text: string): Series[] {
  const series: Series[] = [];
  const seen = new Set<string>();
  let family: string | undefined;
  let helped: string | undefined;
  for (const line of wholeLines(text)) {
    const [, kind, of] = /^# (HELP|TYPE) (\S+) \S/.exec(line) ?? [];
    if (kind === 'HELP') helped = of;
    else if (kind === 'TYPE') {
      if (of !== helped) throw new Error(`no HELP before: ${line}`);
      if (seen.has(`TYPE ${of}`)) throw new Error(`twice: ${line}`);
      seen.add(`TYPE ${of}`);
      family = of;
    } else {
      const [, name, labels = '', value] = LINE.exec(line) ?? [];
      if (name === undefined || name !== family) throw new Error(`no series of ${family}: ${line}`);
      const key = line.slice(0, line.lastIndexOf(' '));
      if (seen.has(key)) throw new Error(`twice: ${key}`);
      seen.add(key);
      series.push({ name, labels: parseLabels(labels), value: Number(value) });
    }
  }
  return series;
}

function parseLabels(text: string): Record<string, string> {
  const pairs = text.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g);
  return Object.fromEntries(
    [...pairs].map(([, name, value]) => [name!, value!.replaceAll(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c))]),
  );
}

/** The sum over the series of a name that have these labels. */
export function sumOf(series: readonly Series[], name: string, labels: Readonly<Record<string, string>> = {}): number {
  return series
    .filter((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0);
}

/** The losses of an output, as metrics say and as its own lines say. They have to be equal. */
export interface Account {
  /** By `probes_events_dropped_total` that is not intentional. */
  readonly counted: number;
  /** The sum of `count` over its gaps. */
  readonly told: number;
}

/**
 * Compares what metrics say an output lost with the gaps among the lines that it got since the agent started.
 * @param numbers how many numbers the helper has given that are for this agent, where they have to add up: lines and gaps, and what
 *   was left out on purpose, are then all of them
 */
export function accountOf(
  series: readonly Series[],
  output: string,
  lines: string,
  numbers?: number,
): Account & { numbers?: number } {
  const events = wholeLines(lines).map((line) => JSON.parse(line) as { type: string; seq?: number; count?: number });
  const told = events.filter(({ type }) => type === 'gap').reduce((sum, { count }) => sum + count!, 0);
  const name = 'probes_events_dropped_total';
  const counted = sumOf(series, name, { output, intentional: 'false' });
  if (numbers === undefined) return { counted, told };
  const onPurpose =
    sumOf(series, name, { output, intentional: 'true' }) + sumOf(series, name, { output: '', intentional: 'true' });
  const numbered = events.filter(({ type, seq }) => type !== 'gap' && seq !== undefined).length;
  return { counted, told, numbers: numbered + counted + onPurpose };
}
