/**
 * Names a process among all processes of all machines: `BOOT/PID/START`.
 *
 * The boot id is random and new at every boot, so no two machines or boots share one, except copies of a running virtual machine.
 * Within a boot, a pid and the start time of the process (microseconds since boot) name a process. An exec keeps all three: the
 * entity is the process, not its program.
 */
export function entityId(bootId: string, pid: number, startTime: number): string {
  return `${bootId}/${pid}/${startTime}`;
}
