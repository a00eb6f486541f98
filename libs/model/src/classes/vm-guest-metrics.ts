import * as enums from '../enums';
import { readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, datetime, map, string } from '../types';

export const VM_guest_metrics = xenClass('VM_guest_metrics', {
  doc: 'What the agent inside a guest reports about its operating system and drivers',
  role: 'vm-admin',
  fields: {
    uuid,
    os_version: readOnly(map(string, string), 'Guest operating system: name, distro, major, minor and uname'),
    netbios_name: readOnly(
      map(string, string),
      'Windows NetBIOS host and domain names; empty for other systems',
      { default: {}, state: 'prototyped' },
    ),
    PV_drivers_version: readOnly(
      map(string, string),
      'Version of the PV drivers: major, minor, micro and build; empty if not reported',
    ),
    PV_drivers_up_to_date: readOnly(bool, 'Deprecated: always the same as PV_drivers_detected', {
      state: 'deprecated',
    }),
    memory: readOnly(map(string, string), "Removed: guest's own memory figures; empty, use the RRDs", {
      default: {},
      state: 'removed',
    }),
    disks: readOnly(map(string, string), "Removed: guest's disk usage; empty", {
      default: {},
      state: 'removed',
    }),
    networks: readOnly(
      map(string, string),
      "IP addresses by interface, keys like '0/ip' (first IPv4) and '0/ipv4/0', '0/ipv6/0'",
    ),
    other: readOnly(
      map(string, string),
      'Remaining reports of the agent, such as feature-shutdown, feature-suspend and platform-feature-* flags',
    ),
    last_updated: readOnly(datetime, 'When the guest last reported something new'),
    other_config: readWrite(map(string, string), 'Client-defined keys', { default: {} }),
    live: readOnly(bool, 'True if the agent reports for the present boot', { default: false }),
    can_use_hotplug_vbd: readOnly(
      enums.tristate_type,
      'Whether the guest can hotplug disks; unspecified when it does not say',
      { default: 'unspecified' },
    ),
    can_use_hotplug_vif: readOnly(
      enums.tristate_type,
      'Whether the guest can hotplug network interfaces; unspecified when it does not say',
      { default: 'unspecified' },
    ),
    PV_drivers_detected: readOnly(bool, 'True if at least one PV device of the guest is connected', {
      default: false,
    }),
    services: readOnly(map(string, string), 'Versions and states reported by services within the guest', {
      default: {},
      state: 'prototyped',
    }),
  },
  calls: {},
});
