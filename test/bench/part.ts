import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A part of the bench that needs nothing of the others, and can be asked for alone. */
export interface Part<Result> {
  readonly id: string;
  /** Of its section in docs/benchmarks.md. */
  readonly heading: string;
  readonly section: (result: Result | { readonly missing: string }) => string;
}

/** Runs `ID/bench.ts` in a process of its own: its memory and its compiled code are then its own. @throws when it fails */
export function measurePart<Result>({ id }: Part<Result>): Result {
  const program = fileURLToPath(new URL(`./${id}/bench.ts`, import.meta.url));
  const { status, stdout } = spawnSync(process.execPath, [program, '--json'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`the ${id} bench ended with status ${status}`);
  return JSON.parse(stdout) as Result;
}

/** A page with this section in place of the one of its heading, or before the page's last. */
export function withSection(page: string, heading: string, section: string): string {
  const start = page.indexOf(`\n${heading}\n`);
  const at = start === -1 ? page.lastIndexOf('\n## ') : start;
  const end = start === -1 ? at : page.indexOf('\n## ', start + 1);
  return `${page.slice(0, at + 1)}${section}${end === -1 ? '' : page.slice(end)}`;
}
