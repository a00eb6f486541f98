import { atCreate, call, computed, readOnly, uuid, xenClass } from '../language';
import { nullRef, ref, set, string } from '../types';

export const Host_driver = xenClass('Host_driver', {
  doc: 'A device driver of a host that is available in several variants',
  role: 'pool-admin',
  state: 'prototyped',
  fields: {
    uuid,
    host: atCreate(ref('host'), 'Host the driver is installed on', { default: nullRef() }),
    name: readOnly(string, 'Name that identifies the driver on its host'),
    friendly_name: readOnly(string, 'Name of the driver for display'),
    variants: computed(
      set(ref('Driver_variant')),
      'Variants of the driver to choose from',
      'Driver_variant.driver',
    ),
    active_variant: readOnly(ref('Driver_variant'), 'Variant loaded now; NULL when none is'),
    selected_variant: readOnly(
      ref('Driver_variant'),
      'Variant to be used after the next reboot; NULL when none is chosen',
    ),
    type: readOnly(string, 'Kind of device the driver is for, such as network or storage'),
    description: readOnly(string, 'What the driver is for'),
    info: readOnly(string, 'Further remarks or a link about the driver'),
  },
  calls: {
    select: call({
      doc: 'Choose a variant of the driver; it becomes active at the next reboot',
      role: 'pool-admin',
      params: { self: ref('Host_driver'), variant: ref('Driver_variant') },
    }),
    deselect: call({
      doc: 'Undo the choice of a variant, so that none is used after the next reboot',
      role: 'pool-admin',
      params: { self: ref('Host_driver') },
    }),
    rescan: call({
      doc: 'Read the drivers of a host anew and bring the records up to date',
      role: 'pool-admin',
      params: { host: ref('host') },
    }),
  },
});
