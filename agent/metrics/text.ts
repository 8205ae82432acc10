import { MAX_LABEL_LENGTH } from './limits.ts';

/** Of a response in the text format of Prometheus. */
export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export type Labels = Readonly<Record<string, string>>;

/** One series: its labels and its value. A value of undefined is not known, and left out. */
export type Sample = readonly [labels: Labels, value: number | undefined];

/** All series of one name. */
export interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly samples: readonly Sample[];
}

/**
 * Families in the text format 0.0.4 of Prometheus (prometheus.io/docs/instrumenting/exposition_formats). One without a value is
 * left out. Values whose labels are the same, which a scrape may not have, are added up.
 */
export function formatFamilies(families: Iterable<Family>): string {
  let text = '';
  for (const { name, type, help, samples } of families) {
    const values = new Map<string, number>();
    for (const [labels, value] of samples) {
      if (value === undefined) continue;
      const key = formatLabels(labels);
      values.set(key, (values.get(key) ?? 0) + value);
    }
    if (values.size === 0) continue;
    text += `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`;
    for (const [key, value] of values) text += `${name}${key} ${formatValue(value)}\n`;
  }
  return text;
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeValue(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/** Cut before it is escaped: half an escape would break the line. */
function escapeValue(value: string): string {
  return value
    .slice(0, MAX_LABEL_LENGTH)
    .toWellFormed()
    .replaceAll('\\', '\\\\')
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`);
}

function formatValue(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
}
