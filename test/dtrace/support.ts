import { RESTART_MARK, type Findings, type SeenProcess } from '../../helper/macos/child/decoder.ts';
import { DtraceDecoder } from '../../helper/macos/dtrace/dtrace-decoder.ts';

/** The findings of a decoder, in its order: an event, a loss as its count and cause, or `restarted`. */
export class Found implements Findings {
  readonly all: (SeenProcess | string)[] = [];

  process(seen: SeenProcess): void {
    this.all.push(seen);
  }

  missing(count: number, cause: string): void {
    this.all.push(`${count} ${cause}`);
  }

  restarted(): void {
    this.all.push('restarted');
  }

  get processes(): SeenProcess[] {
    return this.all.filter((one) => typeof one !== 'string');
  }
}

/** Decodes the output of dtrace/exec.d. */
export function decode(...pieces: (string | Buffer)[]): { found: Found; decoder: DtraceDecoder } {
  const found = new Found();
  const decoder = new DtraceDecoder(found);
  for (const piece of pieces) decoder.push(Buffer.from(piece as string));
  return { found, decoder };
}

const netstring = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from(`${bytes.length}:`), bytes, Buffer.from(',')]);

interface Printed {
  readonly cpu?: number;
  readonly name?: string;
  readonly path?: Buffer | undefined;
  readonly args?: readonly Buffer[];
  readonly argc?: number;
  readonly ids?: string;
}

/** The output of dtrace/exec.d for one exec. */
export function printed(
  number: number,
  {
    cpu = 0,
    name = 'true',
    path = Buffer.from('/bin/true'),
    args = [Buffer.from('true')],
    argc = args.length,
    ids = '70 1 501 20',
  }: Printed = {},
): Buffer {
  const at = `${cpu} ${number}`;
  const line = (head: string, text?: Buffer): Buffer =>
    Buffer.concat([
      Buffer.from(head),
      ...(text === undefined ? [] : [Buffer.from(' '), netstring(text)]),
      Buffer.from('\n'),
    ]);
  return Buffer.concat([
    line(`x ${at} 1795352083140215713 ${ids}`, Buffer.from(name)),
    ...(path === undefined ? [] : [line(`p ${at}`, path)]),
    line(`i ${at} ${argc} 502 21 44 -1 1795352080 7`),
    ...args.map((arg, i) => line(`a ${at} ${i}`, arg)),
    line(`e ${at}`),
  ]);
}

export { RESTART_MARK };
