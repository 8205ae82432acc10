import type { Item } from '../../events/item.ts';
import type { Format, FormatContext } from '../../formats/format.ts';
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

const OPENING_BRACE = 0x7b;
const QUOTE = 0x22;
const TYPE = Buffer.from('"type":"');
const TIME = Buffer.from('"time":"');

/** Stands for a field without a value: RFC 5424, section 6. */
const NIL = '-';

/**
 * Messages of RFC 5424: a header, then the line of another format as MSG. Without a byte order mark, which the RFC wants in
 * front of UTF-8 but JSON does not allow (RFC 8259, section 8.1).
 */
export class SyslogMessages implements Format {
  readonly #json: Format;
  readonly #facility: number;
  readonly #host: string;

  /**
   * @param json makes the part behind the header, a JSON object
   * @param host the host's name; what a header cannot carry is replaced
   * @param facility its number
   */
  constructor(json: Format, host: string, facility: number) {
    this.#json = json;
    this.#facility = facility;
    // RFC 5424, section 6.2.4. No brace, so that the first one of a message begins its JSON.
    this.#host = host.replaceAll(/[^\x21-\x7a]/gu, '?').slice(0, 255) || NIL;
  }

  encode(item: Item, context: FormatContext): readonly Uint8Array[] {
    const json = this.#json.encode(item, context);
    return [this.#headerOf(item), ...(typeof json === 'string' ? [Buffer.from(json)] : json)];
  }

  #headerOf(item: Item): Buffer {
    const line = item.memory.subarray(item.start, item.end);
    const type = textField(line, TYPE, item, 'type');
    const priority = 8 * this.#facility + severityOf(item, type);
    const id = /^[\w.-]{1,32}$/u.test(type) ? type : NIL;
    const time = timestamp(textField(line, TIME, item, 'time'));
    return Buffer.from(`<${priority}>1 ${time} ${this.#host} platform-probes ${NIL} ${id} ${NIL} `, 'latin1');
  }
}

/** The JSON of a message, without its header. */
export function jsonOf(message: Buffer): Buffer {
  return message.subarray(Math.max(0, message.indexOf(OPENING_BRACE)));
}

function severityOf(item: Item, type: string): number {
  if (type === 'gap') return SEVERITY.warning;
  if (!item.isAlert) return SEVERITY.informational;
  const { rules } = item.event as { rules?: ReadonlyArray<{ level?: Level }> };
  return Math.min(...(rules ?? []).map(({ level }) => OF_LEVEL[level!] ?? SEVERITY.notice), SEVERITY.informational);
}

/**
 * A text of the event; empty where it has none. Not parsed when no brace is in front of it, so that it is a field of the event
 * itself; in a string, the quotes of `key` would have backslashes in front of them.
 */
function textField(line: Buffer, key: Buffer, item: Item, name: string): string {
  const at = line.indexOf(key);
  if (at === -1) return '';
  const brace = line.indexOf(OPENING_BRACE, 1);
  if (brace !== -1 && brace < at) {
    const value = (item.event as unknown as Record<string, unknown>)[name];
    return typeof value === 'string' ? value : '';
  }
  const from = at + key.length;
  return line.toString('latin1', from, line.indexOf(QUOTE, from));
}

/** RFC 5424, section 6.2.3: at most six digits behind the second. */
function timestamp(time: string): string {
  const [, seconds, fraction = ''] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?\d*Z$/u.exec(time) ?? [];
  return seconds === undefined ? NIL : `${seconds}${fraction}Z`;
}
