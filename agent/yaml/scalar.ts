import type { Node, ScalarNode, Source } from './node.ts';

/** @param source the text of a plain scalar, for numbers that a double cannot hold */
export function scalar(
  value: unknown,
  source: string | undefined,
  type: string | undefined,
  path: string,
  offset: number,
): ScalarNode {
  const verbatim = type === 'PLAIN' && source !== undefined && !source.includes('\n');
  if (typeof value === 'number') {
    // YAML reads 12345678901234567890 as a double; a rule means the digits.
    const exact = Number.isSafeInteger(value) || !/^[-+]?\d+$/.test(source ?? '');
    const text = exact ? String(value) : BigInt(source!).toString();
    return {
      kind: 'scalar',
      path,
      offset,
      value,
      text,
      ...(source === undefined || source === text ? {} : { written: source }),
      verbatim,
    };
  }
  if (value === null && source === '') return { kind: 'scalar', path, offset, value, text: '', written: '', verbatim };
  if (value === null || typeof value === 'boolean') {
    return { kind: 'scalar', path, offset, value, text: String(value ?? ''), verbatim };
  }
  return { kind: 'scalar', path, offset, value: String(value), text: String(value), verbatim };
}

/** The same model for a value that was never text, for example a filter inside a parsed configuration. */
export function nodeOf(value: unknown, path = ''): Node {
  if (Array.isArray(value))
    return { kind: 'list', path, offset: -1, items: value.map((v, i) => nodeOf(v, `${path}[${i}]`)) };
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, v]) => ({
      key,
      keyOffset: -1,
      value: nodeOf(v, path === '' ? key : `${path}.${key}`),
    }));
    return { kind: 'map', path, offset: -1, entries };
  }
  return scalar(value ?? null, undefined, undefined, path, -1);
}

/** A source for such values: it has no lines. */
export const withoutText = (file: string): Source => ({ file, place: () => ({ line: 0, column: 0 }) });
