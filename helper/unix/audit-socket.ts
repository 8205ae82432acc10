import { lstatSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { requireTrusted } from './trusted-files.ts';
import type { Finding, Section } from '../audit/report.ts';

const octal = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, '0');

/** The path of a socket without links, as the helper binds it; the same path if its folder is missing. */
export function realSocket(socket: string): string {
  try {
    return path.join(realpathSync(path.dirname(socket)), path.basename(socket));
  } catch {
    return path.resolve(socket);
  }
}

/**
 * Checks that a socket belongs to root and the group and only they can use it, in a folder that nobody else can write
 * to. `exists` says whether the path exists at all.
 */
export function auditSocket(
  socket: string,
  group: number,
): Pick<Section, 'facts' | 'findings'> & { readonly exists: boolean } {
  const findings: Finding[] = [];
  const file = lstatSync(socket, { throwIfNoEntry: false });
  if (file === undefined) {
    return {
      exists: false,
      facts: { socket },
      findings: [{ code: 'SOCKET_MISSING', message: `${socket} is gone: nobody can connect. Restart the helper.` }],
    };
  }
  const folder = statSync(path.dirname(socket));
  if (!file.isSocket() || file.uid !== 0 || file.gid !== group) {
    findings.push({
      code: 'SOCKET_OWNER',
      message: `${socket} should be a socket of root and group ${group}, but belongs to ${file.uid}:${file.gid}. Restart the helper.`,
    });
  }
  if ((file.mode & 0o7777 & ~0o660) !== 0) {
    findings.push({
      code: 'SOCKET_MODE',
      message: `${socket} has mode ${octal(file.mode)}, wider than 0660. Fix it: chmod 0660 ${socket}`,
    });
  }
  if ((folder.mode & 0o007) !== 0) {
    findings.push({
      code: 'FOLDER_MODE',
      message: `${path.dirname(socket)} has mode ${octal(folder.mode)}, wider than 0750. Fix it: chmod 0750 ${path.dirname(socket)}`,
    });
  }
  try {
    requireTrusted(path.dirname(socket));
  } catch (error) {
    findings.push({ code: 'FOLDER_UNSAFE', message: (error as Error).message.replace(/^HELPER_UNSAFE_FILE: /, '') });
  }
  return {
    exists: true,
    facts: { socket, mode: octal(file.mode), owner: `${file.uid}:${file.gid}`, folder_mode: octal(folder.mode) },
    findings,
  };
}
