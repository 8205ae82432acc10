import type { LineBuilder } from '../stream.ts';
import type { SeenProcess } from './decoder.ts';

/** Writes a process as a line of JSON, its arguments cut as far as the room demands. */
export function processLine(seen: SeenProcess): LineBuilder {
  const { pid, timestamp, type, time, filename, argv: all, callersFrom, argv_truncated: cut, raw: allRaw, source, ...rest } = seen;
  return (seq, room) => {
    let argv = all;
    let raw = allRaw;
    let isCut = cut === true;
    for (const most = room(); ; ) {
      const command = [filename, ...(argv?.slice(callersFrom) ?? [])].join(' ');
      const event = { pid, command, timestamp, type, seq, time, filename, argv, ...(isCut ? { argv_truncated: true } : {}), raw, ...rest, source };
      const line = `${JSON.stringify(event)}\n`;
      if (line.length * 3 <= most || Buffer.byteLength(line) <= most || argv === undefined || argv.length === 0) return line;
      argv = halved(argv);
      raw = withoutArguments(raw, argv.length);
      isCut = true;
    }
  };
}

/** The first half of the arguments; of a single one, its first half. */
function halved(argv: readonly string[]): readonly string[] {
  const [only = ''] = argv;
  if (argv.length > 1) return argv.slice(0, argv.length >> 1);
  return only.length > 1 ? [only.slice(0, only.length >> 1)] : [];
}

/** What is left of `raw` when only the first `count` arguments are. */
function withoutArguments(raw: SeenProcess['raw'], count: number): SeenProcess['raw'] {
  if (raw === undefined) return undefined;
  return Object.fromEntries(Object.entries(raw).filter(([field]) => !(Number(/^argv\[(\d+)\]$/.exec(field)?.[1]) >= count)));
}
