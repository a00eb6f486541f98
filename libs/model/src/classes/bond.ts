import * as enums from '../enums';
import { atCreate, call, computed, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, int, map, nullRef, optional, ref, set, string } from '../types';

export const Bond = xenClass('Bond', {
  doc: 'Several NICs of one host aggregated into a single interface',
  role: 'pool-operator',
  fields: {
    uuid,
    master: atCreate(ref('PIF'), 'Aggregate interface that represents the bond', { default: nullRef() }),
    slaves: computed(set(ref('PIF')), 'Interfaces that are members of the bond', 'PIF.bond_slave_of'),
    other_config: readWrite(map(string, string), 'Extra keys and values clients store with the bond', {
      default: {},
    }),
    primary_slave: readOnly(
      ref('PIF'),
      'Member whose MAC and IP settings the bond took over; NULL when a custom MAC was given',
      { default: nullRef() },
    ),
    mode: readOnly(enums.bond_mode, 'How traffic is spread over the members', { default: 'balance-slb' }),
    properties: readOnly(
      map(string, string),
      'Settings of the chosen mode, such as hashing_algorithm for lacp',
      { default: {} },
    ),
    links_up: readOnly(int, 'Number of members that currently have link', { default: 0 }),
    auto_update_mac: readOnly(bool, 'True when the bond follows the MAC address of its primary member', {
      default: true,
    }),
  },
  calls: {
    create: call({
      doc: "Aggregate at least one interface of a host on a network; an empty MAC reuses the primary member's, and IP settings move to the bond",
      role: 'pool-operator',
      params: {
        network: ref('network'),
        members: set(ref('PIF')),
        MAC: string,
        mode: optional(enums.bond_mode, 'balance-slb'),
        properties: optional(map(string, string), {}),
      },
      result: ref('Bond'),
    }),
    destroy: call({
      doc: 'Dissolve the bond and give its IP settings and VLANs back to the primary member',
      role: 'pool-operator',
      params: { self: ref('Bond') },
    }),
    set_mode: call({
      doc: 'Switch the bond to another balancing mode',
      role: 'pool-operator',
      params: { self: ref('Bond'), value: enums.bond_mode },
    }),
    set_property: call({
      doc: "Set one setting of the bond's mode",
      role: 'pool-operator',
      params: { self: ref('Bond'), name: string, value: string },
    }),
  },
});
