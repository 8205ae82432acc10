import { isIPv4, isIPv6 } from 'node:net';
import * as z from 'zod';
import { absolutePath, fitsSocket, MAX_SOCKET_PATH_BYTES } from '../values/paths.ts';

/** Where something is served over HTTP. */
export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

const UNIX = 'unix:';

/** The answer to anything that is no loopback address. */
export const EXPECTED_LOOPBACK = 'expected a loopback address with a port, such as 127.0.0.1:9464';

/** The answer to anything that is no address at all. */
export const EXPECTED_ADDRESS = `${EXPECTED_LOOPBACK}, or a Unix socket, such as unix:/run/platform-probes-agent/metrics.sock`;

/** Reads `127.0.0.1:9464`, `[::1]:9464` or `unix:/PATH`. @returns why it cannot be used, as text */
export function parseAddress(text: string, platform: NodeJS.Platform = process.platform): Address | string {
  if (text.startsWith(UNIX)) return parseUnix(text.slice(UNIX.length), platform);
  const address = parseLoopback(text);
  return address === EXPECTED_LOOPBACK ? EXPECTED_ADDRESS : address;
}

/** Reads `127.0.0.1:9464` or `[::1]:9464`. @returns why it cannot be used, as text */
export function parseLoopback(text: string): Address | string {
  const [, inBrackets, plain, digits] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  const host = inBrackets ?? plain;
  if (host === undefined) return EXPECTED_LOOPBACK;
  const port = Number(digits);
  if (port < 1 || port > 65_535) return 'expected a port from 1 to 65535';
  if (inBrackets !== undefined ? !isIPv6(host) : !isIPv4(host))
    return `expected an address in numbers before the port, 127.0.0.1 or [::1]: a name such as "${host}" can lead elsewhere`;
  if (!isLoopback(host))
    return `${host} can be reached from other machines, and this is for this machine alone; expected a loopback address: 127.0.0.1 or [::1]`;
  return { kind: 'tcp', host, port };
}

/** The address as it is configured. */
export function formatAddress(address: Address): string {
  if (address.kind === 'unix') return `${UNIX}${address.path}`;
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}

export const isLoopback = (host: string): boolean => (isIPv4(host) ? host.startsWith('127.') : host === '::1');

function parseUnix(path: string, platform: NodeJS.Platform): Address | string {
  if (platform === 'win32') return `${EXPECTED_LOOPBACK}: Unix sockets are not for Windows`;
  if (!absolutePath.safeParse(path).success) return 'expected an absolute path after "unix:"';
  if (!fitsSocket(path))
    return `expected a path of at most ${MAX_SOCKET_PATH_BYTES} bytes, which is what a Unix socket can have`;
  return { kind: 'unix', path };
}

/** A key of the configuration that is an address. @param expected what is said of anything that is not text */
export const addressKey = (parse: (text: string) => Address | string, expected: string) =>
  z.string({ error: expected }).transform((text, context) => {
    const address = parse(text);
    if (typeof address !== 'string') return address;
    context.issues.push({ code: 'custom', message: address, input: text });
    return z.NEVER;
  });
