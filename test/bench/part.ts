import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { Load } from './quiet.ts';

/** A part of the bench that needs nothing of the others, and can be asked for alone. */
export interface Part<Result> {
  readonly id: string;
  /** Of what it measures, for `--help`. */
  readonly about: string;
  /** It runs the built programs. */
  readonly isOfBuilt: boolean;
  /** Of its section in docs/benchmarks.md. */
  readonly heading: string;
  readonly section: (result: Result | { readonly missing: string }) => string;
}

/** A part as it is run and shown, whatever it measures. */
export interface AnyPart extends Omit<Part<never>, 'section'> {
  /** Runs it in a process of its own: its memory and its compiled code are then its own. @throws when it fails */
  measure(): Measured;
  /** The section of a part for which there are no figures. */
  missing(reason: string): string;
}

/** The figures of a part, and its section. */
export interface Measured {
  readonly result: unknown;
  readonly section: string;
}

/** When, of which commit and on how busy a machine a section was measured. */
export interface Provenance {
  readonly date: string;
  readonly commit: string;
  readonly before: Load;
  readonly after: Load;
}

export function anyPart<Result>(part: Part<Result>): AnyPart {
  const { section, ...rest } = part;
  return {
    ...rest,
    measure() {
      const result = measurePart<Result>(part.id);
      return { result, section: section(result) };
    },
    missing: (reason) => section({ missing: reason }),
  };
}

function measurePart<Result>(id: string): Result {
  const program = fileURLToPath(new URL(`./${id}/bench.ts`, import.meta.url));
  const { status, stdout } = spawnSync(process.execPath, [program, '--json'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`the ${id} bench ended with status ${status}`);
  return JSON.parse(stdout) as Result;
}

/** A section with the line that says when it was measured, below its heading. */
export function dated(section: string, { date, commit, before, after }: Provenance): string {
  const [heading = '', ...rest] = section.split('\n');
  const load = [before, after].map(([minute = Number.NaN]) => minute.toFixed(2)).join(' before, ');
  return [heading, '', `Measured ${date} at commit ${commit}; load of one minute ${load} after.`, ...rest].join('\n');
}

/** The section of this heading, up to the line end of its last line; undefined when the page has none. */
export function sectionOf(page: string, heading: string): string | undefined {
  const [at, end] = place(page, heading);
  return at === end ? undefined : `${page.slice(at, end).trimEnd()}\n`;
}

/** A page with this section in place of the one of its heading, or before the page's last. */
export function withSection(page: string, heading: string, section: string): string {
  const [at, end] = place(page, heading);
  return `${page.slice(0, at)}${section}${end === page.length ? '' : '\n'}${page.slice(end)}`;
}

/** Where the section of this heading begins, and the next one; twice where the last one begins when there is none. */
function place(page: string, heading: string): readonly [at: number, end: number] {
  const at = page.indexOf(`\n${heading}\n`) + 1;
  if (at === 0) {
    const last = page.lastIndexOf('\n## ') + 1;
    return [last, last];
  }
  const end = page.indexOf('\n## ', at) + 1;
  return [at, end === 0 ? page.length : end];
}
