/** Facilities by name: RFC 5424, section 6.2.1, table 1. Left out: `kern`, which is for the kernel's own messages. */
const FACILITIES = {
  user: 1,
  mail: 2,
  daemon: 3,
  auth: 4,
  syslog: 5,
  lpr: 6,
  news: 7,
  uucp: 8,
  cron: 9,
  authpriv: 10,
  ftp: 11,
  ntp: 12,
  audit: 13,
  alert: 14,
  clock: 15,
  local0: 16,
  local1: 17,
  local2: 18,
  local3: 19,
  local4: 20,
  local5: 21,
  local6: 22,
  local7: 23,
} as const;

export type Facility = keyof typeof FACILITIES;

export const FACILITY_NAMES = Object.keys(FACILITIES) as [Facility, ...Facility[]];

/** The number of a facility in a message's priority. */
export const facilityNumber = (name: Facility): number => FACILITIES[name];
