/**
 * Names a process among all processes of all machines: `BOOT/PID/START`.
 *
 * The boot id is random and new at every boot, so no two machines or boots share one (but for copies of a running virtual machine); within a boot, a pid and the time at which the
 * process began (microseconds since boot) name a process. An exec keeps all three: the entity is the process, not the program in it.
 */
export function entityId(bootId: string, pid: number, startTime: number): string {
  return `${bootId}/${pid}/${startTime}`;
}
