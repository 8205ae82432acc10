import {
  chmodSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { trustedAddon } from '../../agent/ffi.ts';
import { rootTest } from '../support/requirements.ts';

const ME = process.getuid!();

function withAddon(use: (file: string, folder: string, root: string) => void): void {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'probes-addon-')));
  const folder = join(root, 'bin');
  mkdirSync(folder, { mode: 0o755 });
  const file = join(folder, 'koffi.node');
  writeFileSync(file, 'addon', { mode: 0o644 });
  try {
    use(file, folder, root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

test("an addon that only root or the agent's own user can change is loaded, by its real path", (t) => {
  withAddon((file, folder, root) => {
    t.is(trustedAddon(file, ME), file);
    symlinkSync('bin', join(root, 'link'));
    t.is(trustedAddon(join(root, 'link/koffi.node'), ME), file);
    t.is(trustedAddon(join(folder, '../bin/koffi.node'), ME), file);
  });
});

for (const [what, spoil, message] of [
  ['is writable by others', (file: string) => chmodSync(file, 0o666), /is writable by users other than its owner/],
  ['is writable by its group', (file: string) => chmodSync(file, 0o664), /is writable by users other than its owner/],
  [
    'lies in a folder that others can write',
    (_: string, folder: string) => chmodSync(folder, 0o777),
    /others than its owner can write/,
  ],
  [
    'lies below a folder that others can write',
    (_: string, __: string, root: string) => chmodSync(root, 0o777),
    /others could replace/,
  ],
  ['is missing', (file: string) => rmSync(file), /ENOENT/],
  [
    'is a link',
    (file: string) => (renameSync(file, `${file}.real`), symlinkSync(`${file}.real`, file)),
    /is not a regular file/,
  ],
] as const)
  test(`an addon that ${what} is refused`, (t) => {
    withAddon((file, folder, root) => {
      spoil(file, folder, root);
      t.throws(() => trustedAddon(file, ME), { code: 'ADDON_UNSAFE', message });
    });
  });

rootTest("another user's addon, folder, or link to it is refused, whoever runs the agent", (t) => {
  const other = 4242;
  withAddon((file, folder, root) => {
    const link = join(root, 'link');
    symlinkSync('bin', link);
    lchownSync(link, other, other);
    t.throws(() => trustedAddon(join(link, 'koffi.node'), 0), {
      code: 'ADDON_UNSAFE',
      message: /link belongs to uid 4242/,
    });
    t.throws(() => trustedAddon(join(link, 'koffi.node'), 4343), { code: 'ADDON_UNSAFE' });
    t.is(trustedAddon(join(link, 'koffi.node'), other), file, 'its own link');
    for (const place of [file, folder]) {
      lchownSync(place, other, other);
      t.throws(() => trustedAddon(file, 0), { code: 'ADDON_UNSAFE', message: /belongs to uid 4242/ });
      t.throws(() => trustedAddon(file, 4343), { code: 'ADDON_UNSAFE' });
      t.is(trustedAddon(file, other), file);
      lchownSync(place, 0, 0);
    }
  });
});
