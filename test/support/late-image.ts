/** A multiple of every processor's pages. */
const PAGE = 0x1_0000;

/** e_machine of elf(5): EM_X86_64, EM_AARCH64. */
const MACHINES: Readonly<Record<string, number>> = { x64: 62, arm64: 183 };

/** An ELF image whose first segment brings text to `address` and whose second is impossible (larger in the file than in memory): load_elf_binary() finds out after it has replaced the process. */
export function lateImage(address: number): Buffer {
  const image = Buffer.alloc(PAGE + 0x1000);
  Buffer.from('7f454c46020101', 'hex').copy(image);
  image.writeUInt16LE(2, 16); // ET_EXEC
  image.writeUInt16LE(MACHINES[process.arch]!, 18);
  image.writeUInt32LE(1, 20);
  image.writeBigUInt64LE(BigInt(address), 24);
  image.writeBigUInt64LE(64n, 32);
  for (const [at, value] of [
    [52, 64],
    [54, 56],
    [56, 2],
  ] as const)
    image.writeUInt16LE(value, at);
  const segment = (at: number, virtual: number, fileBytes: number, memoryBytes: number): void => {
    image.writeUInt32LE(1, at); // PT_LOAD
    image.writeUInt32LE(6, at + 4); // readable and writable
    for (const [i, value] of [PAGE, virtual, virtual, fileBytes, memoryBytes, PAGE].entries())
      image.writeBigUInt64LE(BigInt(value), at + 8 + 8 * i);
  };
  segment(64, address, 0x1000, 0x1000);
  segment(120, address + 0x10_0000, 0x1000, 0);
  image.write('/forged/path', PAGE + 0x200);
  image.write('forged-argument', PAGE + 0x300);
  image.writeBigUInt64LE(BigInt(address + 0x300), PAGE + 0x400);
  return image;
}
