import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { verifySocket } from '../../../agent/source/socket-trust.ts';

const ME = process.getuid!();

async function withSocket(use: (path: string, folder: string) => Promise<void>): Promise<void> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'probes-trust-')));
  const folder = join(root, 'run');
  mkdirSync(folder, { mode: 0o750 });
  const path = join(folder, 'events.sock');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  try {
    await use(path, folder);
  } finally {
    await new Promise((resolve) => server.close(resolve));
    rmSync(root, { recursive: true, force: true });
  }
}

test('a socket in a folder that only its owner writes is trusted', async (t) => {
  await withSocket(async (path) => {
    await t.notThrowsAsync(verifySocket(path, ME));
  });
});

test('a socket of another user is refused', async (t) => {
  await withSocket(async (path) => {
    await t.throwsAsync(verifySocket(path, ME + 1), {
      code: 'HELPER_SOCKET_UNSAFE',
      message: /events\.sock belongs to uid/,
    });
  });
});

for (const mode of [0o770, 0o752, 0o777, 0o1777]) {
  test(`a folder of mode ${mode.toString(8)} is refused: others could put a socket there`, async (t) => {
    await withSocket(async (path, folder) => {
      chmodSync(folder, mode);
      await t.throwsAsync(verifySocket(path, ME), {
        code: 'HELPER_SOCKET_UNSAFE',
        message: /others than its owner can write/,
      });
    });
  });
}

test('a folder whose parent others can write is refused: they could replace it', async (t) => {
  await withSocket(async (path, folder) => {
    chmodSync(join(folder, '..'), 0o777);
    await t.throwsAsync(verifySocket(path, ME), { code: 'HELPER_SOCKET_UNSAFE', message: /others could replace/ });
    chmodSync(join(folder, '..'), 0o1777);
    await t.notThrowsAsync(verifySocket(path, ME));
  });
});

test('a regular file is refused', async (t) => {
  await withSocket(async (_, folder) => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    await t.throwsAsync(verifySocket(file, ME), { code: 'HELPER_SOCKET_UNSAFE', message: /is not a socket/ });
  });
});

test('a link to a good socket is refused', async (t) => {
  await withSocket(async (path, folder) => {
    const link = join(folder, 'link');
    symlinkSync(path, link);
    await t.throwsAsync(verifySocket(link, ME), { code: 'HELPER_SOCKET_UNSAFE', message: /is not a socket/ });
  });
});

test('a socket that is not there keeps the system error', async (t) => {
  await withSocket(async (path) => {
    await t.throwsAsync(verifySocket(`${path}x`, ME), { code: 'ENOENT' });
  });
});
