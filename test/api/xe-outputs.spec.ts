/** The output of `xe`, for people and for scripts, and its errors: word for word as xapi's own. */
import { randomUUID } from 'node:crypto';
import { connect, logOut, type Api } from '@xenplane/client';
import { asRef } from '@xenplane/model';
import { inTransaction, Store } from '@xenplane/store';
import { eventually, password, startWorld, type World } from '../world';
import { xeOver, type Said } from '../xe';

let world: World, api: Api;
/** Uuids that the words of a story name in capitals. */
const uuids: Record<string, string> = {};
beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
  api = await connect({ url: world.url, user: 'root', password });
  for (const name of ['one', 'two'])
    uuids[name.toUpperCase()] = await line(
      'vm-install',
      'template=Debian Bookworm 12',
      `new-name-label=${name}`,
    );
  uuids['SNAPSHOT'] = await line('vm-snapshot', 'vm=two', 'new-name-label=kept');
  uuids['HOST'] = (await line('host-list', '--minimal')).split(',')[0] ?? '';
  uuids['POOL'] = await line('pool-list', '--minimal');
  uuids['DISK'] = await line('vbd-list', 'vm-name-label=one', 'type=Disk', 'params=vdi-uuid', '--minimal');
  uuids['DRIVE'] = await line('vbd-list', 'vm-name-label=one', 'type=Disk', '--minimal');
  uuids['SR'] = await line('vdi-param-get', 'uuid=$DISK', 'param-name=sr-uuid');
  for (const [name, list] of Object.entries({ NETWORK: 'network-list', PIF: 'pif-list' }))
    uuids[name] = (await line(list, '--minimal')).split(',')[0] ?? '';
  uuids['CARD'] = await line('vif-create', 'vm-uuid=$ONE', 'network-uuid=$NETWORK', 'device=0', 'mac=random');
  await line(
    'vm-param-set',
    `uuid=${uuids['ONE']}`,
    'other-config:list=a; b: c',
    'name-description=with, comma',
  );
  await line('vm-param-add', `uuid=${uuids['ONE']}`, 'param-name=tags', 'param-key=blue');
});
afterAll(async () => {
  if (api) await logOut(api);
  await world?.stop();
});

const named = (text: string): string =>
  text.replace(/\$([A-Z]+)/g, (whole, name: string) => uuids[name] ?? whole);
const xe = (words: readonly string[], types = ''): Promise<Said> =>
  xeOver(() => Promise.resolve({ api, close: () => Promise.resolve() }), words.map(named), types);
async function line(...words: string[]): Promise<string> {
  const { code, out, error } = await xe(words);
  expect([words, code, error]).toEqual([words, 0, '']);
  return out.trim();
}

