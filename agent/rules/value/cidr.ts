/** An address block: `bits` leading bits of `address` count. 4 or 16 bytes. */
export interface Network {
  readonly address: readonly number[];
  readonly bits: number;
}

/**
 * Reads `10.0.0.0/8` or `fe80::/10`. An address alone is a block of one.
 * @returns a sentence part saying what is wrong, for the rule's author
 */
export function parseNetwork(text: string): Network | string {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return `"${text}" is not an IPv4 or IPv6 network`;
  const width = address.length * 8;
  const length = slash < 0 ? String(width) : text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(length) || Number(length) > width) return `the prefix length of "${text}" is not 0 to ${width}`;
  const bits = Number(length);
  const stray = address.findIndex((byte, i) => (byte & ~maskOf(bits, i)) !== 0);
  if (stray >= 0) return `"${text}" has bits set after its first ${bits}`;
  return { address, bits };
}

/** Whether an address of the event lies in the block. Text that is no address lies in none. */
export function inNetwork(network: Network, text: string): boolean {
  const address = parseAddress(withoutZone(text));
  if (address === undefined || address.length !== network.address.length) return false;
  return network.address.every((byte, i) => byte === (address[i]! & maskOf(network.bits, i)));
}

const maskOf = (bits: number, byte: number): number => (0xff00 >> Math.min(8, Math.max(0, bits - byte * 8))) & 0xff;

/** 4 bytes, 16 bytes, or undefined. */
function parseAddress(text: string): number[] | undefined {
  return text.includes(':') ? parseV6(text) : parseV4(text);
}

/** The zone of an IPv6 address (`%eth0`) says on which interface it is, not what it is. */
const withoutZone = (text: string): string => (text.includes(':') ? text.replace(/%.+$/s, '') : text);

function parseV4(text: string): number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const bytes = parts.map((part) => (/^(?:0|[1-9]\d{0,2})$/.test(part) ? Number(part) : 256));
  return bytes.every((b) => b < 256) ? bytes : undefined;
}

function parseV6(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  // Dots can only stand at the very end of an address.
  const [left, right] = halves.map((half, i) => groups(half, i === halves.length - 1));
  if (left === undefined) return undefined;
  if (halves.length === 1) return left.length === 16 ? left : undefined;
  if (right === undefined || left.length + right.length > 14) return undefined;
  return [...left, ...Array<number>(16 - left.length - right.length).fill(0), ...right];
}

function groups(text: string, mayEndInV4: boolean): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (part.includes('.')) {
      const v4 = mayEndInV4 && i === parts.length - 1 ? parseV4(part) : undefined;
      if (v4 === undefined) return undefined;
      bytes.push(...v4);
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(part)) return undefined;
      const value = Number.parseInt(part, 16);
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return bytes;
}
