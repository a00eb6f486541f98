import { xenClass } from '../language';
import { memberCalls } from './pool/members';
import { poolFields } from './pool/fields';
import { settingCalls } from './pool/settings';

export const pool = xenClass('pool', {
  doc: 'A group of hosts managed as one under a coordinator; every installation has exactly one',
  role: 'pool-operator',
  byLabel: false,
  fields: poolFields,
  calls: { ...memberCalls, ...settingCalls },
});
