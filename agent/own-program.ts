import { isSea } from 'node:sea';

/** This program as a command line, to run it again with other arguments. */
export function ownProgram(): readonly [string, ...string[]] {
  // An executable has its options of Node.js inside, and takes none from outside.
  return isSea() ? [process.execPath] : [process.execPath, ...process.execArgv, process.argv[1]!];
}
