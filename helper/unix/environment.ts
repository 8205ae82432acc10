import { HelperError } from '../errors.ts';

/**
 * Put before the program's path in argv[0] by a restart. It leads to the same file, and neither people nor scripts that
 * join paths (`$PREFIX/usr/…` with `/` as prefix) spell a path so.
 */
const BEGUN_AGAIN = '/././.';

/**
 * Restarts the helper without environment variables, if there are any. Variables name libraries (LD_LIBRARY_PATH,
 * LD_PRELOAD, DYLD_INSERT_LIBRARIES) and files that Node.js reads or writes (NODE_COMPILE_CACHE, NODE_V8_COVERAGE), and
 * new versions of the layers below us add more. The loader reads them once, as a program starts, so only a new program
 * is free of them. Call this before anything is loaded. It returns in a program without variables; otherwise it does
 * not return, and the new program calls it.
 * @param command that starts this helper again, its paths checked
 */
export function leaveEnvironment([program, ...leading]: readonly [string, ...string[]]): void {
  // Variables that exist now come from the system's own libraries: the second start got none.
  if (process.argv0.startsWith(BEGUN_AGAIN) || Object.keys(process.env).length === 0) return;
  // Missing on Windows, where nobody calls this.
  if (process.execve === undefined) throw new HelperError('HELPER_UNSUPPORTED', 'this Node.js cannot restart itself');
  process.execve(program, [`${BEGUN_AGAIN}${program}`, ...leading, ...process.argv.slice(2)], {});
}
