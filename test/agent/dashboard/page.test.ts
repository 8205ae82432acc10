import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { MAX_ALERTS, MAX_ROWS, RATE } from '../../../agent/page/bounds.ts';
import { placePage } from '../../../installers/programs/page.ts';
import { openInBrowser } from '../../../installers/tools/browser.ts';
import { hasCommand } from '../../../installers/tools/system-packages.ts';
import { Browser, type Page } from '../../support/browser.ts';
import { gapEvent } from '../../support/fake-helper.ts';
import { wholeLines } from '../../support/lines.ts';
import { withDashboard, type Dashboard } from '../support/dashboard.ts';
import { HOSTILE_COMMANDS } from '../support/hostile-commands.ts';
import { numberAfter, read } from '../support/outputs.ts';
import { Scene } from '../support/scene.ts';

const RULES = `rules: { builtin: false, folders: [${new URL('../control/fixtures', import.meta.url).pathname}] }\n`;
const ALT_SHIFT = 8;

const missing = hasCommand('chromium') ? '' : '[skipped: needs chromium] ';
const browsing = missing === '' ? test.serial : test.serial.skip;

let browser: Browser;
test.before(async () => {
  if (missing !== '') return;
  await placePage();
  browser = new Browser();
});
test.after.always(async () => browser?.[Symbol.asyncDispose]());

/** The page of an agent, open in the browser. At the end, it must have asked nothing elsewhere and complained of nothing. */
const opened = (
  t: ExecutionContext,
  use: (page: Page, setting: Dashboard, scene: Scene) => Promise<void>,
  options: Parameters<Browser['page']>[0] = {},
) =>
  withDashboard(async (setting) => {
    const page = await browser.page(options);
    await page.open(setting.url);
    await page.until("document.querySelector('#health')?.dataset.state === 'good'");
    await use(page, setting, new Scene());
    t.deepEqual(page.complaints, []);
    const origin = `http://${setting.listen}/`;
    t.deepEqual(
      page.requests.filter((url) => !url.startsWith(origin) && !url.startsWith('data:')),
      [],
    );
  }, RULES);

/** How much wider the page is than the window. */
const OVERFLOW = 'document.scrollingElement.scrollWidth - innerWidth';

browsing(`${missing}events, alerts with rule, reason and ancestors, the tree, numbers: as they come`, (t) =>
  opened(t, async (page, { helper, path }, scene) => {
    t.is(await page.evaluate('location.pathname + location.search + location.hash'), path, 'the token is gone');
    t.false((await page.evaluate<string>('document.cookie')).includes('probes'), 'no script reads the cookie');
    helper.send(...scene.session(5000));
    await page.until("document.querySelectorAll('#events summary').length === 9");
    await page.until("document.querySelectorAll('#alerts summary').length === 1");
    const newest = await page.text('#events > li');
    t.regex(newest, /\/usr\/bin\/sh -s -- --yes/);
    t.regex(newest, /uid 1000/);
    await page.evaluate("document.querySelector('#alerts summary').click()");
    const alert = await page.text('#alerts .more');
    t.regex(alert, /Because\n.*curl/);
    t.regex(alert, /Ancestors\n\s*5001\s+\/usr\/bin\/bash -l\s+5000\s+\/usr\/sbin\/sshd/);
    await page.until("document.querySelector('#tree-note').innerText.startsWith('10 processes')");
    await page.until("document.querySelectorAll('#tree summary').length === 2");
    await page.evaluate("document.querySelectorAll('#tree summary')[1].click()");
    await page.until("document.querySelectorAll('#tree summary').length === 3");
    helper.send(gapEvent(scene.next, scene.next + 4));
    helper.send(new Scene(scene.next + 5).exec(7000, ['/usr/bin/true']));
    await page.until("document.querySelector('#events .is-gap')");
    await page.until("document.querySelector('#complete-verdict').innerText === '5 lost, and known'");
    t.regex(await page.text('#complete-sum'), /^10 received \+ 5 lost = 15 of 15 numbers$/);
    await page.until("document.querySelector('#gaps li')?.innerText.includes('5 at ring (ring_full): 10 to 14')");
    t.regex(await page.text('#outputs'), /local\s*file\s*up/i);
    t.is(await page.evaluate("document.querySelectorAll('.plot canvas').length"), 3);
  }),
);

