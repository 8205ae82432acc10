/** What the agent's exit status means. The numbers are part of the product's interface: they never change meaning. */
export const EXIT = {
  OK: 0,
  INTERNAL: 1,
  USAGE: 2,
  CONFIG: 3,
  OUTPUT: 4,
  UNFLUSHED: 5,
  INPUT: 6,
  SPOOL: 7,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** One sentence for each code, as `--help` and the manual print them. */
export const EXIT_MEANINGS: ReadonlyArray<readonly [ExitCode, string]> = [
  [EXIT.OK, 'ended as asked, or the configuration is good'],
  [EXIT.INTERNAL, 'a defect in the agent; please report it with the log'],
  [EXIT.USAGE, 'the command line is wrong'],
  [EXIT.CONFIG, 'the configuration is missing or wrong, or check found a faulty rule; every problem was printed'],
  [EXIT.OUTPUT, 'an output could not be opened at start'],
  [EXIT.UNFLUSHED, 'ended, but shutdown_timeout ran out before every event was written'],
  [EXIT.INPUT, 'match could not read the events or the rules'],
  [EXIT.SPOOL, 'the spool cannot be read, or is damaged'],
];
