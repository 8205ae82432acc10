import type { Readable } from 'node:stream';

/** The lines of a text that have ended, without their newlines. What follows the last newline may go on. */
export const wholeLines = (text: string): string[] => text.split('\n').slice(0, -1);

/**
 * The lines that streams bring, in the order in which they end; the array grows. Chunks are no lines: one may hold
 * several, a part, or a newline alone. Text after the last newline counts as a line when its stream ends.
 */
export function linesFrom(...streams: readonly (Readable | null)[]): string[] {
  const lines: string[] = [];
  for (const stream of streams) {
    let rest = '';
    stream
      ?.setEncoding('utf8')
      .on('data', (text: string) => {
        rest += text;
        const ended = wholeLines(rest);
        rest = rest.slice(rest.lastIndexOf('\n') + 1);
        lines.push(...ended);
      })
      .on('end', () => {
        if (rest !== '') lines.push(rest);
      });
  }
  return lines;
}
