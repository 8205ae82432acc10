import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** How the helper is run: the built program, or its source. */
export type Flavour = 'built' | 'source';

/**
 * Copies the helper to where it agrees to run: it refuses files that others than
 * root can write, and a checkout may lie anywhere. The folder belongs to the
 * caller, who removes it.
 * @returns the folder, and the command that runs the helper in it
 */
export function stageHelper(flavour: Flavour): { folder: string; command: [string, ...string[]] } {
  const folder = `/var/lib/platform-probes/test-${process.pid}-${flavour}`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const copy = (from: string, to: string): void =>
    cpSync(path.join(ROOT, from), path.join(folder, to), { recursive: true, dereference: true, mode: 0 });
  // Beside it the Node.js of the tests, for what they start under another user: a checkout may lie where only root can go.
  cpSync(process.execPath, path.join(folder, 'node'));
  if (flavour === 'built') {
    for (const file of ['probes-helper', 'koffi.node', 'exec.bpf.o']) {
      if (!existsSync(path.join(ROOT, 'dist', file))) throw new Error(`dist/${file} is missing: run npm run build`);
      copy(`dist/${file}`, file);
    }
    return { folder, command: [path.join(folder, 'probes-helper')] };
  }
  const addon = `node_modules/@koromix/koffi-linux-${process.arch}/linux_${process.arch}/koffi.node`;
  for (const file of ['helper', 'shared', 'package.json', 'bpf/exec.bpf.o', addon]) copy(file, file);
  return { folder, command: [path.join(folder, 'node'), path.join(folder, 'helper/main.ts')] };
}
