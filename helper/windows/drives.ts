import { wideText, type Windows } from './functions.ts';
import type { DriveLookup } from './device-paths.ts';

const LETTERS = Array.from({ length: 26 }, (_, i) => `${String.fromCharCode(65 + i)}:`);
const MAX_PATH = 1024;

/** The current drives, each with its device. */
export const driveLookup =
  (windows: Windows): DriveLookup =>
  () =>
    LETTERS.flatMap((drive) => {
      const target = Buffer.alloc(2 * MAX_PATH);
      return windows.QueryDosDeviceW(drive, target, MAX_PATH) === 0 ? [] : [[drive, wideText(target)] as const];
    });

export function systemRoot(windows: Windows): string {
  const folder = Buffer.alloc(2 * MAX_PATH);
  windows.GetWindowsDirectoryW(folder, MAX_PATH);
  return wideText(folder);
}
