import type { TreeEntry } from '../tools/tree.ts';
import { bashCompletion } from './bash.ts';
import { agentProgram, helperProgram } from './command-lines.ts';
import { fishCompletion } from './fish.ts';
import { zshCompletion } from './zsh.ts';

/** Completions of both programs, where bash, zsh and fish look for those of packages. */
export function completions(): TreeEntry[] {
  const file = (name: string, text: string): TreeEntry => ({ path: name, mode: 0o644, data: Buffer.from(text) });
  return [agentProgram(), helperProgram()].flatMap((program) => [
    file(`usr/share/bash-completion/completions/${program.name}`, bashCompletion(program)),
    file(`usr/share/zsh/vendor-completions/_${program.name}`, zshCompletion(program)),
    file(`usr/share/fish/vendor_completions.d/${program.name}.fish`, fishCompletion(program)),
  ]);
}
