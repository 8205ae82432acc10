import { createHash } from 'node:crypto';
import { PayloadReader } from './etw/payload.ts';

const SERVICE_DOMAIN = 'NT SERVICE\\';

/** Converts a SID in memory to text. @throws {PayloadError} */
export const sidText = (bytes: Buffer): string => new PayloadReader(bytes).sid();

/**
 * The SID of a service of this name: S-1-5-80 and the SHA-1 of the name in capitals. It exists before the service does.
 */
export function serviceSid(name: string): string {
  const hash = createHash('sha1').update(Buffer.from(name.toUpperCase(), 'utf16le')).digest();
  return ['S-1-5-80', ...[0, 4, 8, 12, 16].map((at) => hash.readUInt32LE(at))].join('-');
}

/** The SID that a name itself contains; undefined for an account that Windows has to look up. */
export function sidOfName(name: string): string | undefined {
  if (/^S-1-\d+(?:-\d+){1,15}$/.test(name)) return name;
  return name.toUpperCase().startsWith(SERVICE_DOMAIN) ? serviceSid(name.slice(SERVICE_DOMAIN.length)) : undefined;
}
