const BLOCKS = '▁▂▃▄▅▆▇█';
const ASCII = '_.-:=+*#';

/**
 * Numbers as a line of small columns, as high as the largest of them. Nothing happened where there is a blank.
 * @param width columns; where there are more numbers, each column shows the largest of several, and the last is the newest
 */
export function sparkline(values: readonly number[], width: number, isUtf8: boolean): string {
  if (width <= 0) return '';
  const each = Math.max(1, Math.ceil(values.length / width));
  const heights: number[] = [];
  for (let end = values.length; end > 0; end -= each)
    heights.unshift(Math.max(...values.slice(Math.max(0, end - each), end)));
  const most = Math.max(1, ...heights);
  const steps = isUtf8 ? BLOCKS : ASCII;
  const text = heights
    .map((height) => (height > 0 ? steps[Math.ceil((height / most) * steps.length) - 1]! : ' '))
    .join('');
  return text.padStart(width);
}
