import { bondRules, pifRules, stackingRules } from '@xenplane/domain';
import { asRef, classes, type CallsOf, type OperationParams, type Ref } from '@xenplane/model';
import { seededMac } from '../core/seeded';
import type { Context } from '../core/context';
import { addPif, admitPif, assertNotConnected, lockInterfaces, removePif } from './interfaces';
import { recordWith } from '../core/records';

async function create(
  context: Context,
  { transport_PIF, network, protocol }: OperationParams<typeof classes.tunnel, 'create'>,
): Promise<Ref<'tunnel'>> {
  const { tx, plane } = context;
  await lockInterfaces(tx);
  const { pif } = await admitPif(tx, transport_PIF, stackingRules.refuseTunnel);
  const { MTU } = await assertNotConnected(tx, network, [pif.host]);
  const used = new Set((await tx.find('PIF', { host: pif.host })).map((p) => p.device));
  const uuid = plane.ids.uuid(),
    ref = asRef<'tunnel'>(`OpaqueRef:${uuid}`);
  const access_PIF = await addPif(context, {
    device: bondRules.deviceNamed('tunnel', used),
    network,
    host: pif.host,
    MAC: seededMac(uuid, 'tunnel'),
    MTU,
    VLAN: -1,
    managed: true,
    currently_attached: pif.currently_attached,
  });
  await tx.insert(
    'tunnel',
    ref,
    recordWith('tunnel', {
      uuid,
      access_PIF,
      transport_PIF,
      protocol,
      status: { active: String(pif.currently_attached) },
    }),
  );
  return ref;
}

async function destroy({ tx }: Context, self: Ref<'tunnel'>): Promise<void> {
  await lockInterfaces(tx);
  const { access_PIF } = await tx.lock('tunnel', self);
  await admitPif(tx, access_PIF, pifRules.refuseUnplug);
  await tx.remove('tunnel', self);
  await removePif(tx, access_PIF);
}

export const tunnelCalls: CallsOf<typeof classes.tunnel, Context> = {
  create: (context, wish) => create(context, wish),
  destroy: (context, { self }) => destroy(context, self),
};
