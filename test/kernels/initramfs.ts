import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { inCheckout } from '../../installers/tools/root-folder.ts';
import type { Image } from './image.ts';
import { run } from '../../installers/tools/run.ts';

/** The modules that shared folders and channels to the host need. */
const MODULES = ['virtio_pci', 'virtio_console', 'virtiofs', 'overlay'];

/** Text files that init.sh finds in /guest. */
export type InitFiles = Readonly<Record<string, string>>;

/**
 * Makes the file system that the kernel starts from: busybox, the modules above,
 * init.sh, and `files`.
 * @param busybox a program of the kernel's architecture that needs no library
 * @returns the file
 */
export function makeInitramfs(image: Image, busybox: string, files: InitFiles, work: string): string {
  const root = path.join(work, 'initramfs');
  for (const folder of ['bin', 'modules', 'guest', 'proc', 'sys', 'dev', 'lower', 'upper', 'root'])
    mkdirSync(path.join(root, folder), { recursive: true });
  copyFileSync(busybox, path.join(root, 'bin/busybox'));
  const order = MODULES.flatMap((module) =>
    run('modprobe', ['-d', image.folder, '-S', image.release, '--show-depends', module]).split('\n'),
  ).flatMap((line) => /^insmod (\S+)/u.exec(line)?.[1] ?? []);
  const names = [...new Set(order)].map((file) => {
    const name = path.basename(file).replace(/\.ko.*$/u, '');
    const unpacker = file.endsWith('.xz') ? 'xz -dc' : file.endsWith('.zst') ? 'zstd -dcq' : 'cat';
    run('sh', ['-c', `${unpacker} "$1" > "$2"`, 'sh', file, path.join(root, 'modules', name)]);
    return name;
  });
  writeFileSync(path.join(root, 'modules/order'), names.join('\n'));
  copyFileSync(inCheckout('test/kernels/init.sh'), path.join(root, 'init'));
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(root, 'guest', name), text);
  run('chmod', ['755', path.join(root, 'init')]);
  const file = path.join(work, 'initramfs.cpio');
  run('sh', ['-c', 'find . | cpio -o -H newc --quiet > "$1"', 'sh', file], { cwd: root });
  return file;
}
