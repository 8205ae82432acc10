import { RotatingFile } from '../../../agent/outputs/file/rotating-file.ts';

/** A program: appends 3 and then 100 lines of 100 bytes to the file named on its command line, and prints how that went. */
async function main(path: string): Promise<void> {
  const file = new RotatingFile({ path, maxBytes: 1_000_000, maxFiles: 2 });
  await file.open();
  await file.append(Buffer.from(`${'a'.repeat(99)}\n`.repeat(3)));
  const { written, error } = await file.append(Buffer.from(`${'b'.repeat(99)}\n`.repeat(100)));
  console.log(error === undefined ? 'everything was taken' : `${written} taken: ${error.message}`);
  await file.close();
}

void main(process.argv[2]!);
