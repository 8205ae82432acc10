import test from 'ava';

import { bundle } from '../../installers/programs/bundle.ts';

/** Folders whose code is of some systems alone, and of which. */
const OWN: readonly { readonly of: RegExp; readonly systems: readonly NodeJS.Platform[] }[] = [
  { of: /^helper\/linux\//, systems: ['linux'] },
  { of: /^helper\/macos\//, systems: ['darwin'] },
  { of: /^helper\/unix\//, systems: ['linux', 'darwin'] },
  { of: /^(?:helper|agent|shared)\/(?:.*\/)?windows\b/, systems: ['win32'] },
];

for (const platform of ['linux', 'darwin', 'win32'] as const) {
  for (const entry of ['helper/main.ts', 'agent/main.ts']) {
    test(`${entry} for ${platform} holds no code of another system`, async (t) => {
      const { inputs } = await bundle({ entry }, platform);
      const own = OWN.filter(({ systems }) => systems.includes(platform));
      const foreign = OWN.filter((folder) => !own.includes(folder));
      t.deepEqual(
        inputs.filter((file) => foreign.some(({ of }) => of.test(file))),
        [],
      );
      if (entry.startsWith('helper'))
        for (const { of } of own)
          t.true(
            inputs.some((file) => of.test(file)),
            String(of),
          );
    });
  }
}
