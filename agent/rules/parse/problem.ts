/** A place in a rule file that is wrong, and why. */
export interface Problem {
  readonly file: string;
  /** From 1; 0 where the value did not come from text. */
  readonly line: number;
  /** From 1, in UTF-16 units; 0 where the value did not come from text. */
  readonly column: number;
  /** Where in the document: `detection.selection.Image|endswith[2]`. Empty for the whole document. */
  readonly path: string;
  readonly message: string;
}

/** `file:line:column: path: message`, which editors and terminals turn into a link. */
export function formatProblem({ file, line, column, path, message }: Problem): string {
  const place = line > 0 ? `${file}:${line}:${column}` : file;
  return path === '' ? `${place}: ${message}` : `${place}: ${path}: ${message}`;
}

/** The allowed word that was probably meant: at most two letters away. */
export function didYouMean(word: string, allowed: Iterable<string>): string {
  let best: string | undefined;
  let distance = Math.min(3, Math.floor(word.length / 2) + 1);
  for (const candidate of allowed) {
    const d = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (d < distance) {
      best = candidate;
      distance = d;
    }
  }
  return best === undefined ? '' : `, did you mean "${best}"?`;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
