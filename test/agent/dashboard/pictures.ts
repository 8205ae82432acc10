// Pictures of the page, to look at and for the documents: every width, scheme and part, after half a minute of an invented machine.
//
//   node scripts/with-node.mjs test/agent/dashboard/pictures.ts FOLDER
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { placePage } from '../../../installers/programs/page.ts';
import { Browser, type Page } from '../../support/browser.ts';
import { gapEvent, type FakeHelper } from '../../support/fake-helper.ts';
import { withDashboard } from '../support/dashboard.ts';
import { Scene } from '../support/scene.ts';

const SIZES = [
  ['dark-1600', 1600, 1000, 'dark'],
  ['light-1600', 1600, 1000, 'light'],
  ['dark-900', 900, 1000, 'dark'],
  ['light-400', 400, 860, 'light'],
  ['dark-400', 400, 860, 'dark'],
] as const;

/** Sends what happens on the machine in one step. */
function happen(helper: FakeHelper, scene: Scene, step: number): void {
  if (step === 0) {
    helper.send(scene.exec(4000, ['/usr/sbin/sshd', '-D', '-R'], undefined, { uid: 0, euid: 0 }));
    helper.send(scene.exec(4001, ['/usr/bin/bash', '-l'], [4000, '/usr/sbin/sshd']));
  }
  if (step % 9 === 4) helper.send(...scene.session(5000 + 100 * step));
  if (step === 14) {
    const time = new Date().toISOString().replace('Z', '000000Z');
    helper.send(gapEvent(scene.next, scene.next + 4, { time }));
    for (let i = 0; i < 5; i++) scene.exec(1, ['/usr/bin/true']);
  }
  const count = Math.round(14 + 12 * Math.sin(step / 4)) + (step % 11 === 0 ? 40 : 0);
  const make = 20_000 + step * 100;
  helper.send(scene.exec(make, ['/usr/bin/make', '-j4', 'check'], [4001, '/usr/bin/bash']));
  for (let i = 1; i < count; i++) {
    const programs = [
      ['/usr/bin/git', 'status', '--porcelain', '--branch'],
      ['/usr/bin/node', 'node_modules/.bin/prettier', '--check', `src/part${i}.ts`],
      ['/usr/bin/sed', '-n', 's/^version: //p', 'release.yaml'],
    ];
    helper.send(scene.exec(make + i, programs[i % 3]!, [make, '/usr/bin/make']));
  }
}

/** A heartbeat that goes with what was sent: the kernel counted the same. */
function countAlong(helper: FakeHelper, scene: Scene): void {
  helper.heartbeat = () => {
    const last_seq = scene.next - 1;
    helper.hello.last_seq = last_seq;
    const now = new Date().toISOString().replace('Z', '000000Z');
    const fields = { wall_clock: now, boot_clock: 1, kernel_count: last_seq, kernel_lost: 5, last_seq };
    helper.sendRaw(`${JSON.stringify({ type: 'heartbeat', time: now, ...fields })}\n`);
  };
}

async function take(page: Page, url: string, width: number, file: string): Promise<void> {
  await page.open(url);
  await page.until("document.querySelector('#tree summary') && document.querySelector('#alerts summary')");
  await page.until("document.querySelectorAll('#events summary').length > 20");
  await page.evaluate("document.querySelector('#alerts summary').click()");
  for (let depth = 0; depth < 3; depth++) {
    await page.evaluate("document.querySelector('#tree details:not([open]) > summary')?.click()");
    await delay(200);
  }
  await delay(2500);
  await page.evaluate('document.activeElement?.blur()');
  writeFileSync(`${file}.png`, await page.picture());
  await page.resize(width, await page.evaluate<number>('document.documentElement.scrollHeight'));
  await delay(1000);
  writeFileSync(`${file}-whole.png`, await page.picture());
  for (const complaint of page.complaints) process.stderr.write(`${file}: ${complaint}\n`);
  await page.open('about:blank');
}

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('name a folder for the pictures');
mkdirSync(folder, { recursive: true });
await placePage();
await using browser = new Browser();
await withDashboard(async ({ helper, url }) => {
  const scene = new Scene();
  countAlong(helper, scene);
  let isOn = true;
  const machine = (async () => {
    for (let step = 0; isOn; step++) {
      happen(helper, scene, step);
      await delay(500);
    }
  })();
  await delay(30_000);
  for (const [name, width, height, scheme] of SIZES)
    await take(await browser.page({ width, height, scheme }), url, width, path.join(folder, name));
  isOn = false;
  await machine;
}, 'rules: { builtin: true }\n');
