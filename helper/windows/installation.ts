import path from 'node:path';
import { isSea } from 'node:sea';

/** Where this helper's own parts lie. */
export interface WindowsInstallation {
  readonly folder: string;
  /** Every file that decides what runs. */
  readonly files: readonly string[];
  /** The FFI addon. */
  readonly addon: string;
}

/** Finds them beside the executable; from source, in the checkout. Touches nothing. */
export function locateWindowsInstallation(): WindowsInstallation {
  if (isSea()) {
    const folder = path.dirname(process.execPath);
    const addon = path.join(folder, 'koffi.node');
    return { folder, files: [process.execPath, addon], addon };
  }
  const folder = path.dirname(path.dirname(path.resolve(process.argv[1] ?? '')));
  const addon = path.join(
    folder,
    'node_modules',
    '@koromix',
    `koffi-win32-${process.arch}`,
    `win32_${process.arch}`,
    'koffi.node',
  );
  return { folder, files: [process.execPath, addon], addon };
}
