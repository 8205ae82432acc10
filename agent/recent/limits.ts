/** Lines side by side in one piece of memory, in bytes. A longer line gets a block of its own. */
export const BLOCK_BYTES = 256 * 1024;
