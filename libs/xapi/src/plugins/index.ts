/** The plugins of a host, by the file names under which clients call them. */
import { XenError, type Ref } from '@xenplane/model';
import type { Context } from '../core/context';
import { assertLive } from '../host/host-use';
import { hyperthreading, ipmitool, netdata, perfmon, serviceControl } from './machine';
import type { Arguments, Plugin } from './plugin';
import { sdnController } from './sdn';
import { coalesceLeaf, diskSpace, lsblk, lvm, raid, smartctl, trim, zfs } from './storage';
import { supplementalPack } from './supplemental-pack';
import { updater } from './updater';

const plugins: Readonly<Record<string, Plugin>> = {
  'updater.py': updater,
  'raid.py': raid,
  'lvm.py': lvm,
  'zfs.py': zfs,
  'lsblk.py': lsblk,
  'smartctl.py': smartctl,
  'disk-space': diskSpace,
  trim,
  'coalesce-leaf': coalesceLeaf,
  'install-supp-pack': supplementalPack,
  'hyperthreading.py': hyperthreading,
  'ipmitool.py': ipmitool,
  'netdata.py': netdata,
  perfmon,
  'service.py': serviceControl,
  'sdncontroller.py': sdnController,
  'sdn-controller.py': sdnController,
};

export async function callPlugin(
  context: Context,
  ref: Ref<'host'>,
  name: string,
  fn: string,
  args: Arguments,
): Promise<string> {
  await assertLive(context.tx, ref);
  if (!Object.hasOwn(plugins, name)) throw new XenError('XENAPI_MISSING_PLUGIN', name);
  const plugin = plugins[name] ?? {};
  const run = Object.hasOwn(plugin, fn) ? plugin[fn] : undefined;
  if (!run) throw new XenError('UNKNOWN_XENAPI_PLUGIN_FUNCTION', fn);
  return run({ ...context, host: await context.tx.get('host', ref) }, args);
}