browsing(
  `${missing}a file that leads to the page, as npm start makes it: the browser goes on, and keeps no token`,
  (t) =>
    withDashboard(async ({ url, path, listen, work }) => {
      openInBrowser(new URL(url), work.folder, { PATH: work.folder });
      const page = await browser.page();
      await page.open(`file://${work.path('page.html')}`);
      await page.until("document.querySelector('#health')?.dataset.state === 'good'");
      t.is(await page.evaluate('location.href'), `http://${listen}${path}`);
      t.deepEqual(await page.evaluate('navigation.entries().map(({ url }) => url)'), [`http://${listen}${path}`]);
      t.deepEqual(page.complaints, []);
    }),
);

browsing(`${missing}hostile command lines are text: no script, no element, no broken layout`, (t) =>
  opened(t, async (page, { helper }, scene) => {
    const alerting = { exe: '/usr/bin/curl' };
    for (const [i, argv] of HOSTILE_COMMANDS.entries()) {
      helper.send(scene.exec(6000 + i, argv, undefined, { exe: `/usr/bin/${argv[0]}`, cwd: argv[1]!.slice(0, 4000) }));
      helper.send(scene.exec(7000 + i, argv, [6000 + i, argv.join(' ').slice(0, 4000)], alerting));
    }
    const all = 2 * HOSTILE_COMMANDS.length;
    await page.until(`document.querySelectorAll('#events > li').length === ${all}`);
    await page.until(`document.querySelectorAll('#alerts > li').length === ${all / 2}`);
    await page.evaluate("document.querySelectorAll('#alerts summary, #events summary').forEach((one) => one.click())");
    await page.until("document.querySelectorAll('#tree > li').length > 0");
    await page.evaluate(
      "document.querySelectorAll('#tree details:not([open]) > summary').forEach((one) => one.click())",
    );
    for (const [width, row] of [
      [1600, 60],
      [400, 90],
    ] as const) {
      await page.resize(width, 900);
      await delay(300);
      t.is(await page.evaluate('window.hacked'), undefined);
      t.true((await page.evaluate<number>(OVERFLOW)) <= 0, `${width}: the page is not wider than the window`);
      const heights = await page.evaluate<number[]>(
        "[...document.querySelectorAll('#events summary')].map((one) => one.getBoundingClientRect().height)",
      );
      t.true(Math.max(...heights) <= row, `${width}: rows of ${Math.max(...heights)} px`);
      const outside = await page.evaluate<number>(
        "[...document.querySelectorAll('.code')].filter((one) => one.getBoundingClientRect().right > innerWidth + 1).length",
      );
      t.is(outside, 0, `${width}: nothing leaves its box`);
    }
    t.is(
      await page.evaluate("document.querySelectorAll('main script, main iframe, main svg, main img, .rows h1').length"),
      0,
    );
    const text = await page.evaluate<string>('document.body.textContent');
    t.true(text.includes('<script>window.hacked = 1</script>'), 'as it was typed');
    t.true(text.includes('\\u{202e}gnp.exe'));
    t.true(text.includes('\\x1b[2J'));
    // eslint-disable-next-line no-control-regex
    t.notRegex(text, /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u200B-\u200F\u202A-\u202E\u2066-\u2069]/);
    t.true((await page.evaluate<number>('document.body.textContent.length')) < 2_000_000, '2 MiB are not kept');
  }),
);

