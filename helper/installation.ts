import { readdirSync } from 'node:fs';
import path from 'node:path';
import { isSea } from 'node:sea';

/** Where this helper's own parts lie. */
export interface Installation {
  /** All of it lies in here. */
  readonly folder: string;
  /** Every file that decides what runs as root. */
  readonly files: readonly string[];
  /** The FFI addon. */
  readonly addon: string;
  /** What traces: the compiled probe, or the script of dtrace. */
  readonly probe: string;
  /** The command that starts this same helper again: program, then its leading arguments. */
  readonly command: readonly [string, ...string[]];
}

/** As in the built helper, but --jitless: Node.js reads TypeScript by WebAssembly, which needs the compiler. */
const SOURCE_FLAGS = ['--disable-sigusr1', '--openssl-config=/dev/null'];

/** Where each system's probe lies in a checkout. */
const PROBES = { linux: 'bpf/exec.bpf.o', darwin: 'dtrace/exec.d' } as const;

/**
 * Finds them: beside the executable when built, in the checkout when run from source. Touches nothing.
 * @param system whose probe it is
 */
export function locateInstallation(system: keyof typeof PROBES): Installation {
  const probe = PROBES[system];
  return isSea() ? built(process.execPath, path.basename(probe)) : checkout(probe);
}

/**
 * The same installation by the real paths of its files, each looked at.
 * @param requireTrusted gives the real path of a file that root alone can have changed, or throws
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
