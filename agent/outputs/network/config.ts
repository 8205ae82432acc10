import * as z from 'zod';
import { absolutePath } from '../../values/paths.ts';
import { formatKey } from '../../formats/config.ts';
import { duration, size } from '../../values/quantities.ts';

/** Shown in place of a value that may hold a secret. */
const NOT_SHOWN = '(not shown)';

/** Adds a problem that does not show the value. */
export function refuse(context: z.core.$RefinementCtx, message: string, path: PropertyKey[] = []): void {
  context.addIssue({ code: 'custom', message, path, input: NOT_SHOWN });
}

const CREDENTIAL = /^\$CREDENTIALS_DIRECTORY\/[A-Za-z0-9][A-Za-z0-9._-]*$/u;
const SECRET_FILE = 'expected the file that holds it: an absolute path, or $CREDENTIALS_DIRECTORY/NAME';

/**
 * A file that holds a secret. A value that is none is not shown: somebody may have written the secret itself there.
 */
export const secretFile = z
  .preprocess(
    // A password of digits is no text to YAML, and must not be shown either.
    (value) => (typeof value === 'string' || value === undefined ? value : ''),
    z.string().superRefine((path, context) => {
      if (!CREDENTIAL.test(path) && !absolutePath.safeParse(path).success) refuse(context, SECRET_FILE);
    }),
  )
  .meta({ type: 'string' });

const wholeNumber = (min: number, max: number) => {
  const error = `expected a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};

const tls = z
  .strictObject({
    ca: absolutePath.optional().meta({
      description: 'PEM file of the authorities that may vouch for the receiver. Left out: those that Node.js brings.',
    }),
    cert: absolutePath.optional().meta({ description: 'PEM file of the certificate that the agent shows.' }),
    key: secretFile.optional().meta({ description: 'PEM file of its private key.' }),
    server_name: z.string().min(1, { error: 'expected a name' }).optional().meta({
      description: "The name that the receiver's certificate must be for. Left out: the one it is reached by.",
    }),
    verify: z
      .boolean()
      .default(true)
      .meta({ description: "Whether the receiver's certificate must be good. false trusts whoever answers." }),
  })
  .superRefine(({ cert, key }, context) => {
    if ((cert === undefined) !== (key === undefined))
      refuse(context, 'expected both or neither of cert and key', [cert === undefined ? 'key' : 'cert']);
  });

export type TlsConfig = z.output<typeof tls>;

/** The keys that every output over a network has, beside those of all outputs. */
export const networkOutputKeys = {
  format: formatKey('native'),
  tls: tls.optional().meta({ description: 'How the connection is protected.' }),
  timeout: duration({
    min: '100ms',
    max: '10m',
    byDefault: '30s',
    description: 'How long the receiver may take to answer, from connecting to the last byte.',
  }),
  batch: z
    .strictObject({
      max_bytes: size({
        min: '1KiB',
        max: '32MiB',
        byDefault: '1MiB',
        description:
          'The most bytes of events that are sent at once, before compression. One longer event is sent alone.',
      }),
      max_events: wholeNumber(1, 100_000)
        .default(10_000)
        .meta({ description: 'The most events that are sent at once.' }),
      max_age: duration({
        min: '0ms',
        max: '10m',
        byDefault: '1s',
        description: 'How long an event may wait for others.',
      }),
    })
    .prefault({})
    .meta({ description: 'When what there is is sent: as soon as one of these is reached.' }),
  max_rate: wholeNumber(1, 1_000_000).optional().meta({
    description: 'The most events a second, which is what counts after an outage. Left out: as fast as they are taken.',
  }),
  dead_letter: z
    .strictObject({
      path: absolutePath.meta({ description: 'The file. Its folder must exist.' }),
      max_bytes: size({
        min: '4KiB',
        max: '1TiB',
        byDefault: '16MiB',
        description: 'The file is rotated before it grows beyond this.',
      }),
      max_files: wholeNumber(1, 1000).default(5).meta({ description: 'How many files are kept.' }),
    })
    .optional()
    .meta({ description: 'A file for events that the receiver refuses for good, each with the reason.' }),
};

/** `auth`, as far as it is the same for all protocols. Each output adds its own keys, then `checkAuth`. */
export const authKeys = {
  user: z
    .string()
    .min(1, { error: 'expected a name' })
    .optional()
    .meta({ description: 'Name that the password is for.' }),
  password_file: secretFile.optional().meta({ description: 'File that holds the password.' }),
  token_file: secretFile.optional().meta({ description: 'File that holds a token.' }),
};

/** Either a user with a password, or a token. */
export function checkAuth(
  { user, password_file, token_file }: Partial<Record<keyof typeof authKeys, string | undefined>>,
  context: z.core.$RefinementCtx,
): void {
  const basic = user !== undefined && password_file !== undefined;
  const none = user === undefined && password_file === undefined;
  if (token_file === undefined ? !basic : !none)
    refuse(context, 'expected user with password_file, or token_file alone');
}
