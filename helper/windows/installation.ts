import path from 'node:path';
import { isSea } from 'node:sea';

/** The files of this helper. */
export interface WindowsInstallation {
  readonly folder: string;
  /** Every file that decides what runs. */
  readonly files: readonly string[];
  /** The FFI addon. */
  readonly addon: string;
}

/** Locates them: beside the executable, or in the checkout when run from source. Does not access them. */
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
