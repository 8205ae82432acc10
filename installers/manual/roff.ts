/** Text with its markup, in the language of man(7) pages. */
export interface Roff {
  readonly source: string;
}

/** A part of a section. */
export type Block =
  | { readonly paragraph: Roff }
  | { readonly subheading: string }
  /** An entry of a list: a term and what it means, with a further paragraph each. */
  | { readonly term: Roff; readonly meaning: readonly Roff[] }
  /** Lines that are shown as they are. */
  | { readonly code: readonly string[] };

export interface Page {
  readonly name: string;
  readonly section: 5 | 8;
  /** Seconds since 1970; the page shows the day. */
  readonly date: number;
  /** Such as "Platform Probes 1.2.3". */
  readonly source: string;
  readonly sections: ReadonlyArray<readonly [heading: string, blocks: readonly Block[]]>;
}

/**
 * Prose. What stands between the values is plain text; values are plain text too, unless they are markup already.
 */
export function prose(texts: TemplateStringsArray, ...values: ReadonlyArray<string | number | Roff>): Roff {
  const parts = texts.map((text, index) => {
    const value = values[index];
    return (
      escaped(text) + (value === undefined ? '' : typeof value === 'object' ? value.source : escaped(String(value)))
    );
  });
  return { source: parts.join('') };
}

/** Text that is typed as it stands: commands, flags, keys. */
export const bold = (text: string): Roff => ({ source: String.raw`\fB${escaped(text)}\fR` });

/** Text that is replaced by a value; names of files. */
export const italic = (text: string): Roff => ({ source: String.raw`\fI${escaped(text)}\fR` });

export const paragraph = (texts: TemplateStringsArray, ...values: ReadonlyArray<string | number | Roff>): Block => ({
  paragraph: prose(texts, ...values),
});

/** The page's source: the same page gives the same text. */
export function pageText({ name, section, date, source, sections }: Page): string {
  const day = new Date(date * 1000).toISOString().slice(0, 10);
  const head = `.TH "${escaped(name.toUpperCase())}" "${section}" "${day}" "${escaped(source)}" "Platform Probes"`;
  // Left-aligned and without hyphenation: what is typed must not be broken.
  const lines = ['.\\" Made by npm run package.', head, '.ad l', '.nh'];
  for (const [heading, blocks] of sections) {
    lines.push(`.SH "${heading}"`);
    blocks.forEach((block, index) => lines.push(...blockLines(block, blocks[index - 1])));
  }
  return `${lines.join('\n')}\n`;
}

function blockLines(block: Block, before: Block | undefined): string[] {
  if ('subheading' in block) return [`.SS "${escaped(block.subheading)}"`];
  if ('term' in block)
    return [
      '.TP',
      filled(block.term)[0] ?? '',
      ...block.meaning.flatMap((each, index) => [...(index === 0 ? [] : ['.IP']), ...filled(each)]),
    ];
  // A paragraph macro right below a heading has no effect, and checkers say so.
  const begin = before === undefined || 'subheading' in before ? [] : ['.PP'];
  if ('paragraph' in block) return [...begin, ...filled(block.paragraph)];
  return [...begin, '.RS 4', '.nf', ...block.code.map((line) => guarded(escaped(line))), '.fi', '.RE'];
}

const WIDTH = 78;

/** The source of a text in short lines, a sentence on lines of its own, as checkers want it. */
function filled({ source }: Roff): string[] {
  const lines: string[] = [];
  for (const sentence of source.split(/(?<=[.!?]\)?)\s+(?=[\p{Lu}\\])/u)) {
    let line = '';
    for (const word of sentence.split(/\s+/u)) {
      if (line !== '' && line.length + 1 + word.length > WIDTH) {
        lines.push(line);
        line = '';
      }
      line += line === '' ? word : ` ${word}`;
    }
    lines.push(line);
  }
  return lines.map(guarded);
}

/** A line that is no request of the formatter, although it begins like one. */
const guarded = (line: string): string => (/^[.']/u.test(line) ? String.raw`\&${line}` : line);

const SPECIAL: Readonly<Record<string, string>> = {
  '\\': String.raw`\e`,
  // A dash that can be typed, and quotes that can: the plain characters print as others.
  '-': String.raw`\-`,
  "'": String.raw`\(aq`,
  '`': String.raw`\(ga`,
  '^': String.raw`\(ha`,
  '~': String.raw`\(ti`,
  '"': String.raw`\(dq`,
  '…': '...',
};

function escaped(text: string): string {
  return text.replaceAll(/[\\\-'`^~"…]/gu, (character) => SPECIAL[character] ?? character);
}
