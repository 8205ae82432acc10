import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

import { pinFolder } from '../../helper/linux/root/pins.ts';
import { isRunning } from '../../installers/tools/process-state.ts';
import { agentConfig as configOf, agentFilesIn } from './agent-config.ts';

/** Where a checkout's programs run from: the helper refuses files that others than root can write. */
const PARENT = '/var/lib/platform-probes';

/** The files of one `npm start`, named after its process id, so that several can run beside each other and a service. */
export interface Stage {
  /** Programs, probe and configuration. */
  readonly folder: string;
  readonly agentConfig: string;
  /** Made by the helper. */
  readonly socketFolder: string;
  readonly socket: string;
}

/** The paths of a stage. It makes nothing. */
export function stageOf(pid: number): Stage {
  const folder = path.join(PARENT, `checkout-${pid}`);
  const socketFolder = `/run/platform-probes-checkout-${pid}`;
  return {
    folder,
    agentConfig: path.join(folder, 'agent.yaml'),
    socketFolder,
    socket: path.join(socketFolder, 'events.sock'),
  };
}

/** Makes sure of the folder in which only root can make others. Takes root. */
export function ensureRootFolder(): string {
  mkdirSync(PARENT, { recursive: true, mode: 0o755 });
  const parent = lstatSync(PARENT);
  if (!parent.isDirectory() || parent.uid !== 0 || (parent.mode & 0o022) !== 0) {
    throw new Error(`${PARENT} is not a folder that only root can write to; remove it and start again`);
  }
  return PARENT;
}

/** Copies files to where only root can write, and writes the agent's configuration beside them. Takes root. @param listen where the agent serves a page */
export function setUpStage(
  { folder, agentConfig, socket }: Stage,
  files: readonly string[],
  agentFolder: string,
  listen?: string,
): void {
  ensureRootFolder();
  removeStale();
  // Closed to others until everything is in place.
  mkdirSync(folder, { mode: 0o700 });
  for (const file of files) {
    const copy = path.join(folder, path.basename(file));
    // Not copyFile, which gives the copy to the owner of the original.
    writeFileSync(copy, readFileSync(file), { flag: 'wx' });
    chmodSync(copy, path.extname(file) === '' ? 0o755 : 0o644);
  }
  writeFileSync(agentConfig, configOf(socket, agentFilesIn(agentFolder), listen));
  chmodSync(agentConfig, 0o644);
  chmodSync(folder, 0o755);
}

/** Removes a stage, and the socket and pins that the helper has no privilege left to remove. */
export function removeStage({ folder, socketFolder, socket }: Stage): void {
  for (const made of [folder, socketFolder, pinFolder(socket)]) rmSync(made, { recursive: true, force: true });
}

/** Removes the stages of starts that were killed outright, and ends programs that still run from there. */
function removeStale(): void {
  for (const name of readdirSync(PARENT)) {
    const pid = Number(/^checkout-(\d+)$/u.exec(name)?.[1]);
    if (Number.isNaN(pid) || isRunning(pid)) continue;
    const stage = stageOf(pid);
    for (const left of processesFrom(stage.folder)) process.kill(left, 'SIGTERM');
    removeStage(stage);
  }
}

/** Processes whose executable lies in a folder. */
function processesFrom(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/u.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/exe`).startsWith(`${folder}/`);
      } catch {
        // It has ended since, or is a thread of the kernel.
        return false;
      }
    });
}
