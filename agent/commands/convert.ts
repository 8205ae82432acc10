import { EventError } from '../../shared/events/parse.ts';
import { systemCode } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { mappingOf } from '../formats/choice.ts';
import type { MappingName } from '../formats/config.ts';
import { RecordedLines } from '../formats/recorded.ts';
import { neutralise } from '../terminal-text.ts';
import { nameOf } from './event-file.ts';
import { shownJson } from './print.ts';
import { readingProblem, transformLines } from './recorded-lines.ts';

/** How many lines that are no events are named. */
const MAX_NAMED = 20;

export interface ConvertOptions {
  readonly format: MappingName;
  /** A path, or `-` for standard input. */
  readonly file: string;
}

/** `probes-agent convert`: prints recorded events in another format. Lines that are no events are named and left out. */
export async function convert({ format, file }: ConvertOptions): Promise<ExitCode> {
  const recorded = new RecordedLines(await mappingOf(format));
  let lines = 0;
  let faulty = 0;
  try {
    await transformLines(file, (line) => {
      lines++;
      if (line.trim() === '') return undefined;
      try {
        const converted = recorded.convert(line);
        return converted && shownJson(converted);
      } catch (error) {
        if (!(error instanceof EventError)) throw error;
        if (++faulty <= MAX_NAMED) complain(`${nameOf(file)}:${lines}: ${error.message}`);
        return undefined;
      }
    });
  } catch (error) {
    if (systemCode(error) === 'EPIPE') return EXIT.OK;
    complain(readingProblem(error, file, lines));
    return EXIT.INPUT;
  }
  if (faulty > MAX_NAMED) complain(`${faulty - MAX_NAMED} further lines are no events`);
  return faulty === 0 ? EXIT.OK : EXIT.INPUT;
}

/** Other people choose names and lines: escape them, so that the terminal obeys none. */
function complain(message: string): void {
  process.stderr.write(`${neutralise(`probes-agent convert: ${message}`)}\n`);
}
