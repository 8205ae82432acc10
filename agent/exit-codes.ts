/** The agent's exit statuses; `ERRORS` explains each. The numbers are part of the interface and never change meaning. */
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
  INCOMPLETE: 9,
  UNHEALTHY: 10,
  UNREACHABLE: 11,
  QUERY: 12,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
