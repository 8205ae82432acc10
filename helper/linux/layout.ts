/** Constants of bpf/exec.h that loading, pinning and reading the probe need. A test compares them with the header. */

/**
 * Increased with every change of bpf/exec.h that would make an older or newer helper misread a ring left by the other.
 */
export const LAYOUT = 5;

/** KINDS: counters of one processor. */
export const KINDS = 5;
