import { fileURLToPath } from 'node:url';
import test from 'ava';
import { Terminal } from '../../support/terminal.ts';

const SCREEN = fileURLToPath(new URL('../../../agent/terminal/screen.ts', import.meta.url));
const LEFT = '\x1b[?25h\x1b[?1049l';

/** A program that opens a screen, and then does this. */
const program = (then: string): string[] => [
  process.execPath,
  '--input-type=module',
  '--eval',
  `const { Screen } = await import(${JSON.stringify(SCREEN)});
const screen = new Screen();
screen.onQuit = () => process.exit(3);
screen.open();
${then}`,
];

for (const [name, then, status] of [
  ['an exception that nobody catches', "setTimeout(() => { throw new Error('defect'); }, 50);", 1],
  ['process.exit', 'setTimeout(() => process.exit(5), 50);', 5],
  ['its own end', 'setTimeout(() => screen.close(), 50);', 0],
] as const)
  test(`${name} leaves the terminal as it was`, async (t) => {
    await using terminal = new Terminal(program(then));
    t.is(await terminal.status, status);
    const { text } = terminal;
    t.is(text.split(LEFT).length, 2, 'once');
  });

test('no more rows are drawn than there are, in one piece, and keys are not shown', async (t) => {
  const draw = "screen.draw(Array.from({ length: 50 }, (_, i) => `row ${i}`)); process.stdin.once('data', () => 0);";
  await using terminal = new Terminal(program(draw), { rows: 5 });
  await terminal.until(() => terminal.text.includes('row 4'));
  t.is(terminal.screen.length, 5);
  t.false(terminal.text.includes('row 5'));
  terminal.type('x');
  terminal.type('q');
  t.is(await terminal.status, 3);
  t.false(/x/.test(terminal.text.slice(terminal.text.indexOf('row 4'))));
});
