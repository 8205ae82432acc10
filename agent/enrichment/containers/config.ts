import * as z from 'zod';
import { absolutePath, fitsSocket, MAX_SOCKET_PATH_BYTES } from '../../values/paths.ts';

/** `containers`: where names of containers are asked for. */
export const containersSchema = z.strictObject({
  names: z
    .array(
      z.strictObject({
        runtime: z.enum(['docker', 'podman']).meta({ description: 'Whose containers are asked for here.' }),
        socket: absolutePath
          .refine(fitsSocket, {
            error: `expected a path of at most ${MAX_SOCKET_PATH_BYTES} bytes, which is what a Unix socket can have`,
          })
          .meta({
            description:
              "The Unix socket of the engine's API. Whoever may use that of Docker or of root's Podman can become root: name a rootless engine's, or a proxy's that lets GET /containers/ID/json alone through.",
          }),
      }),
      { error: (issue) => (issue.input === undefined ? undefined : 'expected a list of {runtime, socket}') },
    )
    .max(8, { error: 'expected at most 8 sockets' })
    .default([])
    .meta({ description: 'Engines that are asked for the name and the image of a container. Left out: none is.' }),
});

export type ContainersConfig = z.output<typeof containersSchema>;
