import * as z from 'zod';
import { addressKey, EXPECTED_LOOPBACK, parseLoopback } from '../server/address.ts';

/** `dashboard`: where the page is served. */
export const dashboardSchema = z.strictObject({
  listen: addressKey(parseLoopback, EXPECTED_LOOPBACK).meta({
    description:
      'A loopback address with its port, "127.0.0.1:9465" or "[::1]:9465". probes-agent dashboard prints the address with its token.',
  }),
});
