/** The variables that starter rules read. */
const VARIABLES = 'LD_PRELOAD,LD_LIBRARY_PATH';

/** The helper's arguments: those that were given and, unless they name variables themselves, the variables that starter rules read. */
export function withVariables(given: readonly string[]): readonly string[] {
  const names = given.some((argument) => argument === '--env' || argument.startsWith('--env='));
  return names ? given : ['--env', VARIABLES, ...given];
}
