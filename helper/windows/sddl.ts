/**
 * Accounts that control the machine anyway: SYSTEM, Administrators, TrustedInstaller; and CREATOR OWNER, which is the
 * owner.
 */
export const RULER_SIDS: ReadonlySet<string> = new Set([
  'SY',
  'BA',
  'CO',
  'S-1-5-18',
  'S-1-5-32-544',
  'S-1-3-0',
  'S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464',
]);

/** Names of rights in the access list of a file or folder (sddl.h; on files the first nine are the file's own bits). */
const RIGHTS: Readonly<Record<string, number>> = {
  CC: 0x1,
  DC: 0x2,
  LC: 0x4,
  SW: 0x8,
  RP: 0x10,
  WP: 0x20,
  DT: 0x40,
  LO: 0x80,
  CR: 0x100,
  SD: 0x1_0000,
  RC: 0x2_0000,
  WD: 0x4_0000,
  WO: 0x8_0000,
  FA: 0x1f_01ff,
  FR: 0x12_0089,
  FW: 0x12_0116,
  FX: 0x12_00a0,
  GA: 0x1000_0000,
  GX: 0x2000_0000,
  GW: 0x4000_0000,
  GR: 0x8000_0000,
};

/** Rights that allow replacing an entry of a folder: delete a child, delete, change the access list or the owner. */
export const REPLACE = 0x40 | 0x1_0000 | 0x4_0000 | 0x8_0000 | 0x1000_0000;
/** Rights that allow changing a file, or the contents of a folder. */
export const WRITE = REPLACE | 0x2 | 0x4 | 0x4000_0000;

/**
 * Accounts that have any of `rights` to the object of a security descriptor, other than those that control the machine:
 * SIDs or their two letters. The owner always has them. Everyone (`WD`) if there is no access list.
 */
export function whoCan(rights: number, sddl: string): string[] {
  const owner = /O:(S-[\d-]+|[A-Z]{2})/.exec(sddl)?.[1];
  const list = /D:([A-Z_]*)((?:\([^)]*\))*)/.exec(sddl);
  if (list === null || (list[1] ?? '').includes('NO_ACCESS_CONTROL')) return ['WD'];
  const allowed = [...(list[2] ?? '').matchAll(/\(([^)]*)\)/g)].flatMap(([, text = '']) => {
    const [kind, flags = '', granted = '', , , who = ''] = text.split(';');
    // D denies. IO applies to new entries of the folder, not to the folder.
    return kind !== 'D' && !flags.includes('IO') && (bitsOf(granted) & rights) !== 0 ? [who] : [];
  });
  return [...new Set([...(owner === undefined ? [] : [owner]), ...allowed])].filter((sid) => !RULER_SIDS.has(sid));
}

function bitsOf(rights: string): number {
  if (rights.startsWith('0x')) return Number.parseInt(rights, 16);
  return (rights.match(/../g) ?? []).reduce((bits, name) => bits | (RIGHTS[name] ?? 0), 0);
}
