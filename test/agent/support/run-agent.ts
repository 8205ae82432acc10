import { main } from '../../../agent/cli.ts';

/** The agent as `main.ts` starts it, except that the socket must belong to whoever runs the tests. */
void main(process.argv, { ownerUid: process.getuid!() });
