import { CommanderError } from 'commander';
import { check } from './commands/check.ts';
import { convert } from './commands/convert.ts';
import { endingOf } from './commands/ending.ts';
import { match } from './commands/match.ts';
import { endNow, run } from './commands/run.ts';
import { spool } from './commands/spool.ts';
import { verify } from './commands/verify.ts';
import { configJsonSchemaText } from './config/json-schema.ts';
import { PRODUCT_TRUST, type Trust } from './source/connect.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { describeProgram } from './program.ts';

/**
 * Runs one command line and ends the process with its status.
 * @param trust for tests; no option and no file sets it
 */
export async function main(argv: readonly string[], trust: Partial<Trust> = {}): Promise<void> {
  let code: ExitCode = EXIT.OK;
  const program = describeProgram({
    run: async (file, service) => {
      code = await run({ file, service, trust: { ...PRODUCT_TRUST, ...trust } });
    },
    check: async (file, json) => {
      code = await check(file, json, { ...PRODUCT_TRUST, ...trust });
    },
    spool: async (options) => {
      code = await spool(options);
    },
    match: async (options) => {
      code = await match(options);
    },
    convert: async (options) => {
      code = await convert(options);
    },
    verify: async (options) => {
      code = await verify(options);
    },
    // Loaded when they are asked for: their tables of characters take time and memory.
    tail: async (options) => {
      code = await (await import('./commands/tail.ts')).tail(options);
    },
    status: async (options) => {
      code = await (await import('./commands/status.ts')).status(options);
    },
    top: async (options) => {
      code = await (await import('./commands/top.ts')).top(options);
    },
    doctor: async (options) => {
      code = await (await import('./commands/doctor.ts')).doctor(options, { ...PRODUCT_TRUST, ...trust });
    },
    dashboard: async (options) => {
      code = await (await import('./commands/dashboard.ts')).dashboard(options);
    },
    query: async (options) => {
      code = await (await import('./commands/query.ts')).query(options);
    },
    hashImages: async () => (await import('./enrichment/hashing/hash-process.ts')).runHashProcess(),
    querySql: async () => (await import('./commands/query/sql-process.ts')).runSqlProcess(),
    schema: () => {
      process.stdout.write(configJsonSchemaText());
    },
  });
  const ending = await endingOf(async () => {
    await program.parseAsync(argv);
    return code;
  }, explain);
  // One turn later: until then, the write that has just ended still counts as pending.
  setImmediate(() => endNow(ending()));
}

function explain(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.OK : EXIT.USAGE;
  process.stderr.write(`probes-agent: ${error instanceof Error ? error.stack : String(error)}\n`);
  return EXIT.INTERNAL;
}
