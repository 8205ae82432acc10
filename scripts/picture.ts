// Makes a picture of what a terminal showed: lines with colours in, SVG out.
//
//   node scripts/with-node.mjs scripts/picture.ts 'The live view of npm start' < lines > docs/images/live-view.svg
import { text } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';

const COLUMN = 7.8;
const ROW = 18;
const EDGE = 12;

/** The style of a picture for each code of "select graphic rendition" (ECMA-48). 0 and 22, 39, 49 end what others began. */
const LOOKS: ReadonlyMap<number, string> = new Map([
  [1, 'font-weight="bold"'],
  [2, 'opacity=".6"'],
  [31, 'fill="#f87171"'],
  [32, 'fill="#4ade80"'],
  [33, 'fill="#facc15"'],
  [35, 'fill="#e879f9"'],
  [36, 'fill="#22d3ee"'],
  [37, 'fill="#ffffff"'],
]);
const ENDED_BY: ReadonlyMap<number, readonly number[]> = new Map([
  [0, [...LOOKS.keys()]],
  [22, [1, 2]],
  [39, [31, 32, 33, 35, 36, 37]],
]);

/** "Select graphic rendition": the sequences that colour text. */
const COLOURING = new RegExp(`(${String.fromCodePoint(27)}\\[[0-9;]*m)`, 'u');

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (plain: string): string => plain.replaceAll(/[&<>"]/gu, (character) => ENTITIES[character]!);

/** One line as `<tspan>`s: a run of text in one look each. Blanks between columns are places, not characters. */
function spansOf(line: string): string {
  const spans: string[] = [];
  const looks = new Set<number>();
  let column = 0;
  for (const part of line.split(COLOURING)) {
    const codes = COLOURING.test(part) ? part.slice(2, -1) : undefined;
    const run = codes === undefined ? stripVTControlCharacters(part) : '';
    for (const code of codes === undefined ? [] : codes.split(';').map(Number)) {
      for (const ended of ENDED_BY.get(code) ?? []) looks.delete(ended);
      if (LOOKS.has(code)) looks.add(code);
    }
    // Two blanks and more part columns of a table; what is between them is drawn where it stands.
    for (const piece of run.split(/( {2,})/u)) {
      const shown = piece.trimStart();
      const x = EDGE + (column + piece.length - shown.length) * COLUMN;
      const look = [...looks].map((code) => ` ${LOOKS.get(code)}`).join('');
      if (shown !== '') spans.push(`<tspan x="${x.toFixed(1)}"${look}>${escaped(shown.trimEnd())}</tspan>`);
      column += stringWidth(piece);
    }
  }
  return spans.join('');
}

function pictureOf(lines: readonly string[], label: string): string {
  const columns = Math.max(...lines.map((line) => stringWidth(stripVTControlCharacters(line))));
  const width = Math.ceil(2 * EDGE + columns * COLUMN);
  const height = lines.length * ROW + 24;
  const rows = lines.map((line, i) => `<text y="${25 + i * ROW}">${spansOf(line)}</text>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(label)}">
<rect width="100%" height="100%" rx="6" fill="#111827"/>
<g font-family="ui-monospace,Menlo,Consolas,DejaVu Sans Mono,monospace" font-size="13" fill="#e5e7eb" xml:space="preserve">
${rows.join('\n')}
</g></svg>
`;
}

const lines = (await text(process.stdin)).replaceAll('\r', '').replace(/\n+$/u, '').split('\n');
process.stdout.write(pictureOf(lines, process.argv[2] ?? 'A terminal'));