test.each<[string[], string]>([
  [
    ['vm-list', 'name-label=one'],
    'uuid ( RO)           : $ONE\n     name-label ( RW): one\n    power-state ( RO): halted\n\n\n',
  ],
  [
    ['vm-list', 'name-label=one', 'params=power-state,uuid'],
    'uuid ( RO)           : $ONE\n    power-state ( RO): halted\n\n\n',
  ],
  [['vm-list', 'name-label=one', 'params=nonsense'], '\n\n\n'],
  [['vm-list', 'name-label=nobody'], ''],
  [['vm-list', 'name-label=nobody', 'nonsense=1'], ''],
  [['vm-list', 'name-label=one', 'params=name-description', '--minimal'], 'with\\, comma\n'],
  [
    ['vm-list', 'name-label=one', 'params=possible-hosts'],
    'possible-hosts ( RO)    : <expensive field>\n\n\n',
  ],
  [
    ['vm-list', 'name-label=one', 'params=ha-always-run'],
    'ha-always-run ( RW) [DEPRECATED]    : false\n\n\n',
  ],
  [['vm-list', 'name-label=one', 'params=tags'], 'tags (SRW)    : blue\n\n\n'],
  [['vm-list', 'tags:contains=blue', '--minimal'], '$ONE\n'],
  [['vm-list', 'other-config:list=a; b: c', '--minimal'], '$ONE\n'],
  [['vm-list', 'other-config-list=a; b: c', '--minimal'], '$ONE\n'],
  [
    ['vm-list', 'power-state=halted', 'is-control-domain=false', 'params=name-label', '--minimal'],
    expect.stringMatching(/^(one,two|two,one)\n$/) as string,
  ],
  [['vm-param-get', 'uuid=$ONE', 'param-name=other-config', 'param-key=list'], 'a; b: c\n'],
  [['vm-param-get', 'uuid=$ONE', 'param-name=name-label', 'param-key=list'], 'one\n'],
  [['vm-param-get', 'uuid=$ONE', 'param-name=tags'], 'blue\n'],
  [['vm-param-get', 'uuid=$ONE', 'param-name=memory-target'], '0\n'],
  [['vm-param-get', 'uuid=$ONE', 'param-name=name-description', '--minimal'], 'with\\, comma\n'],
  [['vm-param-list', 'uuid=$ONE', '--minimal'], '$ONE\n'],
  [['vm-param-set', 'uuid=$ONE', 'name-label=one', '--minimal'], '\n'],
  [
    ['vm-disk-list', 'vm=one', 'vbd-params=userdevice', 'vdi-params=none'],
    'Disk 0 VBD:\nuserdevice ( RW)    : 0\n\n\nDisk 0 VDI:\n\n\n\n',
  ],
  [['vm-disk-list', 'vm=one', 'vbd-params=userdevice', 'vdi-params=uuid', '--minimal'], '$DISK,0\n'],
  [
    ['vm-vif-list', 'vm=one', 'params=device,vm-name-label'],
    'vm-name-label ( RO)    : one\n           device ( RO): 0\n\n\n',
  ],
  [['vm-is-bios-customized', 'vm=one'], 'The BIOS strings of this VM have not yet been set.\n'],
  [['vm-is-bios-customized', 'vm=one', '--minimal'], '\n'],
  [['host-is-in-emergency-mode'], 'false\n'],
  [['host-ha-xapi-healthcheck'], 'xapi is healthy.\n'],
  [['host-all-editions', '--minimal'], 'xcp-ng\n'],
  [
    ['pool-emergency-transition-to-master'],
    "Host agent is already master. Use '--force' to execute the operation anyway.\n",
  ],
  [['session-subject-identifier-list'], ''],
  [['event-wait', 'class=vm', 'name-label=one', 'power-state=/=running'], ''],
  [['host-get-server-certificate', 'uuid=$HOST', '--minimal'], '\n'],
  [
    ['host-get-sm-diagnostics', 'uuid=$HOST'],
    expect.stringMatching(/^Storage that is plugged:\n(SR [0-9a-f-]{36} \(\w+\)\n)+$/) as string,
  ],
  [['host-get-thread-diagnostics', 'uuid=$HOST'], 'Tasks under way:\n'],
  [['host-sm-dp-destroy', 'uuid=$HOST', 'dp=none'], ''],
  [['host-prepare-for-poweroff', 'uuid=$HOST'], ''],
  [['host-signal-networking-change'], ''],
  [['host-notify', 'type=any'], ''],
  [['host-update-firewalld-service-status'], ''],
  [['network-attach', 'uuid=$NETWORK', 'host-uuid=$HOST'], ''],
  [['update-resync-host', 'host-uuid=$HOST'], ''],
  [['diagnostic-compact', 'uuid=$HOST'], ''],
  [
    ['diagnostic-gc-stats', 'uuid=$HOST'],
    expect.stringMatching(/^rss +: \d+\n[^]* heapUsed: \d+\n/) as string,
  ],
  [['diagnostic-net-stats', 'uuid=$HOST', 'params=uri'], ''],
  [['diagnostic-db-stats'], 'DB lock stats: n=0 avgtime=0.000000 min=0.000000 max=0.000000\n'],
  [
    ['diagnostic-timing-stats', '--minimal'],
    expect.stringMatching(/^xenplane-host-\d,xenplane-host-\d\n$/) as string,
  ],
  [
    ['vdi-generate-config', 'uuid=$DISK', 'host-uuid=$HOST'],
    expect.stringMatching(
      /methodName&gt;vdi_attach_from_config&lt;.*&lt;name&gt;vdi_uuid&lt;\/name&gt;&lt;value&gt;[0-9a-f-]{36}&lt;/,
    ) as string,
  ],
  [['pool-param-get', 'uuid=$POOL', 'param-name=https-only'], 'false\n'],
  [['pool-param-get', 'uuid=$POOL', 'param-name=vswitch-controller'], '<not set>\n'],
  [
    ['sr-param-get', 'uuid=$SR', 'param-name=allowed-operations'],
    expect.stringMatching(/^scan; .*VDI\.create; .*PBD\.destroy\n$/) as string,
  ],
  [['sr-list', 'uuid=$SR', 'allowed-operations:contains=VDI.create', '--minimal'], '$SR\n'],
  [['pif-list', 'device=eth0', 'params=speed,duplex,host-uuid', 'host-uuid=$HOST', '--minimal'], '$HOST\n'],
  [['pif-list', 'device=eth0', 'params=speed', 'host-uuid=$HOST'], 'speed ( RO)    : 10000 Mbit/s\n\n\n'],
  [['vm-param-get', 'uuid=$ONE', 'param-name=last-boot-record'], "''\n"],
  [['vdi-param-get', 'uuid=$DISK', 'param-name=metadata-of-pool'], '<not in database>\n'],
  [['diagnostic-license-status'], expect.stringMatching(/^Hostname .*\n(-[ -]+\n)(.*\n){2}\1\1$/) as string],
  [['message-destroy-all', 'before=20200101T00:00:00Z', 'priority=1'], ''],
  [
    ['help', 'vif-param-set'],
    expect.stringContaining(
      ' optional params : qos_algorithm_type, locking-mode, ipv4-allowed, ipv6-allowed, trunks, ',
    ) as string,
  ],
  [['help', 'host-forget', '--minimal'], 'host-forget\n'],
  [['help', 'vlan-destroy', '--minimal'], 'vlan-destroy\n'],
])('%j prints', async (words, out) => {
  expect(await xe(words)).toEqual({ code: 0, out: typeof out === 'string' ? named(out) : out, error: '' });
});

