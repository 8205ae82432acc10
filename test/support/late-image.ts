/** An ELF image whose first segment brings text to `address` and whose second is impossible (larger in the file than in memory): load_elf_binary() finds out after it has replaced the process. */
export function lateImage(address: number): Buffer {
  const image = Buffer.alloc(0x2000);
  Buffer.from('7f454c46020101', 'hex').copy(image);
  image.writeUInt16LE(2, 16); // ET_EXEC
  image.writeUInt16LE(62, 18); // EM_X86_64
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
    for (const [i, value] of [0x1000, virtual, virtual, fileBytes, memoryBytes, 0x1000].entries())
      image.writeBigUInt64LE(BigInt(value), at + 8 + 8 * i);
  };
  segment(64, address, 0x1000, 0x1000);
  segment(120, address + 0x10_0000, 0x1000, 0);
  image.write('/forged/path', 0x1200);
  image.write('forged-argument', 0x1300);
  image.writeBigUInt64LE(BigInt(address + 0x300), 0x1400);
  return image;
}
