/** The agent's exit statuses; `ERRORS` says what each means. The numbers are part of the interface: none ever changes its meaning. */
export const EXIT = {
  OK: 0,
  INTERNAL: 1,
  USAGE: 2,
  CONFIG: 3,
  OUTPUT: 4,
  UNFLUSHED: 5,
  INPUT: 6,
  INSTALLATION: 7,
  SPOOL: 8,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
