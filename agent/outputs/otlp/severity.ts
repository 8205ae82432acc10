import { topRule } from '../../formats/mapping/values.ts';
import type { Subject } from '../../formats/mapping/subject.ts';
import type { Level } from '../../rules/parse/metadata.ts';

/** Numbers of OpenTelemetry's logs data model, "Field: SeverityNumber". */
const INFO = 9;
const INFO2 = 10;
const WARN = 13;

/** The levels of rules by way of the severities of syslog (data model, appendix B), so that `syslog` and `otlp` agree. */
const OF_LEVEL: Readonly<Record<Level, number>> = {
  informational: INFO,
  low: INFO2,
  medium: WARN,
  high: 17,
  critical: 18,
};

export interface Severity {
  readonly number: number;
  /** The level of an alert; empty for all others. */
  readonly text: string;
}

export const INFORMATIONAL: Severity = { number: INFO, text: '' };

/** The severity of an event: of an alert by the highest level of its rules, of a gap WARN, of all others INFO. */
export function severityOf(subject: Subject): Severity {
  if (subject.kind === 'gap') return { number: WARN, text: '' };
  if (subject.kind !== 'alert') return INFORMATIONAL;
  const level = topRule(subject)?.level;
  return { number: OF_LEVEL[level as Level] ?? INFO2, text: level ?? '' };
}
