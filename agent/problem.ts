/** One thing that is wrong in a configuration file, and where. */
export interface Problem {
  file: string;
  /** Counted from 1. */
  line: number;
  /** Counted from 1. */
  column: number;
  /** `outputs[1].max_bytes`; empty for the file as a whole. */
  path: string;
  message: string;
}

/** `file:line:column: path: message`, which editors and terminals turn into a link. */
export function formatProblem(problem: Problem): string {
  const where = `${problem.file}:${problem.line}:${problem.column}`;
  return problem.path === '' ? `${where}: ${problem.message}` : `${where}: ${problem.path}: ${problem.message}`;
}

/** `["outputs", 1, "max_bytes"]` as `outputs[1].max_bytes`. */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? String(part) : `.${String(part)}`;
  }
  return text;
}

const SHOWN_VALUE_LENGTH = 60;

/** A value as an error shows it: JSON, so that control characters cannot reach a terminal, and cut. */
export function formatValue(value: unknown): string {
  const text = typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length <= SHOWN_VALUE_LENGTH ? text : `${text.slice(0, SHOWN_VALUE_LENGTH)}…`;
}
