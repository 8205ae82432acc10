/** Whether the terminal shows UTF-8, as the first of these variables that is set says (locale(7)). */
export function showsUtf8({ LC_ALL, LC_CTYPE, LANG }: NodeJS.ProcessEnv = process.env): boolean {
  const locale = [LC_ALL, LC_CTYPE, LANG].find((value) => value !== undefined && value !== '');
  return /utf-?8/iu.test(locale ?? '');
}
