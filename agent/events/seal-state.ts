import * as z from 'zod';
import { NO_NUMBER } from './item.ts';

const count = z.int().min(0);
const number = z.int().min(NO_NUMBER);

/** How far an output's seals are, as it is kept with the output's place. All counts are of the seal that is open. */
export const sealStateSchema = z.object({
  boot_id: z.string(),
  /** The number of the open seal. */
  seal: z.int().min(1),
  /** The first number that it covers; absent until there is one. */
  from: count.optional(),
  /** The highest number so far. */
  through: number,
  sent: count,
  gap: count,
  lines: count,
  sum: count,
  /** Of the seal before. */
  prev: z
    .string()
    .regex(/^[0-9a-f]{64}$/u)
    .optional(),
});

export type SealState = Readonly<z.output<typeof sealStateSchema>>;

/** Where the seals of a boot begin. */
export function firstSeal(bootId: string): SealState {
  return { boot_id: bootId, seal: 1, through: NO_NUMBER, sent: 0, gap: 0, lines: 0, sum: 0 };
}
