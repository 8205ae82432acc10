import { MAX_ENV_LINE_SHARE } from '../../limits.ts';
import type { EnvironmentFields } from '../../../shared/events/exec.ts';
import type { LineBuilder } from '../../stream/stream.ts';
import type { SeenProcess } from './decoder.ts';

/**
 * Writes a process as a line of JSON, with the fields in the order of EXEC_FIELDS, because agents read such lines
 * faster. Cuts arguments as far as the room demands.
 */
export function processLine(seen: SeenProcess): LineBuilder {
  const {
    pid,
    timestamp,
    type,
    time,
    filename,
    argv: all,
    callersFrom,
    argv_truncated: cut,
    env,
    env_repeated,
    env_truncated,
    raw: allRaw,
    cwd,
    comm,
    start_time,
    flags,
    parent,
    source,
    ...who
  }: SeenProcess & EnvironmentFields = seen;
  return (seq, room) => {
    let argv = all;
    let raw = allRaw;
    let isCut = cut === true;
    const most = room();
    const environment = fitting({ env, env_repeated, env_truncated }, most);
    for (;;) {
      const command = [filename, ...(argv?.slice(callersFrom) ?? [])].join(' ');
      const event = {
        pid,
        command,
        timestamp,
        type,
        seq,
        time,
        ...who,
        filename,
        argv,
        ...(isCut ? { argv_truncated: true } : {}),
        ...environment,
        raw,
        cwd,
        comm,
        start_time,
        flags,
        parent,
        source,
      };
      const line = `${JSON.stringify(event)}\n`;
      if (line.length * 3 <= most || Buffer.byteLength(line) <= most || argv === undefined || argv.length === 0)
        return line;
      argv = halved(argv);
      raw = withoutArguments(raw, argv.length);
      isCut = true;
    }
  };
}

type Loose<T> = { [K in keyof T]: T[K] | undefined };

/** The environment, or that it is left out, where it would take more than its share of the room. */
function fitting(environment: Loose<EnvironmentFields>, room: number): Loose<EnvironmentFields> {
  const isFitting = Buffer.byteLength(JSON.stringify(environment)) <= room * MAX_ENV_LINE_SHARE;
  return isFitting ? environment : { env_truncated: true };
}

/** Half of the argument that makes up most of them, if there is one; otherwise the first half of the arguments. */
function halved(argv: readonly string[]): readonly string[] {
  const total = argv.reduce((sum, argument) => sum + argument.length, 0);
  const large = argv.findIndex((argument) => argument.length > 1 && argument.length * 2 > total);
  if (large !== -1) return argv.with(large, (argv[large] as string).slice(0, (argv[large] as string).length >> 1));
  return argv.slice(0, argv.length >> 1);
}

/** The entries of `raw` for the first `count` arguments. */
function withoutArguments(raw: SeenProcess['raw'], count: number): SeenProcess['raw'] {
  if (raw === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(raw).filter(([field]) => !(Number(/^argv\[(\d+)\]$/.exec(field)?.[1]) >= count)),
  );
}
