import { DigestCache } from '../../../agent/enrichment/digests.ts';
import { execEvent } from '../../support/fake-helper.ts';

/** A program: prints for each file named on its command line whether it has digests. */
const cache = new DigestCache();
for (const exe of process.argv.slice(2)) console.log(cache.of(execEvent(1, { exe })) === undefined ? 'none' : 'hashed');
