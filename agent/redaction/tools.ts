/** How the value of an option is a secret. */
export type Mode =
  /** All of it. */
  | 'whole'
  /** The part behind the first colon, or percent sign: `user:password`. */
  | 'after_colon'
  | 'after_percent'
  /** All of it, when it is cookies and not the name of a file. */
  | 'cookies'
  /** `pass:SECRET`, as OpenSSL has it; `env:`, `file:`, `fd:` and `stdin` say where it lies. */
  | 'openssl';

/** An option of one program that means a password there, and something else elsewhere. */
interface Option {
  readonly mode: Mode;
  /** `-pSECRET`: the value can follow in the same argument. */
  readonly attached?: true;
  /** `-p SECRET`: the value can be the next argument. */
  readonly separate?: true;
  /** A word that must stand before it: `docker login -p`, since `docker run -p` is a port. */
  readonly after?: string;
  /** The next argument is not the value when it begins with a dash. */
  readonly optional?: true;
}

export interface Tool {
  readonly options: Readonly<Record<string, Option>>;
  /** Options that take no value and may stand before one of `options` in one argument, as in `-su user:password`. */
  readonly cluster?: RegExp;
  /** Runs another program: its options end where that begins. */
  readonly runsOther?: true;
}

const BOTH = { mode: 'whole', attached: true, separate: true } as const;
const SEPARATE = { mode: 'whole', separate: true } as const;
const ATTACHED = { mode: 'whole', attached: true } as const;
const USER = { mode: 'after_colon', attached: true, separate: true } as const;
const LONG_USER = { mode: 'after_colon', separate: true } as const;
const SMB = { options: { '-U': { mode: 'after_percent', attached: true, separate: true }, '--user': { mode: 'after_percent', separate: true } } } as const; // prettier-ignore

