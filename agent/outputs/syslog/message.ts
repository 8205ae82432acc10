import { rulesIn, timeIn, typeIn } from '../../formats/line-fields.ts';
import type { Level } from '../../rules/parse/metadata.ts';

/** RFC 5424, section 6.2.1, table 2. */
const SEVERITY = { critical: 2, error: 3, warning: 4, notice: 5, informational: 6 } as const;

/** The severity of an alert by the level of its rule. */
const OF_LEVEL: Readonly<Record<Level, number>> = {
  critical: SEVERITY.critical,
  high: SEVERITY.error,
  medium: SEVERITY.warning,
  low: SEVERITY.notice,
  informational: SEVERITY.informational,
};

/** Stands for a field without a value: RFC 5424, section 6. */
const NIL = '-';

const MAX_HOST_LENGTH = 255;

/** No header has more bytes: priority and version, time, host, the program's name, MSGID, three fields of one byte. */
export const MAX_HEADER_BYTES = 7 + 28 + (MAX_HOST_LENGTH + 1) + 16 + 33 + 4;

/**
 * Headers of RFC 5424. The line that follows is MSG, without a byte order mark, which the RFC wants in front of UTF-8 but JSON
 * does not allow (RFC 8259, section 8.1).
 */
export class Headers {
  readonly #facility: number;
  readonly #host: string;

  /**
   * @param host the host's name; what a header cannot carry is replaced
   * @param facility its number
   */
  constructor(host: string, facility: number) {
    this.#facility = facility;
    // RFC 5424, section 6.2.4.
    this.#host = host.replaceAll(/[^\x21-\x7e]/gu, '?').slice(0, MAX_HOST_LENGTH) || NIL;
  }

  /** The header for an event, with the space at its end. @param line of JSON; a newline at its end does no harm */
  of(line: Buffer): Buffer {
    const type = typeIn(line);
    const priority = 8 * this.#facility + severityOf(line, type);
    const id = /^[\w.-]{1,32}$/u.test(type) ? type : NIL;
    const time = timestamp(timeIn(line));
    return Buffer.from(`<${priority}>1 ${time} ${this.#host} platform-probes ${NIL} ${id} ${NIL} `, 'latin1');
  }
}

function severityOf(line: Buffer, type: string): number {
  if (type === 'gap') return SEVERITY.warning;
  const levels = rulesIn(line)?.map((rule) => (rule as { level?: Level } | null)?.level) ?? [];
  return Math.min(...levels.map((level) => OF_LEVEL[level!] ?? SEVERITY.notice), SEVERITY.informational);
}

/** RFC 5424, section 6.2.3: at most six digits behind the second. */
function timestamp(time: string): string {
  const [, seconds, fraction = ''] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?\d*Z$/u.exec(time) ?? [];
  return seconds === undefined ? NIL : `${seconds}${fraction}Z`;
}
