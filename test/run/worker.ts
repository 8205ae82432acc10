// AVA loads this into each test process before the test file.

// AVA takes the stack of a failed assertion here, and its TAP report has the first line of it. Without AVA's own frames
// that is the line of the test.
const capture = Error.captureStackTrace.bind(Error);
Error.captureStackTrace = (target: { stack?: string }, below) => {
  capture(target, below);
  const lines = target.stack?.split('\n').filter((line) => !/^ +at .*\/node_modules\/ava\//u.test(line));
  if (lines !== undefined) target.stack = lines.join('\n');
};
