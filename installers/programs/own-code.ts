import path from 'node:path';
import type { Plugin } from 'esbuild';

import { ROOT } from '../tools/root-folder.ts';

const OWN_FOLDERS = ['helper', 'agent', 'shared'];

/**
 * Tells the bundler that no module of ours does anything by being imported, but
 * for the entry. What a target does not use, another system's code above all, is
 * then left out whole.
 */
export const ownCodeHasNoSideEffects: Plugin = {
  name: 'own code has no side effects',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.?\// }, ({ path: specifier, resolveDir, kind }) => {
      const file = path.resolve(resolveDir, specifier);
      const folder = path.relative(ROOT, file).split(path.sep, 1)[0] ?? '';
      if (kind === 'entry-point' || !file.endsWith('.ts') || !OWN_FOLDERS.includes(folder)) return undefined;
      return { path: file, sideEffects: false };
    });
  },
};
