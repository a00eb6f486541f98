import { xenClass } from '../language';
import { hostFields } from './host/fields';
import { lifecycleCalls } from './host/lifecycle';
import { settingCalls } from './host/settings';

export const host = xenClass('host', {
  doc: 'A physical machine of the pool that runs the hypervisor, xapi and the VMs placed on it',
  role: 'pool-operator',
  fields: hostFields,
  calls: { ...lifecycleCalls, ...settingCalls },
});
