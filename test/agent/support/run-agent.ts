import { main } from '../../../agent/cli.ts';

/** The agent as `main.ts` starts it, but for who must own the socket: whoever runs the tests. */
void main(process.argv, { ownerUid: process.getuid!() });
