import { readdirSync } from 'node:fs';
import path from 'node:path';
import { isSea } from 'node:sea';

/** The files of this helper. */
export interface Installation {
  /** The folder that contains all of them. */
  readonly folder: string;
  /** Every file that decides what runs as root. */
  readonly files: readonly string[];
  /** The FFI addon. */
  readonly addon: string;
  /** The tracing program: the compiled probe, or the script of dtrace. */
  readonly probe: string;
  /** The command that starts this same helper again: program, then its leading arguments. */
  readonly command: readonly [string, ...string[]];
}

/**
 * The flags of the built helper, except --jitless: Node.js reads TypeScript by WebAssembly, which needs the compiler.
 */
const SOURCE_FLAGS = ['--disable-sigusr1', '--openssl-config=/dev/null'];

/** Where each system's probe lies in a checkout. */
const PROBES = { linux: 'bpf/exec.bpf.o', darwin: 'dtrace/exec.d' } as const;

/**
 * Locates the files: beside the executable when built, in the checkout when run from source. Does not access them.
 * @param system the system of the probe
 */
export function locateInstallation(system: keyof typeof PROBES): Installation {
  const probe = PROBES[system];
  return isSea() ? built(process.execPath, path.basename(probe)) : checkout(probe);
}

/**
 * The same installation, by the real paths of its files, after checking each.
 * @param requireTrusted returns the real path of a file, or throws unless root alone can have changed it
 */
export function trustedInstallation(found: Installation, requireTrusted: (file: string) => string): Installation {
  const real = new Map([found.folder, ...found.files].map((file) => [file, requireTrusted(file)]));
  const realOf = (file: string): string => real.get(file) ?? file;
  const [program, ...leading] = found.command;
  return {
    folder: realOf(found.folder),
    files: found.files.map(realOf),
    addon: realOf(found.addon),
    probe: realOf(found.probe),
    command: [realOf(program), ...leading.map(realOf)],
  };
}

function built(executable: string, probeName: string): Installation {
  const folder = path.dirname(executable);
  const addon = path.join(folder, 'koffi.node');
  const probe = path.join(folder, probeName);
  return { folder, files: [executable, addon, probe], addon, probe, command: [executable] };
}

function checkout(probeInCheckout: string): Installation {
  const entry = path.resolve(process.argv[1] ?? '');
  const root = path.dirname(path.dirname(entry));
  const system = `${process.platform}-${process.arch}`;
  const addon = path.join(root, 'node_modules', '@koromix', `koffi-${system}`, system.replace('-', '_'), 'koffi.node');
  const probe = path.join(root, probeInCheckout);
  const sources = ['helper', 'shared'].flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
      path.join(root, folder, file),
    ),
  );
  return {
    folder: root,
    files: [process.execPath, ...sources, addon, probe],
    addon,
    probe,
    command: [process.execPath, ...process.execArgv, ...SOURCE_FLAGS, entry],
  };
}
