import { createHash } from 'node:crypto';
import type { SealEvent } from '../../../../agent/events/seal.ts';

interface Line extends SealEvent {
  seq?: number;
  first: number;
  last: number;
  count: number;
  boot_id: string;
  stream: string;
  seal: number;
  line: string;
}

const digest = (line: string): Buffer => createHash('sha256').update(line).digest();

/**
 * Checks one stream as its receiver has it: lines in the order in which they came, some of them twice. Written without a
 * look at how seals are made.
 * @param isFiltered whether a number was left out on purpose; without it, `filtered` is only counted
 */
export function problemsOf(
  received: readonly string[],
  isFiltered?: (bootId: string, number: number) => boolean,
): string[] {
  const problems: string[] = [];
  const lines = [...new Set(received)].map((line) => ({ ...(JSON.parse(line) as Line), line }));
  for (const boot of new Set(lines.map(({ boot_id }) => boot_id))) {
    const ofBoot = lines.filter(({ boot_id }) => boot_id === boot);
    const seals = ofBoot.filter(({ type }) => type === 'seal');
    for (const [i, seal] of seals.entries()) {
      const name = `${boot} seal ${seal.seal} (${seal.from}-${seal.to})`;
      const before = seals.slice(0, i).filter((other) => other.seal === seal.seal - 1);
      // The first comes again with another end when a crash of the machine took the mark at which it was made.
      if (i > 0 && seal.seal > 1 && before.length === 0) problems.push(`${name}: no seal ${seal.seal - 1} before it`);
      // After a crash the one before can have come twice.
      if (
        before.length > 0 &&
        !before.some(({ to, line }) => to + 1 === seal.from && digest(line).toString('hex') === seal.prev)
      )
        problems.push(`${name}: does not follow seal ${seal.seal - 1}`);
      if (seal.seal === 1 && seal.prev !== undefined) problems.push(`${name}: the first has a prev`);
      if (seal.sent + seal.filtered + seal.gap !== seal.to - seal.from + 1)
        problems.push(`${name}: its counts do not add up`);
      problems.push(...contentProblems(name, seal, ofBoot, isFiltered && ((number) => isFiltered(boot, number))));
    }
  }
  return problems;
}

function contentProblems(
  name: string,
  seal: Line,
  lines: readonly Line[],
  isFiltered?: (number: number) => boolean,
): string[] {
  const own = lines.filter((line) => (line.type as string) !== 'seal' && line.seal === seal.seal);
  const events = own.filter(({ seq }) => seq !== undefined && seq >= seal.from && seq <= seal.to);
  const gaps = own.filter((line) => (line.type as string) === 'gap');
  const problemsOfGaps = gaps
    .filter(({ first, count, last }) => count > last - first + 1 || (first < seal.from && last >= seal.from))
    .map(({ first, last }) => `${name}: the gap ${first}-${last} reaches over its border`);
  const numbers = new Set(events.map(({ seq }) => seq!));
  const problems = problemsOfGaps;
  // A record that a receiver took without an answer can be refused when it is sent again: a gap then names a record that is there.
  const inGaps = [...numbers].filter((n) => gaps.some(({ first, last }) => n >= first && n <= last)).length;
  if (numbers.size < seal.sent || numbers.size - inGaps > seal.sent)
    problems.push(`${name}: ${seal.sent} sent, and ${numbers.size} are there`);
  if (isFiltered !== undefined) {
    let filtered = 0;
    for (let n = seal.from; n <= seal.to; n++) {
      const isLost = gaps.some(({ first, last }) => n >= first && n <= last);
      if (isFiltered(n)) filtered++;
      else if (!numbers.has(n) && !isLost) problems.push(`${name}: ${n} is neither there nor in a gap`);
    }
    if (filtered !== seal.filtered) problems.push(`${name}: ${filtered} were filtered, and it says ${seal.filtered}`);
  }
  return problems;
}

/** Of a stream in which nothing came twice: gaps, lines and sums as well. */
export function exactProblemsOf(received: readonly string[]): string[] {
  const problems: string[] = [];
  const lines = received.map((line) => ({ ...(JSON.parse(line) as Line), line }));
  for (const seal of lines.filter(({ type }) => type === 'seal')) {
    const own = lines.filter(
      (line) => (line.type as string) !== 'seal' && line.boot_id === seal.boot_id && line.seal === seal.seal,
    );
    const gap = own.reduce((sum, line) => ((line.type as string) === 'gap' ? sum + line.count : sum), 0);
    const sum = own.reduce((total, { line }) => total + digest(line).readUInt32BE(), 0);
    if (gap !== seal.gap || own.length !== seal.lines || sum !== seal.sum)
      problems.push(
        `seal ${seal.seal}: gap ${seal.gap}/${gap}, lines ${seal.lines}/${own.length}, sum ${seal.sum}/${sum}`,
      );
  }
  return problems;
}
