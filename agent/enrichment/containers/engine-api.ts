import { request } from 'node:http';
import type { ContainerName } from '../../containers/container.ts';
import { MAX_ENGINE_ANSWER_BYTES, MAX_IMAGE_LENGTH, MAX_NAME_LENGTH } from '../limits.ts';

/**
 * Asks an engine about a container: `GET /containers/ID/json` of Docker's API, which Podman serves too. One connection for each
 * question, so that an engine that was restarted is simply asked again; it is closed with the answer, whatever else is on its way.
 * @param id 64 hexadecimal digits
 * @param signal ends it; the promise is then rejected
 * @returns undefined where the engine knows no such container
 * @throws when it cannot be asked, or its answer is none
 */
export async function askEngine(
  socketPath: string,
  id: string,
  signal: AbortSignal,
): Promise<ContainerName | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<ContainerName | undefined>();
  // Status 101 ends it so, without an error.
  const unanswered = (): void => reject(new Error('the connection was closed without an answer'));
  const asked = request({ socketPath, path: `/containers/${id}/json`, agent: false, signal }, (answer) => {
    asked.off('close', unanswered);
    if (answer.statusCode === 404) return resolve(undefined);
    if (answer.statusCode !== 200) return reject(new Error(`status ${answer.statusCode}`));
    const parts: Buffer[] = [];
    let bytes = 0;
    answer.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes > MAX_ENGINE_ANSWER_BYTES) asked.destroy(new Error(`more than ${MAX_ENGINE_ANSWER_BYTES} bytes`));
      else parts.push(part);
    });
    answer.on('error', reject);
    answer.on('end', () => {
      try {
        resolve(nameIn(JSON.parse(Buffer.concat(parts).toString())));
      } catch (error) {
        reject(error as Error);
      }
    });
  });
  asked.on('error', reject).once('close', unanswered);
  asked.end();
  try {
    return await promise;
  } finally {
    asked.destroy();
  }
}

/** Names begin with a slash there. Longer names than any engine has are left out. */
function nameIn(answer: unknown): ContainerName {
  const { Name: name, Config: config } = (answer ?? {}) as { Name?: unknown; Config?: { Image?: unknown } | null };
  const plain = textOf(typeof name === 'string' ? name.replace(/^\//, '') : undefined, MAX_NAME_LENGTH);
  const image = textOf(config?.Image, MAX_IMAGE_LENGTH);
  return { ...(plain === undefined ? {} : { name: plain }), ...(image === undefined ? {} : { image }) };
}

function textOf(value: unknown, most: number): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= most ? value : undefined;
}
