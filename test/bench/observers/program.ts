import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';

/** A program of others that the bench runs where the machine has it, and does not install. */
export interface Peer {
  /** As it is called on PATH. */
  readonly name: string;
  /** The environment variable that names its file where PATH has none, or another one. */
  readonly variable: string;
  /** How to get it, for the reader of the report. */
  readonly how: string;
}

/** Those sbin folders that PATH of a service or of cron may lack. */
const FURTHER_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** The file of a peer: what its variable names, else the first one on PATH. Undefined where neither is an executable file. */
export function findPeer({ name, variable }: Peer, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = env[variable];
  if (named !== undefined && named !== '') return isProgram(path.resolve(named)) ? path.resolve(named) : undefined;
  return [...(env['PATH'] ?? '').split(path.delimiter), ...FURTHER_FOLDERS]
    .filter((folder) => path.isAbsolute(folder))
    .map((folder) => path.join(folder, name))
    .find(isProgram);
}

/** Why a peer cannot be measured: it is not there. Says how to get it. Undefined where it is there. */
export function missingPeer(peer: Peer, env: NodeJS.ProcessEnv = process.env): string | undefined {
  if (findPeer(peer, env) !== undefined) return undefined;
  const named = env[peer.variable];
  return named === undefined || named === ''
    ? `not on this machine. ${peer.how} Then put ${peer.name} on PATH, or name its file in ${peer.variable}`
    : `${peer.variable} names ${named}, which is not an executable file`;
}

/** The first line that a program prints about its version; undefined when it does not. */
export function versionOfProgram(file: string, option: string): string | undefined {
  const { stdout, error } = spawnSync(file, [option], { encoding: 'utf8', timeout: 10_000 });
  return error === undefined
    ? stdout
        .split('\n')
        .find((line) => line.trim() !== '')
        ?.trim()
    : undefined;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
