// npm run lint: everything that can be said about the source without running it.
import { CHECKS, passes } from './checks.ts';
import { complain, progress } from './progress.ts';

const failed = CHECKS.filter((check) => {
  progress(check.name);
  return !passes(check);
});
if (failed.length > 0) {
  complain(`failed: ${failed.map((check) => check.name).join(', ')}`);
  process.exitCode = 1;
}
