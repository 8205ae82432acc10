import { lstat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { reasonOf } from '../../errors.ts';
import { isSpooled, type OutputConfig } from '../../outputs/kinds.ts';
import type { SpoolConfig } from './config.ts';
import { inspectSpool } from './inspect.ts';

/** Problems of a configuration's spool: `problems` would keep an agent from starting. Changes nothing. */
export async function checkSpool({
  spool,
  outputs,
}: {
  spool?: SpoolConfig | undefined;
  outputs: readonly OutputConfig[];
}): Promise<{ problems: string[]; warnings: string[] }> {
  if (spool === undefined) return { problems: [], warnings: [] };
  const { folder } = spool;
  const warnings: string[] = [];
  if (!outputs.some(isSpooled))
    warnings.push('no output uses the spool: files and standard output do without it; it is not opened');
  if (!(await isThere(folder))) {
    if (await isThere(dirname(folder))) return { problems: [], warnings };
    return { problems: [`${dirname(folder)} does not exist; make it, writable for the agent's user`], warnings };
  }
  try {
    const { problem, segments, outputs: places } = await inspectSpool(folder, false);
    if (problem !== undefined) warnings.push(`spool ${folder}: ${problem}`);
    for (const { file, damages } of segments)
      for (const { offset, reason } of damages) warnings.push(`spool ${folder}: ${file}, byte ${offset}: ${reason}`);
    for (const { name, problem: doubt } of places)
      if (doubt !== undefined) warnings.push(`spool ${folder}: ${name}.cursor: ${doubt}`);
    return { problems: [], warnings };
  } catch (error) {
    return { problems: [`${folder}: ${reasonOf(error)}`], warnings };
  }
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
