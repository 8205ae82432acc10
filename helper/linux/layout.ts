/** What of bpf/exec.h loading, pinning and reading the probe all have to know. A test compares it with the header. */

/** Raised with every change of bpf/exec.h that an older or newer helper would misread in a ring left by the other. */
export const LAYOUT = 4;

/** KINDS: counters of one processor. */
export const KINDS = 4;
