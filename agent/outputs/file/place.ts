import type { Destination } from '../kind.ts';

/** A file as a place that one output alone may write to. @param key of the configuration that names it */
export const filePlace = (path: string, key: string): Destination => ({ id: `file ${path}`, key });
