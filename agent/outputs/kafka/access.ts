import { secretText, type SmallFiles } from '../network/small-files.ts';
import { tlsOptions } from '../network/tls.ts';
import type { KafkaOutputConfig } from './config.ts';
import type { Access } from './sasl.ts';

/**
 * How connections to the brokers are made, of files that were read.
 * @throws where a file cannot be used; the message does not show it
 */
export function accessOf({ auth, tls }: KafkaOutputConfig, files: SmallFiles): Access {
  const sasl = auth && {
    mechanism: auth.mechanism,
    user: auth.user,
    password: secretText(files.get(auth.password_file)!, auth.password_file),
  };
  return { tls: tls === undefined ? undefined : tlsOptions(tls, files), sasl };
}
