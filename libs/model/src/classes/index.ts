import { auth } from './auth';
import { blob } from './blob';
import { Bond } from './bond';
import { Caller } from './caller';
import { Certificate } from './certificate';
import { Cluster } from './cluster';
import { Cluster_host } from './cluster-host';
import { console } from './console';
import { crashdump } from './crashdump';
import { data_source } from './data-source';
import { Diagnostics } from './diagnostics';
import { DR_task } from './dr-task';
import { Driver_variant } from './driver-variant';
import { event } from './event';
import { Feature } from './feature';
import { GPU_group } from './gpu-group';
import { host } from './host';
import { host_cpu } from './host-cpu';
import { host_crashdump } from './host-crashdump';
import { Host_driver } from './host-driver';
import { host_metrics } from './host-metrics';
import { host_patch } from './host-patch';
import { LVHD } from './lvhd';
import { message } from './message';
import { network } from './network';
import { network_sriov } from './network-sriov';
import { Observer } from './observer';
import { PBD } from './pbd';
import { PCI } from './pci';
import { PGPU } from './pgpu';
import { PIF } from './pif';
import { PIF_metrics } from './pif-metrics';
import { pool } from './pool';
import { pool_patch } from './pool-patch';
import { pool_update } from './pool-update';
import { probe_result } from './probe-result';
import { PUSB } from './pusb';
import { PVS_cache_storage } from './pvs-cache-storage';
import { PVS_proxy } from './pvs-proxy';
import { PVS_server } from './pvs-server';
import { PVS_site } from './pvs-site';
import { Rate_limit } from './rate-limit';
import { Repository } from './repository';
import { role } from './role';
import { SDN_controller } from './sdn-controller';
import { secret } from './secret';
import { session } from './session';
import { SM } from './sm';
import { SR } from './sr';
import { sr_stat } from './sr-stat';
import { subject } from './subject';
import { task } from './task';
import { tunnel } from './tunnel';
import { USB_group } from './usb-group';
import { user } from './user';
import { VBD } from './vbd';
import { VBD_metrics } from './vbd-metrics';
import { VDI } from './vdi';
import { vdi_nbd_server_info } from './vdi-nbd-server-info';
import { VGPU } from './vgpu';
import { VGPU_type } from './vgpu-type';
import { VIF } from './vif';
import { VIF_metrics } from './vif-metrics';
import { VLAN } from './vlan';
import { VM } from './vm';
import { VM_appliance } from './vm-appliance';
import { VM_group } from './vm-group';
import { VM_guest_metrics } from './vm-guest-metrics';
import { VM_metrics } from './vm-metrics';
import { VMPP } from './vmpp';
import { VMSS } from './vmss';
import { VTPM } from './vtpm';
import { VUSB } from './vusb';

/** Every class, by its name on the wire, in the order of the reference. */
export const classes = {
  session,
  auth,
  subject,
  role,
  task,
  event,
  pool,
  pool_patch,
  pool_update,
  VM,
  VM_metrics,
  VM_guest_metrics,
  VMPP,
  VMSS,
  VM_appliance,
  DR_task,
  host,
  host_crashdump,
  host_patch,
  host_metrics,
  host_cpu,
  network,
  VIF,
  VIF_metrics,
  PIF,
  PIF_metrics,
  Bond,
  VLAN,
  SM,
  SR,
  sr_stat,
  probe_result,
  LVHD,
  VDI,
  VBD,
  VBD_metrics,
  PBD,
  crashdump,
  VTPM,
  console,
  user,
  data_source,
  blob,
  message,
  secret,
  tunnel,
  network_sriov,
  PCI,
  PGPU,
  GPU_group,
  VGPU,
  VGPU_type,
  PVS_site,
  PVS_server,
  PVS_proxy,
  PVS_cache_storage,
  Feature,
  SDN_controller,
  vdi_nbd_server_info,
  PUSB,
  USB_group,
  VUSB,
  Cluster,
  Cluster_host,
  Certificate,
  Diagnostics,
  Repository,
  Observer,
  VM_group,
  Host_driver,
  Driver_variant,
  Caller,
  Rate_limit,
};