const usage = "For usage run: 'xe help'\n";
const reallyForced =
  'Error: This operation is dangerous and may cause data loss. This operation must be forced (use --force).\n';
test.each<[string[], string]>([
  [['username=root'], `Syntax error: \n${usage}`],
  [['vm-list', '-z', 'x'], `Syntax error: \n${usage}`],
  [['bogus'], `Unknown command: bogus\n${usage}`],
  [['vm-start', 'vm=nobody'], 'Error: No matching VMs found\n'],
  [
    ['vm-shutdown', 'power-state=halted'],
    'Error: Multiple matches VMs found. --multiple required to complete the operation\n',
  ],
  [
    [
      'vm-copy',
      'power-state=halted',
      'is-control-domain=false',
      'is-a-snapshot=false',
      'is-a-template=false',
      'new-name-label=x',
    ],
    'Error: Multiple matches VMs found. Operation can only be performed on one VM at a time\n',
  ],
  [['host-disable', 'host=nobody'], 'Error: No matching hosts found\n'],
  [['host-disable'], 'Error: Multiple matching hosts found. --multiple required to complete the operation\n'],
  [
    ['host-compute-free-memory'],
    'Error: Multiple matching hosts found. Operation can only be performed on one host at a time\n',
  ],
  [['sr-data-source-list', 'sr=nobody'], 'Error: No matching hosts found\n'],
  [
    ['sr-data-source-list'],
    'Error: Multiple matching SRs found. Operation can only be performed on one SR at a time\n',
  ],
  [['vm-list', 'nonsense=1'], "Error: Unknown field 'nonsense'\n"],
  [['vm-list', 'uuid:contains=1'], "Error: Field 'uuid' is not a set or map\n"],
  [
    ['vm-list', 'tags:having=1'],
    'Error: Invalid syntax for set filtering (should be set-param:contains=key)\n',
  ],
  [
    ['vm-param-get', 'uuid=$ONE', 'param-name=nonsense'],
    'Error code: Missing parameter\nError parameters: nonsense\n',
  ],
  [
    ['vm-param-get', 'uuid=$ONE', 'param-name=platform', 'param-key=none'],
    'Error: Key none not found in map\n',
  ],
  [['vm-param-set', 'uuid=$ONE', 'nonsense=1'], "Error: Unknown field 'nonsense'\n"],
  [['vm-param-set', 'uuid=$ONE', 'power-state=running'], "Error: Field 'power-state' is read-only.\n"],
  [
    ['vm-param-set', 'uuid=$ONE', 'platform=x'],
    "Error: Field 'platform' is a map or set. use the 'name:key=value' syntax.\n",
  ],
  [['vm-param-set', 'uuid=$ONE', 'tags:x=y'], 'Error: Cannot param-set on set fields\n'],
  [['vm-param-set', 'uuid=$ONE', 'networks:x=y'], "Error: Map field 'networks' is read-only.\n"],
  [
    ['vm-param-set', 'uuid=$ONE', 'VCPUs-max=two'],
    "Error: Failed to parse parameter 'VCPUs-max': expecting an integer\n",
  ],
  [
    ['vm-param-set', 'uuid=$ONE', 'memory-static-max=2 much'],
    "Error: Failed to parse field 'memory-static-max': expecting an integer (possibly with suffix KiB, MiB, GiB, TiB), got '2 much'\n",
  ],
  [
    ['vm-param-set', 'uuid=$ONE', 'is-a-template=yes'],
    "Error: Failed to parse parameter 'is-a-template': expecting a boolean (true or false)\n",
  ],
  [
    ['vm-param-set', 'uuid=$ONE', 'ha-always-run=1'],
    'Error: Parameter ha-always-run must be a boolean (true or false)\n',
  ],
  [['vm-param-set', 'uuid=$ONE', 'domain-type=x'], 'Error: Invalid domain type. Got x\n'],
  [['vm-param-set', 'uuid=$ONE', 'actions-after-reboot=x'], "Error: Expected 'destroy', 'restart', got x\n"],
  [
    ['vm-param-set', 'uuid=$ONE', 'blocked-operations:x=y'],
    'The value is not acceptable for this field.\nfield: blocked_operation\nvalue: x\n',
  ],
  [
    ['vm-param-set', 'uuid=$ONE', 'bios-strings:x=y'],
    expect.stringMatching(
      /^Error: Unknown key 'x': expecting bios-vendor, .*, enclosure-asset-tag\n$/,
    ) as string,
  ],
  [['vm-param-set', 'uuid=$ONE', '--internal'], "Error: Unknown field 'internal'\n"],
  [
    ['vm-param-set', 'uuid=$ONE', 'HVM-shadow-multiplier=x'],
    'Error: Parameter HVM-shadow-multiplier must be a floating-point number\n',
  ],
  [
    ['vm-param-add', 'uuid=$ONE', 'param-name=tags'],
    'Error: When adding a key to a set, use the syntax: *-param-add param-name=<name> param-key=<key>\n',
  ],
  [['vm-param-add', 'uuid=$ONE', 'param-name=networks', 'x=y'], 'Error: Parameter is read-only\n'],
  [
    ['vm-param-add', 'uuid=$ONE', 'param-name=name-label', 'x=y'],
    'Error: Can only add to parameters of type Set or Map\n',
  ],
  [
    ['vm-param-add', 'uuid=$ONE', 'param-name=VCPUs-params', 'x=y'],
    "Error: Failed to add parameter 'x': expecting 'weight','cap' or 'mask'\n",
  ],
  [
    ['vm-param-remove', 'uuid=$ONE', 'param-name=tags', 'param-key=red'],
    'Error: Key red is not in the set\n',
  ],
  [
    ['vm-param-remove', 'uuid=$ONE', 'param-name=platform', 'param-key=red'],
    'Error: Key red is not in map\n',
  ],
  [
    ['vm-param-remove', 'uuid=$ONE', 'param-name=networks', 'param-key=red'],
    'Error: Cannot remove parameters from read-only map\n',
  ],
  [
    ['vm-param-remove', 'uuid=$ONE', 'param-name=name-label', 'param-key=red'],
    'Error: Can only remove from parameters of type Set or Map\n',
  ],
  [['vm-param-clear', 'uuid=$ONE', 'param-name=power-state'], 'Error: Can only clear RW parameters\n'],
  [['vm-param-clear', 'uuid=$ONE', 'param-name=VCPUs-max'], 'Error: Cannot clear this parameter\n'],
  [
    ['vm-param-get', 'uuid=none', 'param-name=uuid'],
    'No object of this class has this uuid.\ntype: VM\nuuid: none\n',
  ],
  [
    ['vm-install', 'new-name-label=x'],
    "Error: Template must be specified by parameter 'template-uuid', 'template-name', 'template-name-label' or 'template'\n",
  ],
  [['vm-install', 'new-name-label=x', 'template=none'], 'Error: No templates matched\n'],
  [['vm-install', 'new-name-label=x', 'template-uuid=none'], 'Error: Cannot find template\n'],
  [['vm-install', 'new-name-label=x', 'template-uuid=$ONE'], 'Error: Can only install from templates\n'],
  [
    ['vm-install', 'new-name-label=x', 'template=Debian Bookworm 12', 'sr-name-label=none'],
    'Error: No SR with that name-label found\n',
  ],
  [['vm-start', 'vm=one', 'on=nobody'], 'Error: Host nobody not found\n'],
  [
    ['vm-start', 'vm=one', 'paused=perhaps'],
    "Error: Failed to parse parameter 'paused': Expected 'true','t','yes','y','1','false','f','no','n','0' got perhaps\n",
  ],
  [
    ['vm-memory-shadow-multiplier-set', 'vm=one', 'multiplier=x'],
    "Error: Failed to parse parameter 'multiplier': expecting a float\n",
  ],
  [
    ['vm-vcpu-hotplug', 'vm=one', 'new-vcpus=x'],
    "Error: Failed to parse parameter 'new-vcpus': expecting an integer\n",
  ],
  [['vm-migrate', 'vm=one'], 'Error: No destination host specified\n'],
  [
    ['vm-list', 'database:vdi-uuid=$DISK', 'database:filename=x'],
    'Error: xapi can query a DB vdi or a DB file, but not both.\n',
  ],
  [
    ['vm-list', 'database:vdi-uuid=$DISK'],
    'A disk of this type cannot be used so.\nvdi: $DISK (one 0)\ntype: system\n',
  ],
  [['host-get-sm-diagnostics', 'uuid=none'], 'Error: No matching hosts found\n'],
  [
    ['hostdriver-rescan'],
    'Error: Multiple matching hosts found. Operation can only be performed on one host at a time\n',
  ],
  [
    ['lvhd-enable-thin-provisioning', 'sr-uuid=$SR', 'initial-allocation=1', 'allocation-quantum=1'],
    'Error: Multiple matching hosts found. --multiple required to complete the operation\n',
  ],
  [
    ['pool-enable-local-storage-caching', 'uuid=none'],
    'No object of this class has this uuid.\ntype: pool\nuuid: none\n',
  ],
  [
    ['pool-configure-update-sync', 'update-sync-frequency=x', 'update-sync-day=1'],
    "Error: Expected 'daily', 'weekly', got x\n",
  ],
  [['bond-create', 'network-uuid=$NETWORK', 'pif-uuids=$PIF', 'mode=x'], 'Error: Invalid bond mode. Got x\n'],
  [
    ['vmss-create', 'name-label=x', 'type=x', 'frequency=daily'],
    "Error: Expected 'snapshot', 'checkpoint', 'snapshot_with_quiesce', got x\n",
  ],
  [['vm-group-create', 'name-label=x', 'placement=x'], 'Error: Invalid VM placement policy, got x\n'],
  [
    ['tunnel-create', 'network-uuid=$NETWORK', 'pif-uuid=$PIF', 'protocol=x'],
    "Error: Expected 'gre', 'vxlan', got x\n",
  ],
  [['vlan-destroy', 'uuid=none'], 'No object of this class has this uuid.\ntype: VLAN\nuuid: none\n'],
  [['sdn-controller-introduce', 'tcp-port=x'], 'Error: port field should be an integer\n'],
  [
    ['vbd-unplug', 'uuid=$DRIVE', 'timeout=x'],
    "Error: Failed to parse parameter 'timeout': expecting a float\n",
  ],
  [['vdi-introduce', 'uuid=x', 'sr-uuid=$SR', 'type=x', 'location=x'], 'Error: Unknown vdi type: x\n'],
  [
    ['message-destroy-all', 'after=yesterday'],
    "Error: Invalid timestamp format for 'after' (expected RFC3339, for example, 2025-01-01T00:00:00Z)\n",
  ],
  [['message-destroy-all', 'priority=x'], 'Error: Invalid priority format (expected positive integer)\n'],
  [
    ['vm-import', 'type=ESXServer', 'url=http://x'],
    "Required parameter not found: host-username\nFor usage run: 'xe help'\n",
  ],
  [['vm-reset-powerstate', 'vm=one'], reallyForced],
  [['vtpm-destroy', 'uuid=none'], reallyForced],
  [['vdi-unlock', 'uuid=$DISK'], reallyForced],
  [['vdi-unlock', 'uuid=$DISK', '--force'], expect.stringMatching(/deprecated/i) as string],
  [['vbd-pause', 'uuid=$DRIVE'], 'The storage driver cannot do this.\nsr: $SR (Shared storage)\n'],
  [['host-emergency-ha-disable'], reallyForced],
  [['vm-disk-remove', 'vm=one', 'device=9'], 'Error: Disk not found\n'],
  [['vm-cd-insert', 'vm=one', 'cd-name=none'], 'Error: CD none not found\n'],
  [['vm-cd-add', 'vm=one', 'cd-name=none', 'device=3'], 'Error: CD none not found!\n'],
  [['vm-cd-eject', 'vm=one'], 'Error: No CDs found\n'],
  [
    ['vm-recover', 'uuid=$ONE'],
    "Error: A parameter of the form 'database:vdi-uuid=<uuid>' must be specified to run this command.\n",
  ],
  [['snapshot-destroy'], 'Error: Required parameter not found: snapshot-uuid or uuid.\n'],
  [
    ['snapshot-destroy', 'uuid=$ONE'],
    'Error: This operation can only be performed on a VM snapshot. $ONE is not a VM snapshot.\n',
  ],
  [
    ['template-uninstall', 'template-uuid=$ONE'],
    'Error: This operation can only be performed on a VM template. $ONE is not a VM template.\n',
  ],
  [['vbd-create', 'vm-uuid=$ONE', 'device=5'], 'Error: Empty VBDs can only be made for type=CD\n'],
  [
    ['vdi-copy', 'uuid=$DISK'],
    'Error: Please specify one but not both of: a destination sr-uuid (I will create a fresh VDI); or a destination into-vdi-uuid (I will copy the blocks into this VDI)\n',
  ],
  [['message-create', 'name=a', 'priority=high', 'body=b'], 'Error: Priority field should be an integer\n'],
  [
    ['message-create', 'name=a', 'priority=1', 'body=b'],
    'Error: Need one of: vm-uuid, host-uuid, sr-uuid or pool-uuid\n',
  ],
  [['message-destroy'], 'Error: Need one of uuid, uuids\n'],
  [['message-destroy', 'uuid=a', 'uuids=b'], 'Error: Ambiguous arguments; need one of uuid, uuids\n'],
  [['subject-role-add', 'uuid=none'], 'Error: Required parameter not found: role-uuid or role-name\n'],
  [
    ['subject-role-add', 'uuid=none', 'role-name=a', 'role-uuid=b'],
    'Error: Parameters role-uuid and role-name cannot be used together\n',
  ],
  [['event-wait', 'class=nothing'], "Error: Cli listening for class 'nothing' not currently implemented\n"],
  [['event-wait', 'class=vm', 'nothing=x'], 'Error: key missing: nothing\n'],
  [
    ['host-get-system-status', 'uuid=$HOST', 'filename=x', 'output=rar'],
    "Error: Invalid output format. Must be 'tar', 'zip' or 'tar.bz2'\n",
  ],
  [['console', 'vm=nobody'], 'No VM found\n'],
])('%j is refused', async (words, error) => {
  expect(await xe(words)).toEqual({
    code: 1,
    out: '',
    error: typeof error === 'string' ? named(error) : error,
  });
});

