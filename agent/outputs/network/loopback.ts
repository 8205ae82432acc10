import { isIP } from 'node:net';

/** Whether a host, with or without the brackets of IPv6, is this machine, so that nobody is in between. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'));
}
