import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { hasCommand } from './system-packages.ts';

/** Whether there is a screen for a browser, and a user whose browser may run: browsers refuse to run as root. */
export function canOpenBrowser(env: NodeJS.ProcessEnv, uid = process.getuid?.()): boolean {
  const hasScreen = [env['DISPLAY'], env['WAYLAND_DISPLAY']].some((screen) => screen !== undefined && screen !== '');
  return uid !== 0 && hasScreen && hasCommand('xdg-open');
}

/**
 * Opens an address that is a secret in the user's browser. Every user of the machine can read the arguments of a process, and the sensor
 * records them. So the browser gets the name of a file, which leads on to the address and which only this user can read.
 * @param folder for that file, `page.html`; whoever made the folder removes it
 * @param env of the browser
 * @throws when there is such a file, or none can be written
 */
export function openInBrowser(url: URL, folder: string, env: NodeJS.ProcessEnv = process.env): void {
  const file = path.join(folder, 'page.html');
  writeFileSync(file, leadingTo(url.href), { mode: 0o600, flag: 'wx' });
  const opener = spawn('xdg-open', [file], { stdio: 'ignore', detached: true, env });
  // A browser that does not start is no loss: the address is on the terminal too.
  opener.on('error', () => undefined).unref();
}

function leadingTo(address: string): string {
  const text = address.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  return `<!doctype html><meta charset="utf-8"><title>Platform Probes</title><meta http-equiv="refresh" content="0; url=${text}">\n`;
}