browsing(`${missing}a row is read from left to right, and nothing in it lies on another thing`, (t) =>
  opened(t, async (page, { helper }, scene) => {
    const long = 'a-very-long-argument/'.repeat(20);
    helper.send(
      ...scene.session(5000),
      scene.exec(123_456, ['/usr/bin/cc', long], undefined, { flags: ['memfd', 'deleted'] }),
    );
    await page.until("document.querySelectorAll('#events summary').length === 10");
    for (const width of [400, 699, 700, 900, 1100, 1600]) {
      await page.resize(width, 900);
      await delay(200);
      const rows = await page.evaluate<Array<Array<{ text: string; left: number; right: number; top: number }>>>(
        "[...document.querySelectorAll('#events summary')].map((row) => [row, ...row.children].map((one) => { const { left, right, top } = one.getBoundingClientRect(); return { text: one.innerText, left, right: one === row ? right : left + Math.min(one.scrollWidth, right - left), top }; }))",
      );
      for (const [row, ...cells] of rows) {
        const shown = cells.filter(({ text }) => text !== '');
        t.true(shown[0]!.left - row!.left < 20, `${width}: it begins at the left`);
        for (const [i, cell] of shown.entries()) {
          const before = shown[i - 1];
          const isBelow = before !== undefined && cell.top > before.top + 12;
          const isBeside = before === undefined || cell.left >= before.right || cell.right <= before.left;
          t.true(isBelow || isBeside || cell.top < before!.top - 12, `${width}: ${before?.text} and ${cell.text}`);
          t.true(cell.right <= row!.right, `${width}: ${cell.text}`);
        }
        if (width < 700) continue;
        const lefts = shown.map(({ left }) => left);
        t.deepEqual(
          lefts,
          lefts.toSorted((a, b) => a - b),
          `${width}: in the order in which it is read`,
        );
      }
    }
  }),
);

browsing(`${missing}the policy is in force: no inline script, no HTML from text, no request elsewhere`, (t) =>
  withDashboard(async ({ url }) => {
    const page = await browser.page();
    await page.open(url);
    await page.until("document.querySelector('#health')?.dataset.state === 'good'");
    const inner = await page.evaluate(
      "(() => { try { document.body.innerHTML = '<img src=x onerror=\"window.hacked=1\">'; return 'taken'; } catch (error) { return error.name; } })()",
    );
    t.is(inner, 'TypeError', 'Trusted Types');
    t.is(
      await page.evaluate(
        "(() => { const script = document.createElement('script'); try { script.textContent = 'window.hacked = 1'; } catch { script.append('window.hacked = 1'); } document.body.append(script); return window.hacked; })()",
      ),
      undefined,
      'inline script',
    );
    t.is(
      await page.evaluate(
        "(() => { const link = document.createElement('a'); link.setAttribute('href', '#'); try { link.setAttribute('onclick', 'window.hacked = 1'); } catch {} link.click(); return window.hacked; })()",
      ),
      undefined,
    );
    t.is(await page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'asked', () => 'refused')"), 'refused');
    t.is(page.requests.filter((one) => one.includes(':9/')).length, 0, 'the browser did not even ask');
    t.true(page.complaints.some((one) => one.includes('Content Security Policy')));
  }),
);

browsing(`${missing}axe finds nothing serious: light and dark, 400 and 1600 pixels, everything unfolded`, async (t) => {
  const axe = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
  for (const scheme of ['light', 'dark'] as const)
    for (const width of [400, 1600])
      await opened(
        t,
        async (page, { helper }, scene) => {
          helper.send(...scene.session(5000), ...scene.session(5100));
          helper.send(gapEvent(scene.next, scene.next + 4));
          await page.until("document.querySelectorAll('#alerts summary').length === 2");
          await page.until("document.querySelector('#tree summary')");
          await page.until("document.querySelector('#gaps li')");
          await page.evaluate(
            "document.querySelectorAll('#tree details:not([open]) > summary').forEach((one) => one.click())",
          );
          await page.evaluate(
            "[...document.querySelectorAll('#alerts summary, #events summary')].slice(0, 4).forEach((one) => one.click())",
          );
          await page.evaluate(
            "document.querySelector('#filter').value = '{a: ['; document.querySelector('#filter-form').requestSubmit()",
          );
          await page.until("!document.querySelector('#filter-error').hidden");
          const complaints = page.complaints.splice(0);
          t.true(
            complaints.every((one) => one.includes('400')),
            'the browser reports the status of a wrong filter itself',
          );
          await page.evaluate(axe);
          const findings = await page.evaluate<string[]>(
            "axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ html }) => html.slice(0, 200)).slice(0, 3).join(' | ')}`))",
          );
          t.deepEqual(findings, [], `${scheme} ${width}`);
          t.true((await page.evaluate<number>(OVERFLOW)) <= 0, `${scheme} ${width}: no wider than the window`);
        },
        { width, height: 900, scheme },
      );
});

