import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import stringWidth from 'string-width';
import { ROOT } from '../support/repository.ts';

const SCRIPT = path.join(ROOT, 'scripts/picture.ts');
const COLUMN = 7.8;

const plain = (escaped: string): string =>
  escaped.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');

/** The rows of a picture, as a terminal would show them: each run of text at its column. */
function rowsOf(svg: string): string[] {
  return [...svg.matchAll(/<text y="\d+">(.*?)<\/text>/gu)].map(([, spans = '']) => {
    let row = '';
    for (const [, x, text = ''] of spans.matchAll(/<tspan x="([\d.]+)"[^>]*>(.*?)<\/tspan>/gu))
      row += ' '.repeat(Math.round((Number(x) - 12) / COLUMN) - stringWidth(row)) + plain(text);
    return row;
  });
}

function pictureOf(t: ExecutionContext, lines: string): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, 'a "label"'], {
    input: lines,
    encoding: 'utf8',
  });
  t.is(status, 0, stderr);
  return stdout;
}

test('the picture of the live view shows the rows of the README, with alerts in their colours', (t) => {
  const svg = readFileSync(path.join(ROOT, 'docs/images/live-view.svg'), 'utf8');
  const block = /^```\n(TIME .*?)\n```$/msu.exec(readFileSync(path.join(ROOT, 'README.md'), 'utf8'))![1]!;
  t.deepEqual(rowsOf(svg), block.split('\n'));
  t.regex(svg, /fill="#f87171">[^<]*\[HIGH: /u);
  t.regex(svg, /fill="#facc15">[^<]*\[MEDIUM: /u);
});

test('a picture has text and colours of a terminal, and no markup that text could make', (t) => {
  const svg = pictureOf(t, '\u001b[1mTIME  X\u001b[22m\r\n\u001b[31m<b> & "c"\u001b[39m  漢  x\u001b[2Jy\n\n');
  t.deepEqual(rowsOf(svg), ['TIME  X', '<b> & "c"  漢  xy']);
  t.regex(svg, /<tspan x="12\.0" fill="#f87171">&lt;b&gt; &amp; &quot;c&quot;<\/tspan>/u);
  t.true(svg.includes('aria-label="a &quot;label&quot;"'));
  t.notRegex(svg.replaceAll('\n', ''), /\p{Cc}/u);
});
