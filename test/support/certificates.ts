import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Certificates made by openssl, in a folder of their own. */
export class Certificates implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'probes-certificates-'));

  constructor() {
    this.#authority('ca');
    this.#authority('other-ca');
    this.#issue('server', 'ca', { names: 'DNS:localhost,IP:127.0.0.1' });
    this.#issue('wrong-name', 'ca', { names: 'DNS:elsewhere.example' });
    this.#issue('expired', 'ca', { names: 'DNS:localhost,IP:127.0.0.1', days: -1 });
    this.#issue('client', 'ca');
    this.#issue('other-client', 'other-ca');
  }

  /** Of `ca`, `server`, `wrong-name` …: the path of its certificate. */
  cert(name: string): string {
    return join(this.folder, `${name}.crt`);
  }

  key(name: string): string {
    return join(this.folder, `${name}.key`);
  }

  /** The files that a server needs to show it. */
  shown(name: string): { cert: Buffer; key: Buffer } {
    return { cert: readFileSync(this.cert(name)), key: readFileSync(this.key(name)) };
  }

  #authority(name: string): void {
    this.#openssl('req', '-x509', '-days', '2', '-subj', `/CN=${name}`, ...this.#newKey(name), '-out', this.cert(name));
  }

  #issue(name: string, authority: string, { names = 'DNS:client', days = 2 } = {}): void {
    const request = join(this.folder, `${name}.csr`);
    const extensions = join(this.folder, `${name}.ext`);
    writeFileSync(extensions, `subjectAltName=${names}\n`);
    this.#openssl('req', '-subj', `/CN=${name}`, ...this.#newKey(name), '-out', request);
    const signed = ['-CA', this.cert(authority), '-CAkey', this.key(authority), '-CAcreateserial'];
    const wanted = ['-days', String(days), '-extfile', extensions, '-out', this.cert(name)];
    this.#openssl('x509', '-req', '-in', request, ...signed, ...wanted);
  }

  #newKey(name: string): string[] {
    return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', this.key(name)];
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { stdio: 'pipe' });
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
