/** Calls that reach into a running guest, or say how its domain is set up. */
import { XenError, type AnyRecord, type Ref } from '@xenplane/model';
import { memory } from '@xenplane/domain';
import { admitVm } from '../../begin/admission';
import type { Context } from '../../core/context';
import { keepingPlan } from '../../placement/ha-plan';
import { changeReservation } from '../../tables/runs/placements';
import { guestSays } from '../../begin/lifecycle-subjects';
import { createNewBlob } from '../../storage/blob';

interface Self {
  readonly self: Ref<'VM'>;
}
interface Plugin {
  readonly vm: Ref<'VM'>;
  readonly plugin: string;
}
const guestPlugin = 'guest-agent-operation';
/** The guest's feature that accepts such requests. */
const pluginFeature = 'feature-guest-agent-operation',
  sysprepFeature = 'feature-sysprep';

async function callPlugin(context: Context, { vm, plugin }: Plugin): Promise<string> {
  await admitVm(context, vm, 'call_plugin');
  if (plugin !== guestPlugin) throw new XenError('XENAPI_MISSING_PLUGIN', plugin);
  if (!(await guestSays(context.tx, vm, pluginFeature))) throw new XenError('VM_LACKS_FEATURE', vm);
  throw new XenError('XENAPI_PLUGIN_FAILURE', 'timeout', '', 'The guest did not answer');
}

async function sysprep(context: Context, { self }: Self): Promise<void> {
  await admitVm(context, self, 'sysprep');
  if (!(await guestSays(context.tx, self, sysprepFeature)))
    throw new XenError('SYSPREP', self, 'The guest does not offer sysprep');
  throw new XenError('SYSPREP', self, 'The guest did not answer');
}

const refusing =
  (name: string, op: 'send_sysrq' | 'send_trigger') =>
  async (context: Context, { vm }: { vm: Ref<'VM'> }): Promise<void> => {
    await admitVm(context, vm, op);
    throw new XenError('NOT_IMPLEMENTED', name);
  };

/** The record as it is; what is computed from others comes from the replica. */
async function bootRecord(context: Context, self: Ref<'VM'>): Promise<AnyRecord> {
  const { ref: _ref, ...stored } = await admitVm(context, self, 'get_boot_record');
  return { ...context.plane.replica.record('VM', self), ...stored };
}

const parameters: Readonly<Record<string, RegExp>> = {
  weight: /^[1-9]\d{0,4}$/,
  cap: /^\d{1,5}$/,
  mask: /^\d+(?:[,-]\d+)*$/,
};
async function addToVcpusParams(
  context: Context,
  { self, key, value }: Self & { key: string; value: string },
): Promise<void> {
  const { VCPUs_params } = await admitVm(context, self, 'changing_VCPUs_live');
  if (!parameters[key]?.test(value)) throw new XenError('INVALID_VALUE', key, value);
  await context.tx.update('VM', self, { VCPUs_params: { ...VCPUs_params, [key]: value } });
}

async function setShadowMultiplier(
  context: Context,
  { self, multiplier }: Self & { multiplier: number },
): Promise<void> {
  const vm = await admitVm(context, self, 'changing_shadow_memory_live');
  if (!(multiplier >= 1)) throw new XenError('INVALID_VALUE', 'HVM_shadow_multiplier', String(multiplier));
  await keepingPlan(context.tx, async () => {
    await changeReservation(
      context.tx,
      self,
      memory.neededToStart({ ...vm, HVM_shadow_multiplier: multiplier }),
    );
    await context.tx.update('VM', self, { HVM_shadow_multiplier: multiplier });
  });
}

export const vmGuest = {
  call_plugin: callPlugin,
  call_host_plugin: async (context: Context, { vm, plugin }: Plugin): Promise<string> => {
    await admitVm(context, vm, 'call_plugin');
    throw new XenError('XENAPI_MISSING_PLUGIN', plugin);
  },
  sysprep,
  send_sysrq: refusing('send_sysrq', 'send_sysrq'),
  send_trigger: refusing('send_trigger', 'send_trigger'),
  /** Only system domains answer, and this control plane runs none. */
  query_services: async (context: Context, { self }: Self): Promise<Record<string, string>> => {
    await admitVm(context, self, 'query_services');
    return {};
  },
  get_boot_record: (context: Context, { self }: Self) => bootRecord(context, self),
  /** Every balloon driver follows its target: kept for old clients. */
  get_cooperative: async ({ tx }: Context, { self }: Self): Promise<boolean> => {
    await tx.get('VM', self);
    return true;
  },
  add_to_VCPUs_params_live: addToVcpusParams,
  set_shadow_multiplier_live: setShadowMultiplier,
  create_new_blob: createNewBlob('VM', 'vm'),
};
