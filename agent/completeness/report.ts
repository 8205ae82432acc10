import type { Range } from './numbers.ts';
import { FAULTS, type Input } from './input.ts';
import type { Note, Problem, Verdict } from './verdict.ts';

/** Of each stream, in the text. JSON has more. */
const SHOWN_PROBLEMS = 50;

const SHORT_ID = 8;

/** A verdict as lines for people. The text is not yet safe for a terminal. */
export function textOf(verdict: Verdict): string[] {
  const { host, host_id: hostId, boot_id: bootId, stream, complete, problems, problem_count: count } = verdict;
  const { seals, events, filtered, in_gaps: inGaps, from, complete_to: to, sealed_to: sealedTo, unsealed } = verdict;
  const counts = `${counted(seals, 'seal')}; ${counted(events, 'event')}, ${filtered} filtered, ${inGaps} in gaps`;
  const place = to === undefined ? '' : `complete to ${to}`;
  const judged = complete
    ? [place === '' ? `complete: no number yet, ${counts}` : `${place}, from ${from}: ${counts}`]
    : [
        `NOT COMPLETE: ${place === '' ? '' : `${place} of ${sealedTo}, `}${counted(count, 'problem')}; ${counts}`,
        ...problems.slice(0, SHOWN_PROBLEMS).map((problem) => `  ${problemText(problem)}`),
        ...(count > SHOWN_PROBLEMS ? [`  and ${count - SHOWN_PROBLEMS} more; --json names ${problems.length}`] : []),
      ];
  const gaps = verdict.gaps.map(
    ({ hop, cause, gaps: lines, numbers, ranges }) =>
      `${counted(lines, 'gap')} of ${hop}, ${cause}, for ${counted(numbers, 'number')}: ${rangesText(ranges, ranges.length < lines)}`,
  );
  const tail =
    unsealed === undefined
      ? []
      : [
          `after the last seal, not judged: ${counted(unsealed.events, 'event')}, ${rangeText([unsealed.first, unsealed.last])}`,
        ];
  return [
    `${host === '' ? 'host' : host} (${hostId.slice(0, SHORT_ID)}), boot ${bootId?.slice(0, SHORT_ID) ?? 'unknown'}, stream ${stream}`,
    ...[...judged, ...gaps, ...verdict.notes.map(noteText), ...tail].map((line) => `  ${line}`),
  ];
}

function problemText(problem: Problem): string {
  switch (problem.kind) {
    case 'lines_missing': {
      const { seal, from, to, events, sent, gap_numbers: gapNumbers, gap, others, numbers, more } = problem;
      const named = numbers === undefined ? '' : ` (${rangesText(numbers, more === true)})`;
      const parts = [
        ...(events > 0 ? [`${events} of ${counted(sent, 'event')}${named}`] : []),
        ...(gapNumbers > 0 ? [`gaps for ${gapNumbers} of ${counted(gap, 'number')}`] : []),
        ...(others > 0 ? [`${counted(others, 'line')} without a number`] : []),
      ];
      return `seal ${seal}, ${rangeText([from, to])}: missing: ${parts.join(', ')}`;
    }
    case 'uncovered':
      return `no seal covers ${rangeText([problem.from, problem.to])}, with ${counted(problem.held, 'event')}${sealsText(problem.seals)}`;
    case 'seals_missing':
      return `before ${problem.from}${sealsText(problem.seals)}`;
    case 'chain':
      return `seal ${problem.seal}, ${rangeText([problem.from, problem.to])}: ${problem.reason}`;
    case 'changed':
      return `seal ${problem.seal}, ${rangeText([problem.from, problem.to])}: all lines are there, and one was changed: their sum differs`;
    case 'arithmetic':
      return `seal ${problem.seal}, ${rangeText([problem.from, problem.to])}: it contradicts itself: ${problem.reason}`;
    case 'no_seal':
      return `no whole seal for ${counted(problem.lines, 'line')}: the output writes none (stdout, http without a spool), or has not written one yet`;
  }
}

const UNCHECKED = {
  rewritten: 'a store wrote them anew',
  several_forms: 'the agent crashed and sealed twice',
  moved: 'some are there under the number of another seal alone',
} as const;

function noteText(note: Note): string {
  switch (note.kind) {
    case 'begins_with':
      return `begins with seal ${note.seal}, number ${note.from}; seals before it are not in the input`;
    case 'begins_within':
      return `begins within seal ${note.seal}, ${rangeText([note.from, note.to])}; judged from ${note.to + 1} on`;
    case 'not_watched':
      return `${rangeText([note.from, note.to])}: never given; the probe was loaded anew, and nothing was watched in between`;
    case 'chain_began_again':
      return `the agent had lost its place: a further chain of seals begins at ${note.from}`;
    case 'surplus':
      return `seal ${note.seal}, ${rangeText([note.from, note.to])}: ${counted(note.lines, 'line')} more than it covers, from before a crash of the agent or added; whether lines were changed cannot be seen`;
    case 'unchecked':
      return `${counted(note.seals, 'seal')}: whether lines were changed cannot be seen, since ${UNCHECKED[note.reason]}`;
    case 'unsealed_lines':
      return `without the number of a seal: ${counted(note.lines, 'line')}, of an older version or an output that writes no seals`;
  }
}

export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

const rangeText = ([first, last]: Range): string =>
  last < first ? `no number (at ${first})` : first === last ? String(first) : `${first}–${last}`;

const rangesText = (ranges: readonly Range[], more: boolean): string =>
  `${ranges.map(rangeText).join(', ')}${more ? ', …' : ''}`;

const sealsText = (seals: Range | undefined): string =>
  seals === undefined
    ? ''
    : `: ${seals[0] === seals[1] ? `seal ${seals[0]} is` : `seals ${seals[0]} to ${seals[1]} are`} missing`;

/** The lines that are no part of any proof, for people. */
export function faultTexts({ faulty, faults, cut }: Input): string[] {
  const texts = faulty.map(
    ({ file, line, fault, detail }) => `${file}:${line}: ${FAULTS[fault]}${detail === undefined ? '' : `: ${detail}`}`,
  );
  for (const [fault, count] of faults) {
    const shown = faulty.filter((each) => each.fault === fault).length;
    if (count > shown) texts.push(`${counted(count - shown, 'more line')}: ${FAULTS[fault]}`);
  }
  return [...texts, ...cut.map(({ file, line }) => `${file}:${line}: the last line is not finished, and was left out`)];
}
