/** Roles from most to least privileged; a role may do all that the weaker ones may. `client-cert` is internal. */
export const roles = [
  'pool-admin',
  'pool-operator',
  'vm-power-admin',
  'vm-admin',
  'vm-operator',
  'client-cert',
  'read-only',
] as const;
/** `local-root`: no role suffices, only the local root user may. */
export type Role = (typeof roles)[number] | 'local-root';

/** The uuid of each role's record, as every pool has them. */
export const roleUuids: Readonly<Record<(typeof roles)[number], string>> = {
  'pool-admin': '0165f154-ba3e-034e-6b27-5d271af109ba',
  'pool-operator': 'b9ce9791-0604-50cd-0649-09b3284c7dfd',
  'vm-power-admin': '7955168d-7bec-10ed-105f-c6a7e6e63249',
  'vm-admin': 'aaa00ab5-7340-bfbc-0d1b-7cf342639a6e',
  'vm-operator': 'fb8d4ff9-310c-a959-0613-54101535d3d5',
  'client-cert': '2c42debf-c64a-2ecd-f674-3350f06409f7',
  'read-only': '7233b8e3-eacb-d7da-2c95-f2e581cdbf4e',
};

/** True if a holder of `held` may do what needs `needed`. */
export function allows(held: Role, needed: Role): boolean {
  if (held === 'local-root') return true;
  if (needed === 'local-root') return false;
  return roles.indexOf(held) <= roles.indexOf(needed);
}
