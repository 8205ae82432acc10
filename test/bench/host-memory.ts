import { execFileSync } from 'node:child_process';

/** Bytes that stay free: enough for what runs beside the bench. */
const RESERVE_BYTES = 1024 ** 3;
const PIECE_BYTES = 64 * 1024 ** 2;

/** In a process of its own, which the kernel ends first when memory runs short. */
const TOUCH = `
const { readFileSync, writeFileSync } = require('node:fs');
writeFileSync('/proc/self/oom_score_adj', '1000');
const [most, reserve, piece] = process.argv.slice(1).map(Number);
const free = () => Number(/^MemFree:\\s+(\\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'latin1'))[1]) * 1024;
const held = [];
while ((held.length + 1) * piece <= most && free() - piece >= reserve) held.push(Buffer.alloc(piece, 1));
process.stdout.write(String(held.length * piece));
`;

/**
 * Writes to all free memory once, on Linux. A host gives a virtual machine its memory page by page, when it is first touched, and that
 * takes longer than to copy a page. An observer whose files grow would pay for it, and the next one would not.
 * @param most bytes, fewer in tests alone
 * @returns bytes
 */
export function touchFreeMemory(most = Infinity): number {
  const args = [most, RESERVE_BYTES, PIECE_BYTES].map(String);
  return Number(execFileSync(process.execPath, ['--eval', TOUCH, ...args], { encoding: 'latin1' }));
}
