import { xenClass } from '../language';
import { lifecycleCalls } from './vm/lifecycle';
import { resourceCalls } from './vm/resources';
import { settingCalls } from './vm/settings';
import { vmFields } from './vm/fields';

export const VM = xenClass('VM', {
  doc: 'A virtual machine, template or snapshot: configuration, lifecycle and links to its devices',
  role: 'vm-admin',
  constructs: true,
  fields: vmFields,
  calls: { ...lifecycleCalls, ...resourceCalls, ...settingCalls },
});
