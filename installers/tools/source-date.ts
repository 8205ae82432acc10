import { ROOT } from './root-folder.ts';
import { run } from './run.ts';

/**
 * The time that dates everything a package holds, in seconds since 1970: `SOURCE_DATE_EPOCH` if it is set
 * (https://reproducible-builds.org/specs/source-date-epoch/), else that of the checked-out commit. One commit gives one result.
 * @throws {Error} when there is neither
 */
export function sourceDate(): number {
  const given = process.env['SOURCE_DATE_EPOCH'];
  if (given !== undefined) {
    if (!/^\d{1,10}$/u.test(given))
      throw new Error(`SOURCE_DATE_EPOCH: expected seconds since 1970, got "${given}". Set it so, or unset it.`);
    return Number(given);
  }
  try {
    return Number(run('git', ['-c', 'safe.directory=*', 'log', '-1', '--format=%ct'], { cwd: ROOT }));
  } catch (cause) {
    throw new Error(
      'cannot tell the time of the commit, because this is no git checkout. Set SOURCE_DATE_EPOCH to the seconds since 1970 that the package is to be dated with.',
      { cause },
    );
  }
}
