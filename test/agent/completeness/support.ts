import { Budget } from '../../../agent/completeness/budget.ts';
import { Input } from '../../../agent/completeness/input.ts';
import { judgeAll } from '../../../agent/completeness/judge.ts';
import { Ledger } from '../../../agent/completeness/ledger.ts';
import { LineReader } from '../../../agent/completeness/line-reader.ts';
import type { Problem, Verdict } from '../../../agent/completeness/verdict.ts';
import { keyOf } from '../../support/sealed-streams.ts';

/** The verdicts on lines, which are read in pieces of some bytes. */
export function verdictsOf(
  lines: ReadonlyArray<string | Buffer>,
  { whole = false, pieceBytes = 1000 }: { whole?: boolean; pieceBytes?: number } = {},
): { verdicts: Verdict[]; input: Input } {
  const ledger = new Ledger(new Budget());
  const input = new Input(ledger);
  input.begin('lines');
  const reader = new LineReader(input);
  const bytes = Buffer.concat(lines.flatMap((line) => [Buffer.from(line), Buffer.from('\n')]));
  for (let at = 0; at < bytes.length; at += pieceBytes) reader.push(bytes.subarray(at, at + pieceBytes));
  reader.end();
  return { verdicts: [...judgeAll(ledger, { whole })], input };
}

export const keyOfVerdict = ({ host_id, boot_id = '', stream }: Verdict): string => keyOf({ host_id, boot_id, stream });

/** The problems of one kind. */
export const problemsOf = <K extends Problem['kind']>(
  { problems }: Verdict,
  kind: K,
): Array<Extract<Problem, { kind: K }>> =>
  problems.filter((problem): problem is Extract<Problem, { kind: K }> => problem.kind === kind);
