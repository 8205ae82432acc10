import { isAbsolute } from 'node:path';
import * as z from 'zod';

/** An absolute path: a service has no working directory worth relying on. */
export const absolutePath = z
  .string({ error: 'expected an absolute path' })
  .refine((path) => isAbsolute(path) && !path.includes('\0'), { error: 'expected an absolute path' });