test('a licence that there is none of is told with those that there are', async () => {
  expect(await xe(['host-apply-edition', 'host-uuid=$HOST', 'edition=none'])).toMatchObject({
    code: 1,
    error: expect.stringMatching(/^Valid editions are: xcp-ng\n\n/) as string,
  });
});

test('what fails with some of several is told at the end on standard output, the last one first', async () => {
  await line('vm-start', 'vm=one');
  const { code, out, error } = await xe(['vm-start', '--multiple', 'is-control-domain=false']);
  expect([code, error]).toEqual([1, '']);
  expect(out).toBe(
    named(
      'operation failed on $ONE: The VM is not in a power state that allows this.\nvm: $ONE (one)\nexpected: halted\nactual: running\n',
    ),
  );
  expect(
    await line('vm-list', 'power-state=running', 'is-control-domain=false', 'params=name-label', '--minimal'),
  ).toMatch(/^(one,two|two,one)$/);
  await line('vm-shutdown', '--multiple', '--force', 'is-control-domain=false', 'power-state=running');
});

test('messages about a VM are told when they are urgent enough', async () => {
  const { error } = await xe(['vm-start', 'vm=one', 'message-priority=10']);
  expect(error).toMatch(/^(Message: time=\d{8}T\d\d:\d\d:\d\dZ priority=5 name='VM_\w+'\n\n)+$/);
  expect(error).toContain("name='VM_STARTED'");
  await line('vm-shutdown', 'vm=one', '--force');
});

