import test from 'ava';

import { bundle } from '../../installers/programs/bundle.ts';

/** Folders whose code is of one system alone. */
const OWN: Readonly<Record<string, readonly RegExp[]>> = {
  linux: [
    /^helper\/(?:linux|ebpf|privileges)\//,
    /^helper\/pipe\/unix\//,
    /^helper\/audit\/(?:kernel|process|pipe)\.ts$/,
    /^helper\/ffi\/libc\.ts$/,
  ],
  win32: [
    /^helper\/(?:windows|etw)\//,
    /^helper\/pipe\/windows\//,
    /^helper\/ffi\/windows\.ts$/,
    /^agent\/windows\//,
    /^shared\/windows\//,
  ],
};

for (const platform of ['linux', 'win32'] as const) {
  for (const entry of ['helper/main.ts', 'agent/main.ts']) {
    test(`${entry} for ${platform} holds no code of another system`, async (t) => {
      const { inputs } = await bundle({ entry }, platform);
      const foreign = Object.entries(OWN).flatMap(([system, patterns]) => (system === platform ? [] : patterns));
      t.deepEqual(
        inputs.filter((file) => foreign.some((pattern) => pattern.test(file))),
        [],
      );
      if (entry.startsWith('helper'))
        t.true(inputs.some((file) => OWN[platform]?.some((pattern) => pattern.test(file))));
    });
  }
}
