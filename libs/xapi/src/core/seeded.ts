/** Identifiers that follow from a seed and a name, so that the same seed makes the same pool. */
import { createHash } from 'node:crypto';
import { asRef, type ClassName, type Ref } from '@xenplane/model';

export function seededUuid(...names: readonly (string | number)[]): string {
  const hex = createHash('sha256').update(names.join('/')).digest('hex');
  const variant = ((parseInt(hex.slice(16, 17), 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
export const refOf = <C extends ClassName>(_cls: C, uuid: string): Ref<C> => asRef<C>(`OpaqueRef:${uuid}`);
/** A locally administered unicast address. */
export function seededMac(...names: readonly (string | number)[]): string {
  const hex = createHash('sha256').update(names.join('/')).digest('hex');
  const first = ((parseInt(hex.slice(0, 2), 16) & 0xfc) | 2).toString(16).padStart(2, '0');
  return [first, hex.slice(2, 4), hex.slice(4, 6), hex.slice(6, 8), hex.slice(8, 10), hex.slice(10, 12)].join(
    ':',
  );
}
export const pciRef = (hostUuid: string, pciId: string): Ref<'PCI'> =>
  refOf('PCI', seededUuid(hostUuid, 'pci', pciId));
