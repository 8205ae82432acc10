import type koffiDefault from 'koffi';

/** The FFI library's interface; its types only, its JavaScript is never loaded. */
export type Koffi = typeof koffiDefault;

/**
 * Loads the addon from exactly this path. The package's own loader would look in
 * a dozen places, some of which others may be able to write.
 */
export function loadKoffi(addon: string): Koffi {
  const module = { exports: {} };
  process.dlopen(module, addon);
  return module.exports as Koffi;
}
