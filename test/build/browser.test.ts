import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';

import { canOpenBrowser, openInBrowser } from '../../installers/tools/browser.ts';

test('a browser gets the name of a file that only its user can read, and no secret', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'probes-opener-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const asked = path.join(folder, 'asked');
  const script = `#!/bin/sh\nprintf '%s\\n' "$@" > ${asked}.new && /bin/mv ${asked}.new ${asked}\n`;
  writeFileSync(path.join(folder, 'xdg-open'), script, { mode: 0o755 });
  const url = new URL('http://127.0.0.1:9465/?token=secret&quoted="<b>');

  openInBrowser(url, folder, { PATH: folder });

  const file = path.join(folder, 'page.html');
  t.is(statSync(file).mode & 0o777, 0o600);
  t.regex(
    readFileSync(file, 'utf8'),
    /content="0; url=http:\/\/127\.0\.0\.1:9465\/\?token=secret&amp;quoted=%22%3Cb%3E"/,
  );
  for (let waited = 0; !exists(asked); waited += 20) {
    if (waited > 20_000) throw new Error('xdg-open was not run');
    await delay(20);
  }
  t.is(readFileSync(asked, 'utf8'), `${file}\n`);
  t.throws(() => openInBrowser(url, folder, { PATH: folder }), { code: 'EEXIST' });
});

test('root, and a user without a screen, open none', (t) => {
  t.false(canOpenBrowser({ DISPLAY: ':0' }, 0));
  t.false(canOpenBrowser({}, 1000));
  t.false(canOpenBrowser({ DISPLAY: '', WAYLAND_DISPLAY: '' }, 1000));
});

function exists(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}
