/** The versions and product names of a host; the keys are those that Xen Orchestra, Terraform and Ansible read. */
import type { Inventory } from '@xenplane/hypervisor';

export const productVersion = '8.3.0';

export const softwareVersion = (inventory: Inventory): Record<string, string> => ({
  product_version: productVersion,
  product_version_text: '8.3',
  product_version_text_short: '8.3',
  product_brand: 'XCP-ng',
  platform_name: 'XCP',
  platform_version: '3.4.0',
  build_number: 'cloud',
  git_id: '0',
  hostname: inventory.nameLabel,
  date: '20260821T00:00:00Z',
  dbv: '0.0.1',
  xapi: '26.1',
  xapi_build: '26.1.11',
  xen: inventory.hypervisorVersion,
  linux: inventory.kernelVersion,
  xencenter_min: '2.21',
  xencenter_max: '2.21',
  network_backend: 'openvswitch',
  db_schema: '5.790',
});

export function capabilities({ hvmCapable }: Inventory): string[] {
  const pv = ['xen-3.0-x86_64', 'xen-3.0-x86_32p'];
  return hvmCapable ? [...pv, 'hvm-3.0-x86_32', 'hvm-3.0-x86_32p', 'hvm-3.0-x86_64'] : pv;
}

export const chipsetInfo = ({ iommu = true }: Inventory): Record<string, string> => ({
  iommu: String(iommu),
});

export const cpuInfo = (inventory: Inventory): Record<string, string> => ({
  cpu_count: String(inventory.sockets * inventory.coresPerSocket * inventory.threadsPerCore),
  socket_count: String(inventory.sockets),
  threads_per_core: String(inventory.threadsPerCore),
  nr_nodes: String(inventory.numaNodes),
  vendor: inventory.cpuVendor,
  speed: String(inventory.cpuMhz),
  modelname: inventory.cpuModelName,
  family: '25',
  model: '1',
  stepping: '1',
  flags: `fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat clflush mmx fxsr sse sse2 ht syscall nx lm constant_tsc nopl pni ssse3 cx16 sse4_1 sse4_2 popcnt aes xsave avx hypervisor avx2${inventory.hvmCapable ? ' svm' : ''}`,
  features: inventory.cpuFeatures,
  features_pv: inventory.cpuFeatures,
  features_hvm: inventory.hvmCapable ? inventory.cpuFeatures : '',
  features_pv_host: inventory.cpuFeatures,
  features_hvm_host: inventory.hvmCapable ? inventory.cpuFeatures : '',
});

/** Nothing is restricted and nothing expires. */
export const licenseParams = (inventory: Inventory): Record<string, string> => ({
  sku_type: 'xcp-ng',
  version: productVersion,
  expiry: '20991231T23:59:59Z',
  productcode: '',
  serialnumber: '',
  sockets: String(inventory.sockets),
  address1: '',
  address2: '',
  city: '',
  state: '',
  postalcode: '',
  country: '',
  company: '',
  name: '',
  ...Object.fromEntries(
    [
      'zstd_export',
      'vtpm',
      'pooling',
      'rbac',
      'dmc',
      'checkpoint',
      'export_resource_data',
      'vss',
      'webconsole',
      'storage_xen_motion',
      'pool_size',
      'live_patching',
      'cbt',
      'ha',
    ].map((r) => [`restrict_${r}`, 'false']),
  ),
});
