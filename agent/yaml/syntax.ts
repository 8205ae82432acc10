import { Lexer, Parser, type CST } from 'yaml';
import { MAX_DEPTH } from './limits.ts';

/** A token that is YAML and is not read here, and why. */
export interface Unread {
  readonly offset: number;
  readonly message: string;
}

const TOO_DEEP = `nested too deeply: more than ${MAX_DEPTH} lists and maps inside each other`;

/**
 * Parses a text, token by token: a document is one. A file of brackets alone would take a thousand bytes of memory for each, so the
 * parser stops where it is nested too deeply; what stands behind that is not read.
 * @returns where it stopped, if it did
 */
export function* parseTokens(
  text: string,
  onNewLine: (offset: number) => void,
): Generator<CST.Token, Unread | undefined> {
  onNewLine(0);
  const parser = new Parser(onNewLine);
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme);
    if (parser.stack.length <= MAX_DEPTH) continue;
    const tooDeep = parser.stack.filter(isCollection)[MAX_DEPTH];
    if (tooDeep !== undefined) return { offset: tooDeep.offset, message: TOO_DEEP };
  }
  yield* parser.end();
  return undefined;
}

/**
 * Looks through one token of the file, before anything recurses into it, for what is not read: nesting that is too
 * deep, tags, which change what a value means, and directives, which change the language. Takes time linear in the token and no stack.
 */
export function findUnread(token: CST.Token): Unread | undefined {
  if (token.type === 'directive') return ofDirective(token);
  const stack: { token: CST.Token; depth: number }[] = [{ token, depth: 0 }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { token: one, depth } = next;
    if (one.type === 'tag') return { offset: one.offset, message: tagMessage(one.source) };
    if (depth > MAX_DEPTH) return { offset: one.offset, message: TOO_DEEP };
    // Reversed, so that the first of several faults is found first.
    for (const child of childrenOf(one).toReversed())
      stack.push({ token: child, depth: depth + (isCollection(child) ? 1 : 0) });
  }
  return undefined;
}

function ofDirective({ offset, source }: CST.Directive): Unread | undefined {
  if (/^%YAML\s+1\.2\s*$/.test(source)) return undefined;
  return { offset, message: `the directive ${shown(source)} is not read; the file is YAML 1.2 without it` };
}

const tagMessage = (source: string): string =>
  `the tag ${shown(source)} is not read; a text that begins with "!" needs quotation marks`;

const isCollection = ({ type }: CST.Token): boolean =>
  type === 'block-map' || type === 'block-seq' || type === 'flow-collection';

function childrenOf(token: CST.Token): CST.Token[] {
  const found: CST.Token[] = [];
  if ('start' in token && Array.isArray(token.start))
    for (const one of token.start as CST.SourceToken[]) found.push(one);
  if ('props' in token) for (const prop of token.props) found.push(prop);
  if ('items' in token) {
    for (const { start, key, sep, value } of token.items) {
      for (const one of start) found.push(one);
      if (key !== null && key !== undefined) found.push(key);
      for (const one of sep ?? []) found.push(one);
      if (value !== undefined) found.push(value);
    }
  }
  if (token.type === 'document' && token.value !== undefined) found.push(token.value);
  return found;
}

const shown = (source: string): string => (source.length > 40 ? `${source.slice(0, 40)}…` : source);