// After a bare -p MySQL asks for the password, and what follows is a database. People who do not know type the password there.
const MYSQL: Tool = { options: { '-p': { ...BOTH, optional: true } } };
const MONGO: Tool = { options: { '-p': { ...SEPARATE, optional: true } } };
const LDAP: Tool = { options: { '-w': BOTH } };
const SQL: Tool = { options: { '-P': BOTH } };
const LOGIN: Tool = { options: { '-p': { ...BOTH, after: 'login', optional: true } } };
const SEVEN_ZIP: Tool = { options: { '-p': ATTACHED } };
const ZIP: Tool = { options: { '-P': BOTH } };
const RAR: Tool = { options: { '-p': ATTACHED, '-hp': ATTACHED } };
const PUTTY: Tool = { options: { '-pw': SEPARATE } };
const SNMP: Tool = { options: { '-c': BOTH, '-A': BOTH, '-X': BOTH } };
const MQTT: Tool = { options: { '-P': BOTH } };
const RDP: Tool = { options: { '-p': BOTH, '/p': { mode: 'whole', attached: true }, '--p': SEPARATE } };
const ACCOUNT: Tool = { options: { '-p': BOTH } };
const CURL: Tool = {
  options: {
    '-u': USER,
    '-U': USER,
    '--user': LONG_USER,
    '--proxy-user': LONG_USER,
    '-b': { mode: 'cookies', attached: true, separate: true },
    '--cookie': { mode: 'cookies', separate: true },
    '--oauth2-bearer': SEPARATE,
    '-E': USER,
    '--cert': LONG_USER,
    '--proxy-cert': LONG_USER,
  },
  cluster: /^-[0-9#aBfgGijklLMnNOpqRsSvZ]+(?=[uUbE])/,
};

/** Programs by their base name, in lower case and without `.exe`. */
export const TOOLS: ReadonlyMap<string, Tool> = new Map<string, Tool>([
  ...['mysql', 'mysqldump', 'mysqladmin', 'mysqlimport', 'mysqlcheck', 'mysqlshow', 'mysqlslap', 'mysqlbinlog', 'mysqlpump', 'mysqlsh', 'mysqlupgrade', 'mariadb', 'mariadb-dump', 'mariadb-admin', 'mariadb-backup', 'mariabackup', 'mariadb-import', 'mariadb-check', 'mariadb-show', 'mariadb-binlog', 'mycli', 'xtrabackup'].map((name) => [name, MYSQL] as const), // prettier-ignore
  ['sshpass', { options: { '-p': BOTH }, runsOther: true }],
  ...['mongo', 'mongosh', 'mongodump', 'mongorestore', 'mongoexport', 'mongoimport', 'mongostat', 'mongotop', 'mongofiles'].map((name) => [name, MONGO] as const), // prettier-ignore
  ...['ldapsearch', 'ldapadd', 'ldapmodify', 'ldapdelete', 'ldapwhoami', 'ldapcompare', 'ldapmodrdn', 'ldapexop'].map((name) => [name, LDAP] as const), // prettier-ignore
  ['ldappasswd', { options: { '-w': BOTH, '-s': BOTH, '-a': BOTH } }],
  ...['sqlcmd', 'bcp', 'isql', 'tsql', 'osql', 'mssql-cli'].map((name) => [name, SQL] as const),
  ...['docker', 'podman', 'nerdctl', 'buildah', 'skopeo', 'crane', 'helm', 'oras', 'oc', 'cf', 'az', 'argocd'].map((name) => [name, LOGIN] as const), // prettier-ignore
  ...['7z', '7za', '7zr', '7zz'].map((name) => [name, SEVEN_ZIP] as const),
  ...['zip', 'unzip', 'zipcloak'].map((name) => [name, ZIP] as const),
  ...['rar', 'unrar'].map((name) => [name, RAR] as const),
  ...['plink', 'pscp', 'psftp', 'putty', 'kitty'].map((name) => [name, PUTTY] as const),
  ...['snmpget', 'snmpwalk', 'snmpset', 'snmpgetnext', 'snmpbulkwalk', 'snmpbulkget', 'snmptrap', 'snmptable'].map((name) => [name, SNMP] as const), // prettier-ignore
  ...['mosquitto_pub', 'mosquitto_sub', 'mosquitto_rr'].map((name) => [name, MQTT] as const),
  ...['xfreerdp', 'xfreerdp3', 'wlfreerdp', 'rdesktop'].map((name) => [name, RDP] as const),
  ...['useradd', 'usermod', 'groupadd', 'groupmod', 'crackmapexec', 'netexec', 'nxc', 'evil-winrm', 'psexec', 'psexec64', 'rabbitmqadmin', 'vpnc', 'atlas', 'cqlsh'].map((name) => [name, ACCOUNT] as const), // prettier-ignore
  ...['smbclient', 'rpcclient', 'smbget', 'smbpasswd', 'wmic-linux'].map((name) => [name, SMB] as const),
  ['curl', CURL],
  ['http', { options: { '-a': USER, '--auth': LONG_USER } }],
  ['https', { options: { '-a': USER, '--auth': LONG_USER } }],
  ['redis-cli', { options: { '-a': SEPARATE } }],
  ['ipmitool', { options: { '-P': BOTH } }],
  ['schtasks', { options: { '/rp': SEPARATE } }],
  ['winrs', { options: { '-p:': ATTACHED, '/p:': ATTACHED } }],
  ['openssl', { options: { '-pass': { mode: 'openssl', separate: true }, '-passin': { mode: 'openssl', separate: true }, '-passout': { mode: 'openssl', separate: true }, '-k': SEPARATE, '-K': SEPARATE } }], // prettier-ignore
]);

/** Programs that run another, which stands behind their options. */
export const WRAPPERS: ReadonlySet<string> = new Set(['sudo', 'doas', 'env', 'nohup', 'setsid', 'timeout', 'nice', 'ionice', 'chroot', 'time', 'strace', 'ltrace', 'xargs', 'stdbuf', 'flock', 'unshare', 'nsenter', 'watch', 'systemd-run', 'exec', 'command']); // prettier-ignore

/** The name of a program as tools are listed: `C:\bin\Curl.EXE` is `curl`, and so is the `-curl` of a login. */
export function baseName(path: string): string {
  const cut = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'));
  return path
    .slice(cut + 1, cut + 1 + 64)
    .replace(/^-/, '')
    .replace(/\.exe$/i, '')
    .toLowerCase();
}
