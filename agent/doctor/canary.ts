import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { ControlClient } from '../client/client.ts';
import { reasonOf } from '../errors.ts';
import { findingsOf, type Finding } from './finding.ts';
import type { HelperStream } from './helper-stream.ts';

/** An exec has to be seen within this, in milliseconds. */
const IN_TIME_MS = 1000;

/** So long it is waited for, to tell late from never. */
const PATIENCE_MS = 5000;

/** Something that does nothing. */
const PROGRAMS = ['/usr/bin/true', '/bin/true'];

/** A way on which an exec can be seen. */
interface Watch {
  /** For messages. */
  readonly way: string;
  /** Why it may not be seen, although the sensor works. */
  readonly doubt?: string;
  /**
   * Begins to look for a text in the arguments.
   * @returns a promise of whether it came, once it is certain to be looked for
   */
  look(text: string, ms: number): Promise<{ seen: Promise<boolean>; stop: () => void }>;
}

/** Through the agent, filters, rules and redaction included. */
export function throughAgent(client: ControlClient): Watch {
  return {
    way: 'through the agent',
    doubt: 'a filter of the configuration may drop it',
    async look(text, ms) {
      const end = new AbortController();
      const open = Promise.withResolvers<void>();
      const seen = Promise.withResolvers<boolean>();
      const query = new URLSearchParams({ filter: `CommandLine|contains: ${text}` });
      const followed = client.follow(query, {
        signal: end.signal,
        onOpen: async () => open.resolve(),
        onLines: async (lines) => {
          if (lines.some((line) => line.includes(text))) seen.resolve(true);
        },
        onTooLong: () => undefined,
      });
      followed.catch((error: unknown) => {
        open.reject(error);
        seen.resolve(false);
      });
      await open.promise;
      setTimeout(() => seen.resolve(false), ms).unref();
      return { seen: seen.promise, stop: () => end.abort() };
    },
  };
}

/** From the helper's socket, without an agent. */
export function fromHelper(stream: HelperStream): Watch {
  return {
    way: 'from the helper',
    async look(text, ms) {
      await stream.caughtUp();
      stream.expect(text);
      return { seen: stream.saw(ms), stop: () => undefined };
    },
  };
}

/** Executes a program, whose exec has to arrive. It is an event like any other: outputs get it, too. */
export async function checkCanary({ way, doubt, look }: Watch, program = findProgram()): Promise<Finding> {
  const { ok, warning, problem, skipped } = findingsOf('canary');
  if (program === undefined) return skipped(`there is neither ${PROGRAMS.join(' nor ')}`);
  // Not a word that redaction takes for a secret.
  const text = `probes-agent-doctor-${process.pid}-${Date.now() % 100_000}`;
  let looking: Awaited<ReturnType<Watch['look']>>;
  try {
    looking = await look(text, PATIENCE_MS);
  } catch (error) {
    return skipped(reasonOf(error));
  }
  try {
    const began = performance.now();
    const child = spawn(program, [text], { stdio: 'ignore' });
    await once(child, 'spawn');
    if (!(await looking.seen))
      return problem(
        `an exec of ${program} did not arrive ${way} within ${PATIENCE_MS / 1000} s`,
        doubt === undefined
          ? 'restart the helper, and look at its log'
          : `${doubt}; otherwise restart the helper, and look at its log`,
      );
    const took = performance.now() - began;
    const says = `an exec arrived ${way} after ${(took / 1000).toFixed(2)} s`;
    return took <= IN_TIME_MS ? ok(says) : warning(says, 'the machine is busy, or the agent is behind; see status');
  } finally {
    looking.stop();
  }
}

const findProgram = (): string | undefined => PROGRAMS.find((file) => existsSync(file));