test('how far a task is goes to standard error, for people alone', async () => {
  const { code, out, error } = await xe(['vm-start', 'vm=one', '--progress']);
  expect([code, out]).toEqual([0, '']);
  expect(error).toMatch(/^(\r [ \d]{3}% [|/\\-] #*\n)*\r 100% \| #{70}\n\n\n$/);
  expect(await xe(['vm-shutdown', 'vm=one', '--force', '--progress', '--minimal'])).toEqual({
    code: 0,
    out: '\n',
    error: '',
  });
});

test('what is not measured yet is no number, and no end of the scale', async () => {
  await line('vm-start', 'vm=one');
  expect(await line('vm-data-source-query', 'vm=one', 'data-source=cpu0')).toMatch(/^(nan|\d\.\d{6})$/);
  expect(await line('vm-param-get', 'uuid=$ONE', 'param-name=VCPUs-utilisation')).toMatch(
    /^0: (nan|\d\.\d{3})/,
  );
  expect(await line('vif-param-get', 'uuid=$CARD', 'param-name=io_read_kbs')).toMatch(/^(nan|\d+\.\d{3})$/);
  await line('vm-shutdown', 'vm=one', '--force');
  expect(await line('vif-param-get', 'uuid=$CARD', 'param-name=io_read_kbs')).toBe('<unknown>');
});

test('no host for a VM is told host by host', async () => {
  await line('host-disable', '--multiple');
  const { code, out } = await xe(['vm-start', 'vm=one']);
  await line('host-enable', '--multiple');
  const disabled = String.raw`: Cannot start here \[Host disabled \(use 'xe host-enable' to re-enable\)\]\n`;
  expect([code, out]).toEqual([
    1,
    expect.stringMatching(
      new RegExp(
        `^There are no suitable hosts to start this VM on\\.\nThe following table provides per-host reasons for why the VM could not be started:\n\nxenplane-host-\\d +${disabled} +xenplane-host-\\d${disabled}\n\n$`,
      ),
    ) as string,
  ]);
});

test('a map is written by key, read by key and emptied; one that is written as a whole too', async () => {
  await line('vm-param-set', 'uuid=$ONE', 'xenstore-data:vm-data/a=1', 'xenstore-data:vm-data/b=2');
  expect(await line('vm-param-get', 'uuid=$ONE', 'param-name=xenstore-data', 'param-key=vm-data/b')).toBe(
    '2',
  );
  await line('vm-param-remove', 'uuid=$ONE', 'param-name=xenstore-data', 'param-key=vm-data/a');
  expect(await line('vm-param-get', 'uuid=$ONE', 'param-name=xenstore-data')).toBe('vm-data/b: 2');
  await line('vm-param-clear', 'uuid=$ONE', 'param-name=xenstore-data');
  expect(await line('vm-param-get', 'uuid=$ONE', 'param-name=xenstore-data')).toBe('');
});

test('a map and a set that are written as a whole only keep what they have', async () => {
  uuids['OBSERVER'] = await line(
    'observer-create',
    'name-label=watching',
    'attributes=a:1,none',
    'components=xapi,smapi',
  );
  const shown = async (field: string): Promise<string[]> =>
    (await line('observer-param-get', 'uuid=$OBSERVER', `param-name=${field}`)).split('; ').sort();
  expect([await shown('attributes'), await shown('endpoints')]).toEqual([['a: 1'], ['bugtool']]);
  await line('observer-param-add', 'uuid=$OBSERVER', 'param-name=attributes', 'a=9', 'b=2', 'c=3');
  await line('observer-param-add', 'uuid=$OBSERVER', 'param-name=components', 'param-key=xenopsd');
  await line('observer-param-remove', 'uuid=$OBSERVER', 'param-name=components', 'param-key=xapi');
  await line('observer-param-add', 'uuid=$OBSERVER', 'param-name=host-uuids', 'param-key=$HOST');
  expect([await shown('attributes'), await shown('components'), await shown('host-uuids')]).toEqual([
    ['a: 1', 'b: 2', 'c: 3'],
    ['smapi', 'xenopsd'],
    [uuids['HOST']],
  ]);
  await line('observer-param-set', 'uuid=$OBSERVER', 'attributes:z=1');
  await line('observer-param-clear', 'uuid=$OBSERVER', 'param-name=components');
  expect([await shown('attributes'), await shown('components')]).toEqual([['z: 1'], ['']]);
  await line('observer-destroy', 'uuid=$OBSERVER');
});

test.each([
  ['vif', '$CARD', 'ipv4-allowed', ['10.0.0.1', '10.0.0.2'], '; '],
  ['host', '$HOST', 'ntp-custom-servers', ['a.example', 'b.example'], ', '],
] as const)(
  'a set of a %s is written whole where it can be, whatever it is shown as',
  async (cls, uuid, field, values, between) => {
    await line(`${cls}-param-set`, `uuid=${uuid}`, `${field}=${values.join(',')}`);
    expect(await line(`${cls}-param-get`, `uuid=${uuid}`, `param-name=${field}`)).toBe(values.join(between));
    await line(`${cls}-param-clear`, `uuid=${uuid}`, `param-name=${field}`);
    expect(await line(`${cls}-param-get`, `uuid=${uuid}`, `param-name=${field}`)).toBe('');
  },
);

test('what the hosts of the pool do not agree on is said to be so', async () => {
  await line('host-disable-ssh', 'uuid=$HOST');
  expect(await line('pool-param-get', 'uuid=$POOL', 'param-name=ssh-enabled')).toBe('<inconsistent>');
  await line('host-enable-ssh', 'uuid=$HOST');
  expect(await line('pool-param-get', 'uuid=$POOL', 'param-name=ssh-enabled')).toBe('true');
});

test('hosts note that they keep no blobs, and that they do again', async () => {
  await line('pool-disable-binary-storage');
  expect(
    await line('host-param-get', 'uuid=$HOST', 'param-name=other-config', 'param-key=no_local_storage'),
  ).toBe('true');
  await line('pool-enable-binary-storage');
  expect(await line('host-list', 'other-config:no_local_storage=true', '--minimal')).toBe('');
});

test('of several clones the last one is told first, and gets the description', async () => {
  const made = (
    await line(
      'vm-clone',
      '--multiple',
      'power-state=halted',
      'is-a-template=false',
      'new-name-label=twin',
      'new-name-description=of many',
      '--minimal',
    )
  ).split(',');
  expect(made.length).toBe(2);
  const described = await line('vm-list', 'name-label=twin', 'name-description=of many', '--minimal');
  expect(described).toBe(made[0]);
  await line('vm-uninstall', 'name-label=twin', '--multiple', '--force');
});

test('what a companion of an object has is shown of the companion', async () => {
  const [gpu = ''] = (await line('pgpu-list', '--minimal')).split(',');
  const pci = await line('pgpu-param-get', `uuid=${gpu}`, 'param-name=pci-uuid');
  expect(pci).not.toBe(gpu);
  expect(await line('pci-param-get', `uuid=${pci}`, 'param-name=pci-id')).toBe(
    await line('pgpu-param-get', `uuid=${gpu}`, 'param-name=pci-id'),
  );
});

test('variants of a driver and patches of the old kind, which no host here has of itself, are shown as xapi shows them', async () => {
  const host = asRef<'host'>(await api.call<string>('host.get_by_uuid', uuids['HOST']));
  const [driver, old, beta, patch, there] = [
    randomUUID(),
    randomUUID(),
    randomUUID(),
    randomUUID(),
    randomUUID(),
  ] as const;
  const ref = <N extends 'Host_driver' | 'Driver_variant' | 'pool_patch' | 'host_patch'>(
    uuid: string,
  ): ReturnType<typeof asRef<N>> => asRef<N>(`OpaqueRef:${uuid}`);
  const of = { driver: ref<'Host_driver'>(driver), hardware_present: true };
  const store = await Store.connect({ url: world.databaseUrl, connections: 1 });
  await inTransaction(store, async (tx) => {
    await tx.insertAll('Host_driver', [
      { ref: of.driver, uuid: driver, host, name: 'ice', active_variant: ref(beta) },
    ]);
    await tx.insertAll('Driver_variant', [
      {
        ...of,
        ref: ref(old),
        uuid: old,
        name: 'old',
        version: '1.0',
        status: 'production',
        priority: 1,
        hardware_present: false,
      },
      { ...of, ref: ref(beta), uuid: beta, name: 'new', version: '2.0', status: 'beta', priority: 20.5 },
    ]);
    await tx.insertAll('pool_patch', [
      { ref: ref(patch), uuid: patch, after_apply_guidance: ['restartHost'] },
    ]);
    await tx.insertAll('host_patch', [{ ref: ref(there), uuid: there, host, pool_patch: ref(patch) }]);
  }).finally(() => store.close());
  await eventually(async () => expect(await line('hostdriver-list', '--minimal')).toBe(driver));
  const shown = async (cls: string, uuid: string, ...fields: string[]): Promise<string[]> =>
    Promise.all(fields.map((field) => line(`${cls}-param-get`, `uuid=${uuid}`, `param-name=${field}`)));
  expect(
    await shown('hostdriver', driver, 'active-variant', 'selected-variant', 'variants', 'variants-uuid'),
  ).toEqual(['new', '<none>', 'new/2.0; old/1.0', `new/${beta}; old/${old}`]);
  expect(await shown('hostdriver', driver, 'variants-hw-present', 'variants-dev-status')).toEqual([
    'new',
    'new=beta; old=production',
  ]);
  const fields = ['driver-name', 'host-uuid', 'active', 'selected', 'priority'];
  expect(await shown('hostdriver-variant', beta, ...fields)).toEqual([
    'ice',
    uuids['HOST'],
    'true',
    'false',
    '20.5',
  ]);
  expect(await shown('hostdriver-variant', old, ...fields)).toEqual([
    'ice',
    uuids['HOST'],
    'false',
    'false',
    '1.0',
  ]);
  expect(await shown('patch', patch, 'hosts', 'after-apply-guidance')).toEqual([
    uuids['HOST'],
    'restartHost',
  ]);
  expect(await shown('host', '$HOST', 'patches')).toEqual([patch]);
});

test('uninstalling names what goes with a VM, its snapshots too, and leaves what is not its own', async () => {
  const disk = await line('vbd-list', 'vm-name-label=two', 'type=Disk', 'params=vdi-uuid', '--minimal');
  const kept = await line('vbd-list', 'vm-name-label=kept', 'type=Disk', 'params=vdi-uuid', '--minimal');
  const { code, out } = await xe(['vm-uninstall', 'vm=two'], ' Yes ');
  expect(code).toBe(0);
  expect(out).toBe(
    named(
      `The following items are about to be destroyed\nVM : $TWO (two)\nVDI: ${disk} (two 0) \nVM : $SNAPSHOT (kept)\nVDI: ${kept} (two 0) \nType 'yes' to continue\nAll objects destroyed\n`,
    ),
  );
  expect(await line('vdi-list', `uuid=${disk}`, '--minimal')).toBe('');
});

test('help lists every parameter of the generic commands, and what is common', async () => {
  const { out } = await xe(['help', 'vlan-param-get']);
  expect(out).toMatch(
    /^command name {12}: vlan-param-get\n {8}reqd params {5}: uuid, param-name\n {8}optional params : param-key, database:\n {8}description {5}: .+\n\n\n$/,
  );
  expect((await xe(['help', 'vlan-list'])).out).toContain(
    ' optional params : params, database:, uuid, tagged-PIF, untagged-PIF, tag\n',
  );
  expect((await xe(['help', 'sr-param-set'])).out).toContain(
    ' optional params : name-label, name-description, shared, other-config:\n',
  );
  expect((await xe(['help', 'vm-list'])).out).toContain('tags:contains');
  const common = (await xe(['help', '--minimal'])).out.trim().split(',');
  expect(common).toEqual(expect.arrayContaining(['vm-start', 'vm-list', 'sr-list', 'network-list']));
  expect(common).not.toContain('host-list');
  for (const text of (await xe(['help', '--all'])).out
    .split('\n')
    .filter((l) => l.startsWith('    ') && l.includes(', ')))
    expect(text.length).toBeLessThanOrEqual(110);
});
