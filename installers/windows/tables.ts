import { serviceSid } from '../../helper/windows/sid.ts';

/** On installation and reinstallation. */
const EVENTS = 5;
const CONFIG = { failureFlag: 4, serviceSid: 5, requiredPrivileges: 6 } as const;
const SID_UNRESTRICTED = 1;

const AGENT = serviceSid('platform-probes-agent');
/** Full control for SYSTEM and administrators, reading for the agent. Nothing is inherited from %ProgramData%, where every user may make files. */
const READ_ALONE = `D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;${AGENT})`;
const WRITE_TOO = `D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1301bf;;;${AGENT})`;

const table = (
  name: string,
  columns: readonly string[],
  types: readonly string[],
  keys: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string => [columns, types, [name, ...keys], ...rows].map((row) => `${row.join('\t')}\r\n`).join('');

/** An executable with its command line, in the installation's own script, as SYSTEM. */
const RUN_AS_SYSTEM = 34 + 0x400 + 0x800;
/** Between InstallServices (5800) and StartServices (5900). */
const BEFORE_START = 5810;

function customActions(): (string | number)[][] {
  const services = [
    ['Helper', 'platform-probes-helper'],
    ['Agent', 'platform-probes-agent'],
  ] as const;
  return services.map(([id, name]) =>
    // Not by the table MsiServiceConfigFailureActions: Microsoft documents it as not working as expected.
    [
      `${id}Recovery`,
      RUN_AS_SYSTEM,
      'INSTALLDIR',
      `"[System64Folder]sc.exe" failure ${name} reset= 86400 actions= restart/1000/restart/5000/restart/60000`,
      '',
    ],
  );
}

/** Tables that wixl does not know, in the archive format of Windows Installer (idt). */
export const TABLES: Readonly<Record<string, string>> = {
  // The service manager removes all other privileges before the helper runs. It also restarts a helper that reports a failure.
  MsiServiceConfig: table(
    'MsiServiceConfig',
    ['MsiServiceConfig', 'Name', 'Event', 'ConfigType', 'Argument', 'Component_'],
    ['s72', 's255', 'i4', 'i4', 'S255', 's72'],
    ['MsiServiceConfig'],
    [
      [
        'HelperPrivileges',
        'platform-probes-helper',
        EVENTS,
        CONFIG.requiredPrivileges,
        'SeSystemProfilePrivilege[~]SeChangeNotifyPrivilege',
        'Helper',
      ],
      ['HelperFailure', 'platform-probes-helper', EVENTS, CONFIG.failureFlag, 1, 'Helper'],
      [
        'AgentPrivileges',
        'platform-probes-agent',
        EVENTS,
        CONFIG.requiredPrivileges,
        'SeChangeNotifyPrivilege',
        'Agent',
      ],
      ['AgentFailure', 'platform-probes-agent', EVENTS, CONFIG.failureFlag, 1, 'Agent'],
      ['AgentSid', 'platform-probes-agent', EVENTS, CONFIG.serviceSid, SID_UNRESTRICTED, 'Agent'],
    ],
  ),
  MsiLockPermissionsEx: table(
    'MsiLockPermissionsEx',
    ['MsiLockPermissionsEx', 'LockObject', 'Table', 'SDDLText', 'Condition'],
    ['s72', 's72', 's32', 's255', 'S255'],
    ['MsiLockPermissionsEx'],
    [
      ['DataFolder', 'DATADIR', 'CreateFolder', READ_ALONE, ''],
      ['EventsFolder', 'LOGDIR', 'CreateFolder', WRITE_TOO, ''],
    ],
  ),
  CustomAction: table(
    'CustomAction',
    ['Action', 'Type', 'Source', 'Target', 'ExtendedType'],
    ['s72', 'i2', 'S72', 'S255', 'I4'],
    ['Action'],
    customActions(),
  ),
};

/** Component attributes: 64-bit; stays when the product is removed; is not replaced where it is. */
const ATTRIBUTES = { x64: 256, permanent: 16, neverOverwrite: 128 } as const;

const attributesOf = (component: string, attributes: number): string =>
  `UPDATE \`Component\` SET \`Attributes\` = ${attributes} WHERE \`Component\` = '${component}'`;

/** Rows in tables that wixl makes. */
export const QUERIES: readonly string[] = [
  attributesOf('Configuration', ATTRIBUTES.x64 | ATTRIBUTES.permanent | ATTRIBUTES.neverOverwrite),
  attributesOf('Events', ATTRIBUTES.x64 | ATTRIBUTES.permanent),
].concat(
  customActions().map(
    ([action], i) =>
      `INSERT INTO \`InstallExecuteSequence\` (\`Action\`, \`Condition\`, \`Sequence\`) VALUES ('${action}', 'NOT REMOVE~="ALL"', ${BEFORE_START + i})`,
  ),
);
