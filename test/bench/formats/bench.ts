/**
 * Measures what each format costs for each event:
 *
 *   node_modules/.bin/node test/bench/formats/bench.ts [--json] [--rounds 7]
 *
 * The line is made and copied into memory, as a batch does it. Formats take turns in the same run. Garbage is how much the heap
 * grows over some events, between two collections.
 */
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Item } from '../../../agent/events/item.ts';
import { formatOf } from '../../../agent/formats/choice.ts';
import type { Format } from '../../../agent/formats/format.ts';
import { usualLine } from '../load-helper.ts';
import { median } from '../statistics.ts';
import { formatsSection, type FormatFigures } from './section.ts';

const LINES = 512;
/** Milliseconds that one turn of one format lasts at least. */
const TURN_MS = 400;
/** So few that no collection comes in between. */
const GARBAGE_LINES = 256;

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '7' } },
});

const IDENTITY = { hostId: 'a'.repeat(32), host: 'walrus.example', stream: 'lake' };
const CONTEXT = { bootId: '5a0c81a2-2b5e-4f0f-9d4c-3a7f8f1f5e11', seal: 4711 };
const MEMORY = Buffer.alloc(1024 * 1024);

const lines = Array.from({ length: LINES }, (_, i) => Buffer.from(usualLine(i)));
const parsing: Format = {
  encode: (item) => {
    if (item.event.type === '') throw new Error('an event without a type');
    return '';
  },
};
const formats: ReadonlyArray<readonly [string, Format]> = [
  ['native', await formatOf('native', IDENTITY)],
  ['ecs', await formatOf('ecs', IDENTITY)],
  ['ocsf', await formatOf('ocsf', IDENTITY)],
  ['JSON.parse', parsing],
];

/** @returns the bytes of its line */
function write(format: Format, line: Buffer): number {
  const written = format.encode(new Item(line, 0, line.length, 1, 1), CONTEXT);
  if (typeof written === 'string') return MEMORY.write(written);
  let bytes = 0;
  for (const piece of written) {
    MEMORY.set(piece, bytes);
    bytes += piece.length;
  }
  return bytes;
}

function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function turn(format: Format): number {
  const start = cpuMicros();
  let events = 0;
  do {
    for (const line of lines) write(format, line);
    events += lines.length;
  } while (cpuMicros() - start < TURN_MS * 1000);
  return (cpuMicros() - start) / events;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function garbageOf(format: Format): number {
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < GARBAGE_LINES; i++) write(format, lines[i]!);
  return (process.memoryUsage().heapUsed - before) / GARBAGE_LINES;
}

const micros = formats.map((): number[] => []);
const garbage = formats.map((): number[] => []);
for (const [, format] of formats) turn(format);
for (let round = 0; round < Number(values.rounds); round++)
  for (const [i, [, format]] of formats.entries()) {
    micros[i]!.push(turn(format));
    garbage[i]!.push(garbageOf(format));
  }
const figures = formats.map(([format, of], i): FormatFigures => ({
  format,
  micros: median(micros[i]!),
  garbage: median(garbage[i]!),
  bytes: lines.reduce((sum, line) => sum + write(of, line), 0) / lines.length,
}));
process.stdout.write(values.json ? `${JSON.stringify({ figures })}\n` : formatsSection({ figures }));
