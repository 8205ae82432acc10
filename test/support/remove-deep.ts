import { spawnSync } from 'node:child_process';

/** Removes a folder whose paths may be longer than a system call takes: rm goes down step by step. */
export function removeDeep(folder: string): void {
  spawnSync('rm', ['-rf', folder]);
}
