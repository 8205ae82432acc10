import { isIP } from 'node:net';

/** Whether what is sent to this host stays on this machine. @param host a name or an address, with brackets or without */
export function isThisMachine(host: string): boolean {
  return (
    host === 'localhost' || host.replace(/^\[(.*)\]$/u, '$1') === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
  );
}
