import type { Part } from '../network/parts.ts';

const OPENING = 0x5b;
const CLOSING = 0x5d;
const COMMA = 0x2c;

/** The lines as one JSON array: each newline becomes a comma, the last one the closing bracket. */
export function arrayOf({ lines, records, endOf }: Part): Buffer {
  const data = Buffer.allocUnsafe(lines.length + 1);
  data[0] = OPENING;
  lines.copy(data, 1);
  for (let i = 0; i < records; i++) data[endOf(i)] = i === records - 1 ? CLOSING : COMMA;
  return data;
}
