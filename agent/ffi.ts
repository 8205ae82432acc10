import path from 'node:path';
import { isSea } from 'node:sea';
import type koffiDefault from 'koffi';
import { AgentError, reasonOf } from './errors.ts';
import { isWritableByOthers, trustedPath, UntrustedPathError } from './files/trusted-path.ts';

type Koffi = typeof koffiDefault;

const SYSTEM = `${process.platform}-${process.arch}`;

let loaded: Koffi | undefined;

/**
 * Loads the FFI library from beside the executable and nowhere else. On Windows it is used for the pipe, account names and the
 * service; elsewhere it identifies the server of the helper's socket.
 * @throws {AgentError} ADDON_UNSAFE when it is missing, or users other than root and the agent's could change it
 */
export function loadFfi(): Koffi {
  if (loaded !== undefined) return loaded;
  const file = isSea() ? installedAddon() : fromCheckout();
  const module = { exports: {} };
  try {
    process.dlopen(module, file);
  } catch (cause) {
    throw new AgentError('ADDON_UNSAFE', `${file} cannot be loaded: ${reasonOf(cause)}. Install the agent again.`, {
      cause,
    });
  }
  loaded = module.exports as Koffi;
  return loaded;
}

function installedAddon(): string {
  const file = path.join(path.dirname(process.execPath), 'koffi.node');
  return process.platform === 'win32' ? file : trustedAddon(file, process.geteuid!());
}

/** Not checked: a user who can change this file can also change the agent's own code beside it. */
function fromCheckout(): string {
  return path.resolve(
    import.meta.dirname,
    `../node_modules/@koromix/koffi-${SYSTEM}/${SYSTEM.replace('-', '_')}/koffi.node`,
  );
}

/**
 * Makes sure that only root and `user` can change a file before it is loaded.
 * @returns the path to load, without links
 * @throws {AgentError} ADDON_UNSAFE
 */
export function trustedAddon(file: string, user: number): string {
  try {
    const { path: checked, stats } = trustedPath(file, [0, user]);
    if (!stats.isFile()) throw new UntrustedPathError(`${checked} is not a regular file`);
    if (isWritableByOthers(stats)) throw new UntrustedPathError(`${checked} is writable by users other than its owner`);
    return checked;
  } catch (cause) {
    throw new AgentError(
      'ADDON_UNSAFE',
      `${reasonOf(cause)}. The agent loads ${path.basename(file)} as code, so only root and the agent's user may be able to change it. Install the agent again, or correct owner and mode.`,
      { cause },
    );
  }
}
