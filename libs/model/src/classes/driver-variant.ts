import { call, readOnly, uuid, xenClass } from '../language';
import { bool, float, ref, string } from '../types';

export const Driver_variant = xenClass('Driver_variant', {
  doc: 'One variant of a host driver that can be chosen',
  role: 'pool-admin',
  state: 'prototyped',
  fields: {
    uuid,
    name: readOnly(string, 'Name of the variant, unique within its driver'),
    driver: readOnly(ref('Host_driver'), 'Driver this is a variant of'),
    version: readOnly(string, 'Version of the variant'),
    hardware_present: readOnly(bool, 'True when the host has hardware this variant drives'),
    priority: readOnly(float, 'Rank among the variants; a higher number is preferred'),
    status: readOnly(string, 'Maturity of the variant, such as production or beta'),
  },
  calls: {
    select: call({
      doc: 'Choose this variant for its driver; it becomes active at the next reboot',
      role: 'pool-admin',
      params: { self: ref('Driver_variant') },
    }),
  },
});
