import path from 'node:path';
import { isSea } from 'node:sea';
import type koffiDefault from 'koffi';

type Koffi = typeof koffiDefault;

let loaded: Koffi | undefined;

/** The FFI library, from beside the executable and nowhere else. The agent uses it on Windows alone. */
export function loadFfi(): Koffi {
  if (loaded !== undefined) return loaded;
  const addon = isSea()
    ? path.join(path.dirname(process.execPath), 'koffi.node')
    : path.resolve(
        import.meta.dirname,
        `../../node_modules/@koromix/koffi-win32-${process.arch}/win32_${process.arch}/koffi.node`,
      );
  const module = { exports: {} };
  process.dlopen(module, addon);
  loaded = module.exports as Koffi;
  return loaded;
}
