/**
 * Splits a command line into arguments by the rules of Microsoft's C runtime ("Parsing C command-line arguments").
 * argv[0] ends at its closing quote or at a blank; backslashes in it are literal. In the rest, 2n backslashes before a
 * quote stand for n, and the quote is a delimiter; 2n+1 stand for n and a literal quote; two quotes inside a quoted
 * part are one literal quote. Nearly all programs split their command line like this, but a program may do it
 * differently.
 */
export function splitCommandLine(text: string): string[] {
  let at = 0;
  const isBlank = (index: number): boolean => text[index] === ' ' || text[index] === '\t';

  let first = '';
  for (let quoted = false; at < text.length && (quoted || !isBlank(at)); at++) {
    if (text[at] === '"') quoted = !quoted;
    else first += text[at];
  }
  const argv = [first];

  for (;;) {
    while (isBlank(at)) at++;
    if (at >= text.length) return argv;
    let argument = '';
    for (let quoted = false; at < text.length && (quoted || !isBlank(at));) {
      let slashes = 0;
      while (text[at] === '\\') {
        slashes++;
        at++;
      }
      if (text[at] !== '"') {
        argument += '\\'.repeat(slashes);
        if (slashes === 0) argument += text[at++];
        continue;
      }
      argument += '\\'.repeat(slashes >> 1);
      if (slashes % 2 === 1) argument += '"';
      else if (quoted && text[at + 1] === '"') {
        argument += '"';
        at++;
      } else quoted = !quoted;
      at++;
    }
    argv.push(argument);
  }
}
