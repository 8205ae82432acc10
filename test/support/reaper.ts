import { spawn, type ChildProcess } from 'node:child_process';

/**
 * Ends what a test file started when the test file itself is killed (a time-out
 * kills it outright, and no exit handler runs): a shell that reads process ids
 * from a pipe, and acts when the pipe ends.
 */
const SCRIPT = `
alive=' '
while read -r sign pid; do
  case $sign in
    +) alive="$alive$pid " ;;
    -) alive=$(printf %s "$alive" | sed "s/ $pid / /") ;;
  esac
done
kill -9 $alive 2>/dev/null
`;

let reaper: ChildProcess | undefined;

/** Has `child` ended, at the latest, with this process. */
export function endWithUs(child: ChildProcess): void {
  if (reaper === undefined) {
    reaper = spawn('sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    reaper.unref();
    (reaper.stdin as unknown as { unref?: () => void }).unref?.();
  }
  const { stdin } = reaper;
  stdin?.write(`+ ${child.pid}\n`);
  child.on('exit', () => stdin?.write(`- ${child.pid}\n`));
}
