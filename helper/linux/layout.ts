/** Constants of bpf/exec.h that loading, pinning and reading the probe need. A test compares them with the header. */

/**
 * Increased with every change of bpf/exec.h that would make an older or newer helper misread a ring left by the other.
 */
export const LAYOUT = 5;

/** KINDS: counters of one processor. */
export const KINDS = 5;

/** struct counters. */
export const COUNTERS = {
  events: 0,
  lost: 8,
  cut: 16,
  newest: 24,
  recovered: 32,
  last_start_time: 40,
  last_id: 48,
} as const;
export const COUNTERS_BYTES = 64;
