/** The data directory of a PE file that says where its certificates lie (PE format, optional header). */
const SECURITY_DIRECTORY = 4;
const DIRECTORY_BYTES = 8;
const PE32_PLUS_DIRECTORIES = 24 + 112;
const CHECKSUM = 24 + 64;

/**
 * A Windows executable without its Authenticode signature, which is wrong once a section is added. The signature lies
 * at the end of the file, outside of all sections.
 */
export function withoutSignature(executable: Buffer): Buffer {
  const header = executable.readUInt32LE(0x3c);
  const directory = header + PE32_PLUS_DIRECTORIES + SECURITY_DIRECTORY * DIRECTORY_BYTES;
  const start = executable.readUInt32LE(directory);
  if (start === 0) return executable;
  if (start + executable.readUInt32LE(directory + 4) !== executable.length)
    throw new Error('the signature is not at the end of the file');
  const unsigned = Buffer.from(executable.subarray(0, start));
  unsigned.writeBigUInt64LE(0n, directory);
  unsigned.writeUInt32LE(0, header + CHECKSUM);
  return unsigned;
}
