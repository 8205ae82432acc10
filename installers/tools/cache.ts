import { homedir } from 'node:os';
import path from 'node:path';

/** Folder of files that are fetched once and kept for all checkouts of this user. */
export const CACHE = path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'platform-probes');
