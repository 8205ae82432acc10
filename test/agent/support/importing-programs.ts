import { gunzipSync } from 'node:zlib';

/** Programs of test/windows/support/importing-program.ts, compressed: most machines have no compiler for Windows. */
const COMPRESSED = {
  32: [
    'H4sIAAAAAAACA+1UPWwSYRh+7yD+toSBkcTD1KRDc/lSOzJghTh4Cgq0BGMo5S6Kwh25O9vaqXGrcSCOTsbRyYGhcWrC4mATRweHLibEODg6',
    'mOBzfC/1UKMLk/ZNHp7vee69957vfrhW7VKEiKLAcEi0R7Iy9PfaAWLnXseod/ogtacYB6nS3aandVznjltva426bTu+tm5p7gNba9paNl/U',
    '2o5p6bOzZ+Z4RiFHZCiRibmHFIucVdR5UiFOsBlnjNMFa1XmVjj/UXD4n4qEfWVwSOPz4kfnx8MXw+Gk+odNilHL1Ev3rS0f/GocSGVMRlvT',
    'm2bdr3NGjTcanezDlvd112o5Dc4qeNapX/qWf85R3v1YLAxWsNrtD64EN7M/WJN0Q9KypKKkkqSypBVJq5IqoKry/tbtfrc7vBBNZShgYp5j',
    '1piTzFnmGeYE8wLzEnN6xHRcU61e6OV+ksIPsB/ynkPPAG9CXg86AbwLeW+hk8BhyPsAvQAMQt5n6CXgS8j7Bp0Gvoa8+HmibOr3mQ34FT6m',
    'yr8hOsmMD37HAyqq1Cb3dZi3mSPcP81ZCtn1tmXW8raFWXLtbzrwG47tu06rFvSYbnPDcmvByvF9tMiPFriau3k9Z1xc1M1WK5iXgJc3cpfK',
    'pR/ePLwCJtR9a2SlocdYLS7Wxp0FaL6qnr9cIRO64zZt33J1092gLWhk05HB072H3uj5w9v0nMZ9DMkaxvHH8T9UXL5+VbEu7glXbItH4rF4',
    'Kp6JF+KlOL49/3p9B2MhciMACgAA',
  ],
  64: [
    'H4sIAAAAAAACA+2UTWvUUBSGT9KKnx2n4lLsTWmhCwlSNy6KKM5A0WgGp2JVcBonwQZnkpLcfrgRoYMiuJiFP8GFP2AWxYWI06XduXAhXbmY',
    'RZH+AHF8k3uHfFD8ABEXPXB47/vcM+eemyG5dqdNQ0Q0jOz3iTZIxEX6dTxBFsbeFKhzeEvbUIwtbW7RDdlS4D8IrCarW57nc3bfYcGyx1yP',
    'lcwqa/q2o4+MHJmQPSplIvupmum7S7p6VFWnSJWDRVGUidGUgVeT7QMke5wVvPSecK8FlLLk9+lFMTmvmD4c5R2V/nno3Fnj8d2Tu1FuDoy2',
    'oLu2xS05I5PPZzhbh//u3e+eW51d32G9e1g97/ZMiNLtLQq5LeSKkLqQhpBlIY+FPBPShsyubzLl091uW0Z/8ituE+m21NOjQgtSv8f8+Fgr',
    'nqc/eWE0698Wf+63/8jvRzY6LFlPjBMZGtGHFDsPZoN9TjEDjIPtpJgN1gI7piWMg72CP5ViLbAO/JkUewm2CT+TYq/BPmp7z/xF8t3cvpp8',
    'luI4mPOK9KHUeTW7/y3X79B41p/I+aFc//91LoU8q+nYNdNzMItY81UfvO57PPAbtajGDtwVJ6hFK59zlIjvC/Jq+cb1snFuWrcb0etPJ8FM',
    'o3zp5lzCpsAq6GBxJ0Yz8IO8VZ2uDSor8PJU3bw8Tzb8UuB63Al0O1ihNXjMpmOGUA8fxY/kBdhq6NcfoknJMPZf2r8YPwDPUDTiAAgAAA==',
  ],
};

/** The program for this word size. It imports by name and by number. */
export function importingProgram(bits: 32 | 64): Buffer {
  return gunzipSync(Buffer.from(COMPRESSED[bits].join(''), 'base64'));
}

/** Of both, as `pefile.PE(path).get_imphash()` of pefile 2023.2.7 says. */
export const IMPORT_HASH = '7787bbed2da17aee3466d3b8fe2da8bb';
