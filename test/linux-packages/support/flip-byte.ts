import { readFileSync, writeFileSync } from 'node:fs';

/** Changes one bit of a file, in its middle unless a place is given. */
export function flipByte(file: string, at?: number): void {
  const bytes = readFileSync(file);
  const place = at ?? Math.floor(bytes.length / 2);
  bytes[place] = (bytes[place] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}
