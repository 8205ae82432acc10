import { styleText } from 'node:util';

export type Style = 'plain' | 'dim' | 'bold' | 'red' | 'green' | 'yellow' | 'cyan' | 'magenta' | 'critical' | 'alarm';

/** Puts a style around text that holds no escape sequences of its own. */
export type Paint = (style: Style, text: string) => string;

const FORMATS = {
  dim: 'dim',
  bold: 'bold',
  red: 'red',
  green: 'green',
  yellow: 'yellow',
  cyan: 'cyan',
  magenta: 'magenta',
  critical: ['bold', 'red'],
  alarm: ['bold', 'white', 'bgRed'],
} as const;

export const paintNothing: Paint = (_style, text) => text;

const paintColours: Paint = (style, text) =>
  style === 'plain' ? text : styleText([FORMATS[style]].flat(), text, { validateStream: false });

/** Colour if the stream shows it and NO_COLOR and FORCE_COLOR agree. Asked once: the answer costs more than a line. */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  return styleText('red', 'x', { stream }) === 'x' ? paintNothing : paintColours;
}
