import * as z from 'zod';
import { addressKey, EXPECTED_ADDRESS, parseAddress } from '../server/address.ts';

/** `metrics`: where they are served. */
export const metricsSchema = z.strictObject({
  listen: addressKey(parseAddress, EXPECTED_ADDRESS).meta({
    description:
      'A loopback address with its port, "127.0.0.1:9464" or "[::1]:9464", or "unix:" and the path of a socket, which is made with mode 0660.',
  }),
});