browsing(`${missing}a filter is the agent's Sigma search; a wrong one is explained in place`, (t) =>
  opened(t, async (page, { helper }, scene) => {
    const apply = (filter: string) =>
      page.evaluate(
        `document.querySelector('#filter').value = ${JSON.stringify(filter)}; document.querySelector('#filter-form').requestSubmit()`,
      );
    await apply('Image|endswiht: /cc');
    await page.until("document.querySelector('#filter-error').innerText.includes('did you mean')");
    t.is(await page.evaluate("document.querySelector('#filter').getAttribute('aria-invalid')"), 'true');
    page.complaints.length = 0;
    await apply('Image|endswith: /cc');
    await page.until("document.querySelector('#filter-error').hidden");
    await page.until("performance.getEntriesByType('resource').length >= 0");
    helper.send(...scene.session(5000));
    await page.until("document.querySelectorAll('#events summary').length === 4");
    t.true((await page.text('#events')).split('/usr/bin/').filter((part) => part.startsWith('cc ')).length >= 4);
    await page.until("document.querySelectorAll('#alerts summary').length === 1");
    await page.evaluate("document.querySelector('#filter-clear').click()");
    await page.until("document.querySelectorAll('#events summary').length === 9");
  }),
);

browsing(`${missing}everything works from the keyboard: one stop a list, arrows within, and focus that is seen`, (t) =>
  opened(t, async (page, { helper }, scene) => {
    helper.send(...scene.session(5000));
    await page.until(
      "document.querySelectorAll('#events summary').length === 9 && document.querySelector('#tree summary')",
    );
    await page.until("document.querySelector('#alerts summary')");
    await page.evaluate('document.body.focus()');
    const stops: string[] = [];
    for (let i = 0; i < 20; i++) {
      await page.press('Tab');
      const stop = await page.evaluate<string>(
        "(() => { const it = document.activeElement; return it === document.body ? '' : (it.id || (it.closest('[id]')?.id ?? 'skip') + ' ' + it.localName); })()",
      );
      if (stop === '' || (stops.length > 0 && stop === stops[0])) break;
      stops.push(stop);
      const outline = await page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle');
      t.not(outline, 'none', `${stop}: focus is seen`);
    }
    for (const stop of ['alerts summary', 'pause', 'filter', 'events summary', 'tree summary'])
      t.is(stops.filter((one) => one === stop).length, 1, `${stop} in ${stops.join(', ')}`);
    await page.evaluate("document.querySelector('#events summary').focus()");
    await page.press('ArrowDown');
    t.is(await page.evaluate("[...document.querySelectorAll('#events summary')].indexOf(document.activeElement)"), 1);
    await page.press('End');
    t.is(await page.evaluate("[...document.querySelectorAll('#events summary')].indexOf(document.activeElement)"), 8);
    await page.press('Enter');
    await page.until("document.activeElement.parentElement.open && document.querySelector('#events .more')");
    await page.evaluate("document.querySelector('#tree summary').focus()");
    await page.press('ArrowLeft');
    await page.until("!document.querySelector('#tree details').open");
    await page.press('ArrowRight');
    await page.until("document.querySelector('#tree details').open");
    await page.press('ArrowRight');
    t.regex(await page.evaluate<string>('document.activeElement.innerText'), /sshd/);
    await page.press('ArrowLeft');
    await page.press('ArrowLeft');
    t.is(await page.evaluate("document.querySelector('#tree details').open"), false);
    await page.press('Tab', ALT_SHIFT);
    t.true(await page.evaluate("document.activeElement.closest('#events') !== null"));
  }),
);

