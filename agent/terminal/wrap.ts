import { widthOf } from './columns.ts';

const CHARACTERS = new Intl.Segmenter();

/** Neutralised text in lines of at most so many columns: parted between words where that is possible. One line at least. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const joined = line === '' ? word : `${line} ${word}`;
    if (line !== '' && widthOf(joined) > columns) {
      lines.push(line);
      line = word;
    } else line = joined;
    for (let cut = fitting(line, columns); cut < line.length; cut = fitting(line, columns)) {
      lines.push(line.slice(0, cut));
      line = line.slice(cut);
    }
  }
  lines.push(line);
  return lines;
}

/** How much of a text fits, in UTF-16 units; one character at least. */
function fitting(text: string, columns: number): number {
  if (widthOf(text) <= columns) return text.length;
  let width = 0;
  for (const { segment, index } of CHARACTERS.segment(text)) {
    width += widthOf(segment);
    if (width > columns && index > 0) return index;
  }
  return text.length;
}
