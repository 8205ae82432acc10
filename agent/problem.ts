/** One problem in a configuration or a rule file, with its place. */
export interface Problem {
  readonly file: string;
  /** From 1; 0 where the value did not come from text. */
  readonly line: number;
  /** From 1, in UTF-16 units; 0 where the value did not come from text. */
  readonly column: number;
  /** `outputs[1].max_bytes`, `detection.selection.Image|endswith[2]`; empty for the whole file or document. */
  readonly path: string;
  readonly message: string;
}

/** Characters of a path and of a message that are shown: a key or a word of a rule can be a whole file long. */
const SHOWN_LENGTH = 1000;

const shown = (text: string): string => (text.length <= SHOWN_LENGTH ? text : `${text.slice(0, SHOWN_LENGTH)}…`);

/** `file:line:column: path: message`, which editors and terminals turn into a link. A long path or message is cut. */
export function formatProblem({ file, line, column, path, message }: Problem): string {
  const place = line > 0 ? `${file}:${line}:${column}` : file;
  return path === '' ? `${place}: ${shown(message)}` : `${place}: ${shown(path)}: ${shown(message)}`;
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
  const text = typeof value === 'number' ? formatNumber(value) : (JSON.stringify(value) ?? String(value));
  return text.length <= SHOWN_VALUE_LENGTH ? text : `${text.slice(0, SHOWN_VALUE_LENGTH)}…`;
}

/** JSON has no infinity, and would show null. */
function formatNumber(value: number): string {
  if (Number.isNaN(value)) return '.nan';
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? '.inf' : '-.inf';
}
