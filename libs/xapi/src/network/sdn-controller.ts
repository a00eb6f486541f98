import { addresses } from '@xenplane/domain';
import { asRef, classes, XenError, type CallsOf, type OperationParams, type Ref } from '@xenplane/model';
import type { Context } from '../core/context';
import { recordWith } from '../core/records';

const usualPort = 6632;

/** Either the switches dial the controller, then they need its address, or they wait for it, then there is none. */
async function introduce(
  { tx, plane }: Context,
  given: OperationParams<typeof classes.SDN_controller, 'introduce'>,
): Promise<Ref<'SDN_controller'>> {
  const { protocol, address, port } = given;
  await tx.query("SELECT pg_advisory_xact_lock(hashtext('xenplane/sdn'))", []);
  const [present] = await tx.find('SDN_controller', {});
  if (present)
    throw new XenError(
      'OPERATION_NOT_ALLOWED',
      'SDN controller has been configured. Please forget it first.',
    );
  const dialled = protocol === 'ssl';
  if (dialled && !addresses.isIpv4(address) && !addresses.isIpv6(address))
    throw new XenError('INVALID_IP_ADDRESS_SPECIFIED', 'address');
  if (!dialled && address !== '') throw new XenError('INVALID_VALUE', 'address', address);
  if (!dialled && port !== 0) throw new XenError('INVALID_VALUE', 'port', String(port));
  if (port < 0 || port > 65_535)
    throw new XenError('VALUE_NOT_SUPPORTED', 'port', String(port), 'Port out of range');
  const uuid = plane.ids.uuid(),
    ref = asRef<'SDN_controller'>(`OpaqueRef:${uuid}`);
  await tx.insert(
    'SDN_controller',
    ref,
    recordWith('SDN_controller', { uuid, protocol, address, port: dialled && port === 0 ? usualPort : port }),
  );
  return ref;
}

export const sdnControllerCalls: CallsOf<typeof classes.SDN_controller, Context> = {
  introduce: (context, given) => introduce(context, given),
  forget: ({ tx }, { self }) => tx.remove('SDN_controller', self),
};
