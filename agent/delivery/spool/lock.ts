import { constants } from 'node:fs';
import { open, readdir, rm, type FileHandle } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCode } from '../../errors.ts';
import { SpoolError } from './errors.ts';

const NAME = /^lock\.(\d{1,15})$/;

/** Agents that start at the same moment may each see the other and step back: they try again so often. */
const ATTEMPTS = 20;
const LONGEST_PAUSE_MS = 50;

/** Opens a file for one process alone, on macOS (O_EXLOCK) and on Windows (libuv's flag for a file that is not shared). */
const EXCLUSIVE: Partial<Record<NodeJS.Platform, number>> = { darwin: 0x20, win32: 0x1000_0000 };

export interface Lock {
  release(): Promise<void>;
}

/**
 * Keeps a second agent off a folder. Ends with the process, however that ends.
 * @throws {SpoolError} when another process has it
 */
export async function lockFolder(folder: string): Promise<Lock> {
  const exclusive = EXCLUSIVE[process.platform];
  return exclusive === undefined ? lockBySocket(folder) : lockByFile(join(folder, 'lock'), exclusive);
}

async function lockByFile(path: string, exclusive: number): Promise<Lock> {
  const { O_RDWR, O_CREAT, O_NONBLOCK = 0 } = constants;
  try {
    const file = await open(path, O_RDWR | O_CREAT | O_NONBLOCK | exclusive, 0o600);
    return { release: () => file.close() };
  } catch (error) {
    if (['EAGAIN', 'EWOULDBLOCK', 'EBUSY'].includes(systemCode(error) ?? '')) throw inUse(error);
    throw error;
  }
}

/**
 * Linux: Node.js has no flock. A socket that somebody listens on is one that lives; `bind` gives a name to one process only.
 * Names count up, so nobody has to remove the socket of a dead process to take its place, which two could do at once: the
 * highest number that lives has the lock. It is not an abstract socket, which any user of the machine could take.
 */
async function lockBySocket(folder: string): Promise<Lock> {
  const directory = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const numbers = await lockNumbers(folder);
      for (const number of numbers) if (await isAlive(directory, number)) throw inUse();
      const own = (numbers.at(-1) ?? 0) + 1;
      const server = await listen(directory, own);
      if (server !== undefined) {
        const others = (await lockNumbers(folder)).filter((number) => number !== own);
        const living = await Promise.all(others.map((number) => isAlive(directory, number)));
        if (others.every((number, i) => number < own && !living[i])) {
          for (const number of others) await rm(join(folder, `lock.${number}`), { force: true });
          return { release: () => close(server, directory) };
        }
        await new Promise((resolve) => void server.close(resolve));
      }
      await delay(Math.random() * LONGEST_PAUSE_MS);
    }
    throw inUse();
  } catch (error) {
    await directory.close();
    throw error;
  }
}

/** Whether a process holds the lock of a folder now. Changes nothing. */
export async function isLocked(folder: string): Promise<boolean> {
  const exclusive = EXCLUSIVE[process.platform];
  if (exclusive !== undefined) {
    try {
      const lock = await lockByFile(join(folder, 'lock'), exclusive);
      await lock.release();
      return false;
    } catch (error) {
      return error instanceof SpoolError;
    }
  }
  const directory = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    for (const number of await lockNumbers(folder)) if (await isAlive(directory, number)) return true;
    return false;
  } finally {
    await directory.close();
  }
}

function inUse(cause?: unknown): SpoolError {
  return new SpoolError('another agent uses it; two agents need two folders', { cause });
}

async function lockNumbers(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names.flatMap((name) => (NAME.test(name) ? Number(NAME.exec(name)![1]) : [])).sort((a, b) => a - b);
}

/** A path of a socket has room for 107 bytes; through the open folder it is always short enough. */
function pathOf(directory: FileHandle, number: number): string {
  return `/proc/self/fd/${directory.fd}/lock.${number}`;
}

function isAlive(directory: FileHandle, number: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(pathOf(directory, number));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    // Not allowed, or a backlog that is full, is no sign of death.
    socket.once('error', (error) => resolve(!['ECONNREFUSED', 'ENOENT'].includes(systemCode(error) ?? '')));
  });
}

/** @returns undefined when another process was faster */
function listen(directory: FileHandle, number: number): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy()).unref();
  return new Promise((resolve, reject) => {
    server.once('error', (error) => (systemCode(error) === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(pathOf(directory, number), () => resolve(server));
  });
}

async function close(server: Server, directory: FileHandle): Promise<void> {
  await new Promise((resolve) => void server.close(resolve));
  await directory.close();
}
