import { HelperError } from '../errors.ts';

/** In front of the program's path in argv[0] when it has begun again: still that path, but nobody else spells it so. */
const BEGUN_AGAIN = '//';

/**
 * Begins again without any environment variable, where there are some: variables name libraries
 * (LD_LIBRARY_PATH, LD_PRELOAD, DYLD_INSERT_LIBRARIES), files that Node.js reads or writes
 * (NODE_COMPILE_CACHE, NODE_V8_COVERAGE), and more with every version of what lies below us. The loader
 * reads them once, as a program starts, so only a new program is free of them. To be called
 * before anything is loaded. Then it returns; or it does not return, and the next program gets here.
 * @param command that starts this helper again, its paths checked
 */
export function leaveEnvironment([program, ...leading]: readonly [string, ...string[]]): void {
  // What is there now was put there by the system's own libraries: the second start was given nothing.
  if (process.argv0.startsWith(BEGUN_AGAIN) || Object.keys(process.env).length === 0) return;
  // Not everywhere (Windows); where it is missing nobody calls this.
  if (process.execve === undefined) throw new HelperError('HELPER_UNSUPPORTED', 'this Node.js cannot begin again');
  process.execve(program, [`/${program}`, ...leading, ...process.argv.slice(2)], {});
}
