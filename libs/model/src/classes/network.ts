import * as enums from '../enums';
import { atCreate, call, computed, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, int, map, optional, ref, set, string } from '../types';

export const network = xenClass('network', {
  doc: 'A layer-2 network that virtual interfaces and host interfaces plug into',
  role: 'vm-admin',
  constructs: true,
  fields: {
    uuid,
    name_label: readWrite(string, 'Name of the network shown to people; need not be unique', {
      default: '',
      role: 'pool-operator',
    }),
    name_description: readWrite(string, 'Free text that describes the network', {
      default: '',
      role: 'pool-operator',
    }),
    allowed_operations: readOnly(
      set(enums.network_operations),
      'Operations the network would accept now; only a hint, checked again on call',
      { default: [] },
    ),
    current_operations: readOnly(
      map(string, enums.network_operations),
      'Operations under way on the network, keyed by task',
      { default: {} },
    ),
    VIFs: computed(set(ref('VIF')), 'Virtual interfaces connected to the network', 'VIF.network'),
    PIFs: computed(
      set(ref('PIF')),
      'Host interfaces that carry the network, at most one per host',
      'PIF.network',
    ),
    MTU: readWrite(int, 'Maximum transmission unit in bytes, normally 1500', { default: 1500 }),
    other_config: readWrite(map(string, string), 'Extra keys and values clients store with the network', {
      role: 'pool-operator',
      keyRoles: {
        folder: 'vm-operator',
        'XenCenter.CustomFields.*': 'vm-operator',
        XenCenterCreateInProgress: 'vm-operator',
      },
    }),
    bridge: atCreate(string, 'Name of the bridge that implements the network on every host', { default: '' }),
    managed: atCreate(bool, 'False when the bridge is created outside xapi, which then leaves it alone', {
      default: true,
    }),
    blobs: readOnly(map(string, ref('blob')), 'Binary blobs attached to the network, keyed by name', {
      default: {},
    }),
    tags: readWrite(set(string), 'Words clients attach to the network to find it again', {
      default: [],
      role: 'vm-operator',
    }),
    default_locking_mode: readOnly(
      enums.network_default_locking_mode,
      'Traffic rule for VIFs whose own locking mode is network_default',
      { default: 'unlocked' },
    ),
    assigned_ips: readOnly(
      map(ref('VIF'), string),
      'Address xapi handed to each VIF on a host internal management network',
      { default: {} },
    ),
    purpose: readOnly(
      set(enums.network_purpose),
      'Special roles of the network, such as serving disks over NBD',
      { default: [] },
    ),
  },
  calls: {
    create_new_blob: call({
      doc: 'Attach a new empty blob under the given name and return its reference',
      role: 'pool-operator',
      params: { network: ref('network'), name: string, mime_type: string, public: optional(bool, false) },
      result: ref('blob'),
    }),
    set_default_locking_mode: call({
      doc: 'Change the traffic rule for VIFs set to network_default; refused while such VIFs are plugged in',
      role: 'pool-operator',
      params: { network: ref('network'), value: enums.network_default_locking_mode },
    }),
    add_purpose: call({
      doc: 'Give the network another role; fails when it conflicts with a role already held',
      role: 'pool-admin',
      params: { self: ref('network'), value: enums.network_purpose },
      errors: ['NETWORK_INCOMPATIBLE_PURPOSES'],
    }),
    remove_purpose: call({
      doc: 'Take a role away from the network; no effect when absent',
      role: 'pool-admin',
      params: { self: ref('network'), value: enums.network_purpose },
    }),
    attach: call({
      doc: 'Make the network ready for use on a host',
      role: 'pool-operator',
      params: { network: ref('network'), host: ref('host') },
      hidden: true,
    }),
  },
});
