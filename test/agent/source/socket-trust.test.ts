import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { trustedSocket } from '../../../agent/source/socket-trust.ts';

const ME = process.getuid!();

async function withSocket(use: (path: string, folder: string) => void): Promise<void> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'probes-trust-')));
  const folder = join(root, 'run');
  mkdirSync(folder, { mode: 0o750 });
  const path = join(folder, 'events.sock');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  try {
    use(path, folder);
  } finally {
    await new Promise((resolve) => server.close(resolve));
    rmSync(root, { recursive: true, force: true });
  }
}

test('a socket in a folder that only its owner writes is trusted', async (t) => {
  await withSocket((path) => {
    t.is(trustedSocket(path, ME), path);
  });
});

test('a socket of another user is refused', async (t) => {
  await withSocket((path) => {
    t.throws(() => trustedSocket(path, ME + 1), {
      code: 'HELPER_SOCKET_UNSAFE',
      message: /run belongs to uid \d+, not to uid/,
    });
  });
});

for (const mode of [0o770, 0o752, 0o777, 0o1777]) {
  test(`a folder of mode ${mode.toString(8)} is refused: others could put a socket there`, async (t) => {
    await withSocket((path, folder) => {
      chmodSync(folder, mode);
      t.throws(() => trustedSocket(path, ME), {
        code: 'HELPER_SOCKET_UNSAFE',
        message: /others than its owner can write/,
      });
    });
  });
}

test('a folder whose parent others can write is refused: they could replace it', async (t) => {
  await withSocket((path, folder) => {
    chmodSync(join(folder, '..'), 0o777);
    t.throws(() => trustedSocket(path, ME), { code: 'HELPER_SOCKET_UNSAFE', message: /others could replace/ });
    chmodSync(join(folder, '..'), 0o1777);
    t.is(trustedSocket(path, ME), path);
  });
});

test('a regular file is refused', async (t) => {
  await withSocket((_, folder) => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    t.throws(() => trustedSocket(file, ME), { code: 'HELPER_SOCKET_UNSAFE', message: /is not a socket/ });
  });
});

test('a link to a good socket is refused', async (t) => {
  await withSocket((path, folder) => {
    const link = join(folder, 'link');
    symlinkSync(path, link);
    t.throws(() => trustedSocket(link, ME), { code: 'HELPER_SOCKET_UNSAFE', message: /is not a socket/ });
  });
});

test('a socket that is not there keeps the system error', async (t) => {
  await withSocket((path) => {
    t.throws(() => trustedSocket(`${path}x`, ME), { code: 'ENOENT' });
  });
});

test('a link on the way is followed, and the answer has none', async (t) => {
  await withSocket((path, folder) => {
    const links = join(folder, 'links');
    mkdirSync(links, { mode: 0o700 });
    symlinkSync(folder, join(links, 'absolute'));
    symlinkSync('absolute/./links/..', join(links, 'relative'));
    t.is(trustedSocket(join(links, 'absolute/events.sock'), ME), path);
    t.is(trustedSocket(join(links, 'relative/events.sock'), ME), path);
  });
});

test('links that lead in a circle are refused', async (t) => {
  await withSocket((_, folder) => {
    symlinkSync('circle', join(folder, 'circle'));
    t.throws(() => trustedSocket(join(folder, 'circle/events.sock'), ME), {
      code: 'HELPER_SOCKET_UNSAFE',
      message: /more than 40 links/,
    });
  });
});

for (const path of ['events.sock', '\0abstract', '', '/run/\0', '/', '/tmp/..'])
  test(`${JSON.stringify(path)} is no path of a socket`, (t) => {
    t.throws(() => trustedSocket(path, ME), { code: 'HELPER_SOCKET_UNSAFE' });
  });
