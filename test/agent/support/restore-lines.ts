import { statSync, truncateSync } from 'node:fs';
import { RotatingFile } from '../../../agent/outputs/file/rotating-file.ts';

/** A program: fills the file named on its command line up to the limit of the shell, cuts it, and prints what is told when lines are written again. */
async function main(path: string): Promise<void> {
  const onTruncated = (rewritten: number, complete: boolean): void => console.log(`${rewritten} ${complete}`);
  const file = new RotatingFile({ path, maxBytes: 1_000_000, maxFiles: 2, onTruncated });
  await file.open();
  const append = () => file.append(Buffer.from(`${'a'.repeat(99)}\n`));
  while ((await append()).error === undefined);
  truncateSync(path, statSync(path).size - 200);
  const { error } = await append();
  console.log(error?.message);
  await file.close();
}

void main(process.argv[2]!);
