import path from 'node:path';

/** The checkout's top folder. */
export const ROOT = path.resolve(import.meta.dirname, '../..');

/** A path below the checkout's top folder. */
export function inCheckout(...parts: readonly string[]): string {
  return path.join(ROOT, ...parts);
}
