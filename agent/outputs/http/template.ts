/** The meaning of `{NAME}` in an address or a header. */
export interface Values {
  /** Names what is sent: boot, stream, first and last number, CRC-32 of the lines. The same again when it is sent again. */
  readonly batch: string;
  readonly host_id: string;
  readonly host: string;
  readonly boot_id: string;
  readonly stream: string;
}

const NAMES: ReadonlyArray<keyof Values> = ['batch', 'host_id', 'host', 'boot_id', 'stream'];
const PLACEHOLDER = /\{([A-Za-z_]+)\}/gu;

/** The placeholders that a text has and that do not exist. */
export function unknownPlaceholders(text: string): string[] {
  return [...text.matchAll(PLACEHOLDER)].map((match) => match[1]!).filter((name) => !NAMES.includes(name as never));
}

/** @param encode what makes a value fit the place */
export function fill(text: string, values: Values, encode: (value: string) => string): string {
  return text.replaceAll(PLACEHOLDER, (_, name: keyof Values) => encode(values[name]));
}

export const PLACEHOLDERS = NAMES.map((name) => `{${name}}`).join(', ');
