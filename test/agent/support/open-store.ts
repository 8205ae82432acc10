import { openStore } from '../../../agent/store/read/partitions.ts';
import { search } from '../../../agent/store/read/search.ts';

/** Prints the numbers in a store, or why it cannot be read: as another user, which a test cannot become itself. */
using store = openStore(process.argv[2]!);
const numbers = [...search(store, { limit: 1000, deadline: Infinity })].map(
  (line) => (JSON.parse(line) as { seq: number }).seq,
);
process.stdout.write([...store.problems, numbers.join(' ')].join('\n'));
