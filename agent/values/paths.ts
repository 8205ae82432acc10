import { isAbsolute } from 'node:path';
import * as z from 'zod';

/** An absolute path: a service has no working directory worth relying on. */
export const absolutePath = z
  .string({ error: 'expected an absolute path' })
  .refine((path) => isAbsolute(path) && !path.includes('\0'), { error: 'expected an absolute path' });

/** sockaddr_un has room for 108 bytes, the terminating NUL included. */
export const MAX_SOCKET_PATH_BYTES = 107;

/** Whether a Unix socket can have that path. */
export const fitsSocket = (path: string): boolean => Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES;
