/** A library of others that is compiled into Node.js. */
interface NodePart {
  /** Its name in the world outside of Node.js. */
  readonly name: string;
  readonly version: string;
  /** SPDX. */
  readonly license: string;
  /** The name by which databases of vulnerabilities know it (https://github.com/package-url/purl-spec). */
  readonly purl: string;
  /** The same in the other common form (NIST IR 7695), where there is one. */
  readonly cpe?: string;
}

interface Known {
  readonly name?: string;
  readonly license: string;
  readonly npm?: true;
  /** Vendor and product. */
  readonly cpe?: string;
}

/**
 * The names of `process.versions`, and what each stands for. Licences are those of Node.js's own LICENSE file; SQLite, which is
 * in the public domain, is not in it.
 */
const KNOWN: Readonly<Record<string, Known>> = {
  acorn: { license: 'MIT', npm: true },
  ada: { license: 'MIT' },
  amaro: { license: 'MIT', npm: true },
  ares: { name: 'c-ares', license: 'MIT', cpe: 'c-ares:c-ares' },
  brotli: { license: 'MIT', cpe: 'google:brotli' },
  icu: { license: 'Unicode-3.0', cpe: 'unicode:international_components_for_unicode' },
  llhttp: { license: 'MIT', cpe: 'llhttp:llhttp' },
  merve: { license: 'MIT' },
  nghttp2: { license: 'MIT', cpe: 'nghttp2:nghttp2' },
  nghttp3: { license: 'MIT' },
  ngtcp2: { license: 'MIT' },
  openssl: { license: 'Apache-2.0', cpe: 'openssl:openssl' },
  simdjson: { license: 'Apache-2.0', cpe: 'simdjson:simdjson' },
  simdutf: { license: 'MIT' },
  sqlite: { license: 'blessing', cpe: 'sqlite:sqlite' },
  undici: { license: 'MIT', npm: true, cpe: 'nodejs:undici' },
  uv: { name: 'libuv', license: 'MIT', cpe: 'libuv:libuv' },
  uvwasi: { license: 'MIT' },
  v8: { license: 'BSD-3-Clause', cpe: 'google:v8' },
  zlib: { license: 'Zlib', cpe: 'zlib:zlib' },
  zstd: { license: 'BSD-3-Clause', cpe: 'facebook:zstandard' },
};

/** Numbers of interfaces, of data inside of ICU, and of code that is Node.js's own. */
const NO_PARTS = new Set(['node', 'modules', 'napi', 'cldr', 'tz', 'unicode', 'nbytes', 'ncrypto']);

/**
 * The libraries in a Node.js, by what it says itself.
 * @param versions `process.versions` of that Node.js
 * @throws {Error} for one that is not known here, so that none is left out
 */
export function nodeParts(versions: Readonly<Record<string, string | undefined>>): NodePart[] {
  return Object.entries(versions)
    .filter(([key, version]) => !NO_PARTS.has(key) && version !== undefined && version !== '')
    .map(([key, version = '']) => {
      const known = KNOWN[key];
      if (known === undefined)
        throw new Error(
          `Node.js has a part that has no licence here: "${key}" ${version}. Add it to installers/supply-chain/node-parts.ts.`,
        );
      const { name = key, license, npm, cpe } = known;
      const part = {
        name,
        version,
        license,
        purl: `pkg:${npm === true ? 'npm' : 'generic'}/${name}@${encodeURIComponent(version)}`,
      };
      return cpe === undefined ? part : { ...part, cpe: cpeOf(cpe, version) };
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** CPE 2.3. Punctuation in a version is escaped, except dots, dashes and underscores. */
export function cpeOf(product: string, version: string): string {
  return `cpe:2.3:a:${product}:${version.replaceAll(/[^\w.-]/gu, String.raw`\$&`)}:*:*:*:*:*:*:*`;
}
