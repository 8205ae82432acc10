import { ROOT } from './root-folder.ts';
import { run } from './run.ts';

/** The variable that names the commit where there is no git: `sourceCommit` as text. */
export const SOURCE_COMMIT = 'PROBES_SOURCE_COMMIT';

const CHANGED = '+changed';

/** The commit that a build is made of. */
export interface SourceCommit {
  /** 40 hexadecimal digits. */
  readonly id: string;
  /** Whether files that git knows differ from it. */
  readonly changed: boolean;
}

/**
 * The commit that is checked out, or the one that the environment names. Undefined for source without git.
 * @throws {Error} when the environment names none
 */
export function sourceCommit(): SourceCommit | undefined {
  const given = process.env[SOURCE_COMMIT];
  if (given !== undefined) {
    const [, id, changed] = /^([0-9a-f]{40})(\+changed)?$/u.exec(given) ?? [];
    if (id === undefined) throw new Error(`${SOURCE_COMMIT}: expected 40 hexadecimal digits, got "${given}"`);
    return { id, changed: changed !== undefined };
  }
  const git = (...args: readonly string[]): string =>
    run('git', ['-c', 'safe.directory=*', ...args], { cwd: ROOT }).trim();
  try {
    return { id: git('rev-parse', 'HEAD'), changed: git('status', '--porcelain', '--untracked-files=no') !== '' };
  } catch {
    return undefined;
  }
}

/** For the environment of a build in a copy without git. */
export function commitText(commit: SourceCommit | undefined): Record<string, string> {
  return commit === undefined ? {} : { [SOURCE_COMMIT]: `${commit.id}${commit.changed ? CHANGED : ''}` };
}
