import path from 'node:path';
import type { Plugin } from 'esbuild';

import { ROOT } from '../tools/root-folder.ts';

const OWN_FOLDERS = ['helper', 'agent', 'shared'];

/**
 * Tells the bundler that none of our modules does anything when it is imported, except the entry. So the bundler leaves
 * out whole modules that a target does not use, above all another system's code.
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
