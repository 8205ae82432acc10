// A program: copies a socket to a file and looks at nothing.
import { openSync, write } from 'node:fs';
import { connect } from 'node:net';

const [socketPath, file] = process.argv.slice(2);
const descriptor = openSync(file!, 'a', 0o600);
let queued: Buffer[] = [];
let writing = false;

function drain(): void {
  if (writing || queued.length === 0) return;
  writing = true;
  const data = Buffer.concat(queued);
  queued = [];
  write(descriptor, data, () => {
    writing = false;
    drain();
  });
}

let sawHello = false;
connect(socketPath!).on('data', (chunk: Buffer) => {
  // The agent keeps hello to itself; so that both write the same bytes, so does this.
  const end = sawHello ? -1 : chunk.indexOf(10);
  if (!sawHello && end === -1) return;
  sawHello = true;
  queued.push(chunk.subarray(end + 1));
  drain();
});
