import type { Address } from './link.ts';

/** A name, an IPv4 address, or an IPv6 address in brackets; then a port. */
const ADDRESS = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252}))):(\d{1,5})$/u;

/** The broker that a text names, as HOST:PORT; undefined where it names none. */
export function addressIn(text: string): Address | undefined {
  const [, inBrackets, name, port] = ADDRESS.exec(text) ?? [];
  const host = inBrackets ?? name;
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) return undefined;
  return { host, port: Number(port) };
}
