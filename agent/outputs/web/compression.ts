import { promisify } from 'node:util';
import { constants, gzip, zstdCompress } from 'node:zlib';
import type { Compression } from './config.ts';

const compressors = {
  // Lines are much alike: more work makes them hardly smaller.
  gzip: (data: Buffer) => promisify(gzip)(data, { level: constants.Z_BEST_SPEED }),
  zstd: (data: Buffer) => promisify(zstdCompress)(data),
};

/** A body as it is sent, and the header that says how. */
export async function compress(
  body: Buffer,
  compression: Compression,
): Promise<{ data: Buffer; headers: Readonly<Record<string, string>> }> {
  if (compression === 'none') return { data: body, headers: {} };
  return { data: await compressors[compression](body), headers: { 'Content-Encoding': compression } };
}
