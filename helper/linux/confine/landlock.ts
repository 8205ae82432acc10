import { closeSync, fstatSync, openSync } from 'node:fs';
import { HelperError } from '../../errors.ts';
import type { Libc } from '../libc.ts';

/** System calls, the same on every architecture. */
export const LANDLOCK = { createRuleset: 444, addRule: 445, restrictSelf: 446 } as const;

/** linux/landlock.h. */
const CREATE_RULESET_VERSION = 1;
const RULE_PATH_BENEATH = 1;
const EXECUTE = 1 << 0;
const READ_FILE = 1 << 2;
const READ_DIR = 1 << 3;
/** All rights over files that a version of Landlock knows. */
const FILE_RIGHTS: readonly number[] = [0, 0x1fff, 0x3fff, 0x7fff, 0x7fff, 0xffff];
/** Binding and connecting TCP sockets, since version 4. */
const NET_RIGHTS = 3;
/** Abstract Unix sockets and signals to processes outside, since version 6. */
const SCOPES = 3;

const O_PATH = 0o10000000;

/**
 * Denies this thread, and its image after execve, all access to files, except reading and executing the given ones;
 * where the kernel supports it, also TCP and signals to others. Needs no_new_privs.
 * @param readable files and folders (with everything below) that may be read and executed; missing ones are skipped
 * @returns the version of Landlock in force; 0 if the kernel has none
 * @throws {HelperError} HELPER_PRIVILEGE when the kernel has it but refuses
 */
export function restrictFiles(libc: Libc, readable: readonly string[]): number {
  const version = Number(libc.syscall(LANDLOCK.createRuleset, 0, 0, CREATE_RULESET_VERSION, 0));
  if (version <= 0) return 0;
  const refused = (call: string): HelperError =>
    new HelperError('HELPER_PRIVILEGE', `Landlock: ${libc.failure(call).message}`);

  const attributes = Buffer.alloc(24); // struct landlock_ruleset_attr; older kernels know only its beginning
  attributes.writeBigUInt64LE(BigInt(FILE_RIGHTS[Math.min(version, FILE_RIGHTS.length - 1)] as number), 0);
  if (version >= 4) attributes.writeBigUInt64LE(BigInt(NET_RIGHTS), 8);
  if (version >= 6) attributes.writeBigUInt64LE(BigInt(SCOPES), 16);
  const bytes = version >= 6 ? 24 : version >= 4 ? 16 : 8;
  const ruleset = Number(libc.syscall(LANDLOCK.createRuleset, libc.address(attributes), bytes, 0, 0));
  if (ruleset < 0) throw refused('landlock_create_ruleset');

  for (const path of readable) {
    let parent: number;
    try {
      parent = openSync(path, O_PATH);
    } catch {
      continue;
    }
    const rule = Buffer.alloc(12); // struct landlock_path_beneath_attr, packed
    rule.writeBigUInt64LE(BigInt(EXECUTE | READ_FILE | (fstatSync(parent).isDirectory() ? READ_DIR : 0)), 0);
    rule.writeInt32LE(parent, 8);
    const added = Number(libc.syscall(LANDLOCK.addRule, ruleset, RULE_PATH_BENEATH, libc.address(rule), 0));
    closeSync(parent);
    if (added !== 0) throw refused('landlock_add_rule');
  }
  if (Number(libc.syscall(LANDLOCK.restrictSelf, ruleset, 0, 0, 0)) !== 0) throw refused('landlock_restrict_self');
  closeSync(ruleset);
  return version;
}