browsing(`${missing}paused, and while somebody reads, nothing moves; what came is counted and can be shown`, (t) =>
  opened(t, async (page, { helper }, scene) => {
    helper.send(...scene.session(5000));
    await page.until("document.querySelectorAll('#events summary').length === 9");
    await page.evaluate("document.querySelector('#pause').click()");
    t.is(await page.evaluate("document.querySelector('#pause').getAttribute('aria-pressed')"), 'true');
    helper.send(...scene.session(5100));
    await page.until("document.querySelector('#held-text').innerText === 'Paused: 9 new'");
    t.is(await page.evaluate("document.querySelectorAll('#events summary').length"), 9);
    await page.evaluate("document.querySelector('#pause').click()");
    await page.until("document.querySelectorAll('#events summary').length === 18");
    await page.evaluate("document.querySelector('#events summary').click()");
    helper.send(...scene.session(5200));
    await page.until("document.querySelector('#held-text').innerText === 'Held while you read: 9 new'");
    await page.evaluate("document.querySelector('#held-show').click()");
    await page.until("document.querySelectorAll('#events summary').length === 27");
  }),
);

browsing(`${missing}an agent that ends and comes back: the page says so, and what to do`, (t) =>
  withDashboard(async ({ agent, url }) => {
    const page = await browser.page();
    await page.open(url);
    await page.until("document.querySelector('#health')?.dataset.state === 'good'");
    t.is(await agent.end(), 0);
    await page.until("document.querySelector('#banner').innerText.includes('does not answer')");
    t.is(await page.text('#health'), 'No answer');
  }),
);

browsing(`${missing}a storm: the page samples and says so, stays bounded and usable; the outputs are whole`, (t) =>
  opened(t, async (page, { helper, agent, work }, scene) => {
    const A_BATCH = 750;
    const BATCHES = 80;
    for (let i = 0; i < BATCHES; i++) {
      const lines = Array.from({ length: A_BATCH }, () =>
        JSON.stringify(
          scene.exec(
            1000 + (scene.next % 30_000),
            ['/usr/bin/true', String(scene.next)],
            [900 + (scene.next % 50), '/usr/bin/make'],
          ),
        ),
      );
      helper.sendRaw(`${lines.join('\n')}\n`);
      await delay(50);
      if (i === BATCHES / 2)
        await page.until(
          "/^showing [\\d,]+ of [\\d,]+ a second/.test(document.querySelector('#events-note').innerText)",
        );
    }
    const [, shown, all] = /^showing ([\d,]+) of ([\d,]+) a second/.exec(await page.text('#events-note')) ?? [];
    if (shown !== undefined) t.true(Number(shown.replaceAll(',', '')) <= 2 * RATE, `${shown} of ${all}`);
    t.true((await page.evaluate<number>("document.querySelectorAll('#events > li').length")) <= MAX_ROWS);
    t.true((await page.evaluate<number>("document.querySelectorAll('#alerts > li').length")) <= MAX_ALERTS);
    t.true((await page.heapBytes()) < 64 * 1024 * 1024);
    await page.evaluate("document.querySelector('#pause').click()");
    t.is(await page.text('#pause'), 'Resume', 'it still obeys');
    await agent.until(() => read(work.path('events')).includes(`"seq":${A_BATCH * BATCHES},`));
    t.is(numberAfter(read(work.path('events'))), A_BATCH * BATCHES + 1);
    t.false(wholeLines(read(work.path('events'))).some((line) => line.includes('"type":"gap"')));
  }),
);
