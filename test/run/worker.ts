// AVA loads this into each test process before the test file. It makes the TAP report say two things more.
import test from 'ava';

// A hook is reported when it ends, so the report tells when a test begins. TapReader names the tests that never end.
test.beforeEach(() => undefined);

// AVA takes the stack of a failed assertion here, and reports its first line. Without AVA's own frames that is the
// line of the test.
const capture = Error.captureStackTrace.bind(Error);
Error.captureStackTrace = (target, below) => {
  capture(target, below);
  const { stack } = target as { stack?: string };
  if (stack === undefined) return;
  const lines = stack.split('\n').filter((line) => !/^ +at .*\/node_modules\/ava\//u.test(line));
  (target as { stack?: string }).stack = lines.join('\n');
};
