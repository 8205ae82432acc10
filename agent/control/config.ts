import * as z from 'zod';
import { absolutePath, fitsSocket, MAX_SOCKET_PATH_BYTES } from '../values/paths.ts';
import { size } from '../values/quantities.ts';

/** Where the packages have it. */
export const DEFAULT_CONTROL_SOCKET = '/run/platform-probes-agent/control.sock';

/** `control`: the socket on which people and programs look into the agent. */
export const controlSchema = z
  .strictObject({
    socket: absolutePath
      .refine(fitsSocket, {
        error: `expected a path of at most ${MAX_SOCKET_PATH_BYTES} bytes, which is what a Unix socket can have`,
      })
      .default(DEFAULT_CONTROL_SOCKET)
      .meta({ description: 'The path of a Unix socket, which is made with mode 0600. Its folder must exist.' }),
    group: z
      .union([z.string().regex(/^[a-z_][a-z0-9_-]*\$?$/i), z.int().min(0).max(0xffff_fffe)], {
        error: 'expected the name or the number of a group',
      })
      .optional()
      .meta({
        description:
          'A group that may connect too (mode 0660); the agent must be in it. Its members see every event. Left out: only the user of the agent, and root.',
      }),
    recent: size({
      min: '1MiB',
      max: '1GiB',
      byDefault: '16MiB',
      description: 'Memory for the newest events, which a reader can look back at.',
    }),
  })
  .superRefine((_, context) => {
    if (process.platform === 'win32')
      context.addIssue({ code: 'custom', message: 'the control socket is a Unix socket, which Windows does not have' });
  });

export type ControlConfig = z.output<typeof controlSchema>;
