import { constants, zstdCompressSync } from 'node:zlib';

/**
 * Both programs are nearly the same Node.js. With a window of 128 MiB, the largest that every reader of zstd accepts, the
 * compressor finds the first one again in the second: half the size, in a tenth of the time of xz. Level 19 would save
 * another tenth, and take ten times as long. docs/decisions/0046-packages-for-linux.md has the figures.
 */
export const ZSTD = { level: 12, windowLog: 27 } as const;

/** Compresses with the library of Node.js, in one thread: the same bytes on every machine. */
export function zstd(data: Buffer): Buffer {
  return zstdCompressSync(data, {
    pledgedSrcSize: data.length,
    params: {
      [constants.ZSTD_c_compressionLevel]: ZSTD.level,
      [constants.ZSTD_c_windowLog]: ZSTD.windowLog,
      [constants.ZSTD_c_enableLongDistanceMatching]: 1,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
  });
}
