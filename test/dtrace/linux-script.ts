/** The parts of dtrace/exec.d that only macOS understands. */
const MACOS = /\/\* macOS(?:: [^*]*)? \*\/.*?\/\* end of macOS \*\//gsu;

/** Linux's clause for arguments and ids: argc and argv lie at the start of the stack. */
const DETAILS = String.raw`proc:::exec-success
{
	this->argc = *(int *)copyin((uintptr_t)curthread->mm->start_stack, 4);
	this->argv = (uintptr_t)curthread->mm->start_stack + 8;
	printf("i %d %d %d %d %d %d -1 0 0\n", cpu, this->n, this->argc, curpsinfo->pr_euid, curpsinfo->pr_egid, curpsinfo->pr_sid);
}`;

/** How many such parts there are. If that changes, check whether Linux needs a counterpart. */
const PARTS = 8;

/**
 * The script as Linux can run it: without the parts of macOS, except the clause that has a counterpart here.
 * @throws when the script does not have the parts that are expected
 */
export function linuxScript(script: string): string {
  const parts = [...script.matchAll(MACOS)].map(([part]) => part);
  const detailed = parts.filter((part) => part.includes('pr_argv'));
  if (parts.length !== PARTS || detailed.length !== 1)
    throw new Error(
      `dtrace/exec.d has ${parts.length} parts for macOS alone, ${detailed.length} of them with arguments; ${PARTS} and 1 are known here`,
    );
  return script.replaceAll(MACOS, (part) => (part === detailed[0] ? DETAILS : ''));
}
