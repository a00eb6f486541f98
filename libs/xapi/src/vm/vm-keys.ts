/** Keys of maps that come to a VM with another: whoever may not set them may not bring them that way either (lesson of XSA-489). */
import { classNamed, messages, type AnyRecord, type Ref } from '@xenplane/model';
import type { Context } from '../core/context';
import { assertGivenKeys, assertKeysBetween } from '../people/roles';
import { fromMetadata } from './snapshots/snapshot-metadata';

type Asking = Pick<Context, 'tx' | 'session'>;

/** A copy has the keys of its source and of the devices of that. */
export async function assertMayCopyKeys(
  { tx, session }: Asking,
  op: 'clone' | 'copy',
  vm: Ref<'VM'>,
): Promise<void> {
  const message = messages.get(`VM.${op}`);
  if (!message) return;
  assertGivenKeys(session, message, classNamed('VM'), await tx.get('VM', vm));
  for (const vbd of await tx.find('VBD', { VM: vm }))
    assertGivenKeys(session, message, classNamed('VBD'), vbd);
}

/** A VM that goes back to a snapshot gets the keys that it had then, and loses those that it has got since. */
export async function assertMayRevertKeys({ tx, session }: Asking, ref: Ref<'VM'>): Promise<void> {
  const message = messages.get('VM.revert');
  if (!message) return;
  const snapshot = await tx.get('VM', ref);
  const [present] = await tx.getMany('VM', [snapshot.snapshot_of]);
  const reverted = present
    ? { ...present, ...fromMetadata(snapshot).settings }
    : { ...snapshot, ...fromMetadata(snapshot).settings };
  assertKeysBetween(session, message, classNamed('VM'), present ?? {}, reverted);
  const devices = new Map<string, AnyRecord>(
    (present ? await tx.find('VBD', { VM: present.ref }) : []).map((vbd) => [vbd.userdevice, vbd]),
  );
  for (const vbd of await tx.find('VBD', { VM: ref }))
    assertKeysBetween(session, message, classNamed('VBD'), devices.get(vbd.userdevice) ?? {}, vbd);
}
