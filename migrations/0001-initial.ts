/** The first state of the database, derived from the model by libs/store/src/schema/derive-migration.ts. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

const statements: readonly string[] = [
  `CREATE TABLE change (
  seq bigserial NOT NULL,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  cls text NOT NULL,
  ref text NOT NULL,
  op char(1) NOT NULL CHECK (op IN ('a', 'm', 'd')),
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (xid, seq)
)`,
  `CREATE TABLE "session" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "this_host" text,
  "this_user" text,
  "last_active" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "pool" boolean NOT NULL DEFAULT false,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "is_local_superuser" boolean NOT NULL DEFAULT false,
  "subject" text,
  "validation_time" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "auth_user_sid" text NOT NULL DEFAULT '',
  "auth_user_name" text NOT NULL DEFAULT '',
  "rbac_permissions" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "parent" text,
  "originator" text NOT NULL DEFAULT '',
  "client_certificate" boolean NOT NULL DEFAULT false
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "session_uuid_idx" ON "session" ("uuid")`,
  `CREATE FUNCTION "session_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('session', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "session_change" AFTER INSERT OR DELETE ON "session" FOR EACH ROW EXECUTE FUNCTION "session_change"()`,
  `CREATE TRIGGER "session_changed" AFTER UPDATE ON "session" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "session_change"()`,
  `CREATE TABLE "subject" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "subject_identifier" text NOT NULL DEFAULT '',
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "roles" text[] NOT NULL DEFAULT '{"OpaqueRef:0165f154-ba3e-034e-6b27-5d271af109ba"}'::text[]
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "subject_uuid_idx" ON "subject" ("uuid")`,
  `CREATE FUNCTION "subject_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('subject', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "subject_change" AFTER INSERT OR DELETE ON "subject" FOR EACH ROW EXECUTE FUNCTION "subject_change"()`,
  `CREATE TRIGGER "subject_changed" AFTER UPDATE ON "subject" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "subject_change"()`,
  `CREATE TABLE "role" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name_label" text NOT NULL DEFAULT '',
  "name_description" text NOT NULL DEFAULT '',
  "subroles" text[] NOT NULL DEFAULT '{}'::text[],
  "is_internal" boolean NOT NULL DEFAULT false
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "role_uuid_idx" ON "role" ("uuid")`,
  `CREATE INDEX "role_name_label_idx" ON "role" ("name_label")`,
  `CREATE FUNCTION "role_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('role', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "role_change" AFTER INSERT OR DELETE ON "role" FOR EACH ROW EXECUTE FUNCTION "role_change"()`,
  `CREATE TRIGGER "role_changed" AFTER UPDATE ON "role" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "role_change"()`,
  `CREATE TABLE "task" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name_label" text NOT NULL DEFAULT '',
  "name_description" text NOT NULL DEFAULT '',
  "allowed_operations" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "current_operations" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "created" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "finished" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "status" text NOT NULL DEFAULT 'pending',
  "resident_on" text,
  "progress" double precision NOT NULL DEFAULT 0,
  "type" text NOT NULL DEFAULT '',
  "result" text NOT NULL DEFAULT '',
  "error_info" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "subtask_of" text,
  "backtrace" text NOT NULL DEFAULT '()'
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "task_uuid_idx" ON "task" ("uuid")`,
  `CREATE INDEX "task_name_label_idx" ON "task" ("name_label")`,
  `CREATE INDEX "task_subtask_of_idx" ON "task" ("subtask_of") WHERE "subtask_of" IS NOT NULL`,
  `CREATE FUNCTION "task_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('task', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."subtask_of" IS DISTINCT FROM NEW."subtask_of" THEN
    INSERT INTO change(cls, ref, op) SELECT 'task', r, 'm' FROM unnest(ARRAY[OLD."subtask_of", NEW."subtask_of"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "task_change" AFTER INSERT OR DELETE ON "task" FOR EACH ROW EXECUTE FUNCTION "task_change"()`,
  `CREATE TRIGGER "task_changed" AFTER UPDATE ON "task" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "task_change"()`,
  `CREATE TABLE "pool" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name_label" text NOT NULL DEFAULT '',
  "name_description" text NOT NULL DEFAULT '',
  "master" text,
  "default_SR" text,
  "suspend_image_SR" text,
  "crash_dump_SR" text,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "ha_enabled" boolean NOT NULL DEFAULT false,
  "ha_configuration" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "ha_statefiles" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "ha_host_failures_to_tolerate" bigint NOT NULL DEFAULT 0,
  "ha_plan_exists_for" bigint NOT NULL DEFAULT 0,
  "ha_allow_overcommit" boolean NOT NULL DEFAULT false,
  "ha_overcommitted" boolean NOT NULL DEFAULT false,
  "blobs" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "tags" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "gui_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "health_check_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "wlb_url" text NOT NULL DEFAULT '',
  "wlb_username" text NOT NULL DEFAULT '',
  "wlb_enabled" boolean NOT NULL DEFAULT false,
  "wlb_verify_cert" boolean NOT NULL DEFAULT false,
  "redo_log_enabled" boolean NOT NULL DEFAULT false,
  "redo_log_vdi" text,
  "vswitch_controller" text NOT NULL DEFAULT '',
  "restrictions" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "ha_cluster_stack" text NOT NULL DEFAULT '',
  "allowed_operations" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "current_operations" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "guest_agent_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "cpu_info" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "policy_no_vendor_device" boolean NOT NULL DEFAULT false,
  "live_patching_disabled" boolean NOT NULL DEFAULT false,
  "igmp_snooping_enabled" boolean NOT NULL DEFAULT false,
  "uefi_certificates" text NOT NULL DEFAULT '',
  "custom_uefi_certificates" text NOT NULL DEFAULT '',
  "is_psr_pending" boolean NOT NULL DEFAULT false,
  "tls_verification_enabled" boolean NOT NULL DEFAULT false,
  "repositories" text[] NOT NULL DEFAULT '{}'::text[],
  "client_certificate_auth_enabled" boolean NOT NULL DEFAULT false,
  "client_certificate_auth_name" text NOT NULL DEFAULT '',
  "repository_proxy_url" text NOT NULL DEFAULT '',
  "repository_proxy_username" text NOT NULL DEFAULT '',
  "repository_proxy_password" text,
  "migration_compression" boolean NOT NULL DEFAULT false,
  "coordinator_bias" boolean NOT NULL DEFAULT true,
  "local_auth_max_threads" bigint NOT NULL DEFAULT 8,
  "ext_auth_max_threads" bigint NOT NULL DEFAULT 1,
  "ext_auth_cache_enabled" boolean NOT NULL DEFAULT true,
  "ext_auth_cache_size" bigint NOT NULL DEFAULT 50,
  "ext_auth_cache_expiry" bigint NOT NULL DEFAULT 300,
  "telemetry_uuid" text,
  "telemetry_frequency" text NOT NULL DEFAULT 'weekly',
  "telemetry_next_collection" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "last_update_sync" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "update_sync_frequency" text NOT NULL DEFAULT 'weekly',
  "update_sync_day" bigint NOT NULL DEFAULT 0,
  "update_sync_enabled" boolean NOT NULL DEFAULT false,
  "recommendations" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "license_server" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "ha_reboot_vm_on_internal_shutdown" boolean NOT NULL DEFAULT true,
  "limit_console_sessions" boolean NOT NULL DEFAULT false,
  "vm_console_idle_timeout" bigint NOT NULL DEFAULT 0,
  "auto_update_vm_secureboot_certificates" boolean NOT NULL DEFAULT false
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "pool_uuid_idx" ON "pool" ("uuid")`,
  `CREATE INDEX "pool_name_label_idx" ON "pool" ("name_label")`,
  `CREATE FUNCTION "pool_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('pool', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "pool_change" AFTER INSERT OR DELETE ON "pool" FOR EACH ROW EXECUTE FUNCTION "pool_change"()`,
  `CREATE TRIGGER "pool_changed" AFTER UPDATE ON "pool" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "pool_change"()`,
  `CREATE TABLE "pool_patch" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name_label" text NOT NULL DEFAULT '',
  "name_description" text NOT NULL DEFAULT '',
  "version" text NOT NULL DEFAULT '',
  "size" bigint NOT NULL DEFAULT 0,
  "pool_applied" boolean NOT NULL DEFAULT false,
  "after_apply_guidance" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "pool_update" text,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "pool_patch_uuid_idx" ON "pool_patch" ("uuid")`,
  `CREATE INDEX "pool_patch_name_label_idx" ON "pool_patch" ("name_label")`,
  `CREATE FUNCTION "pool_patch_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('pool_patch', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "pool_patch_change" AFTER INSERT OR DELETE ON "pool_patch" FOR EACH ROW EXECUTE FUNCTION "pool_patch_change"()`,
  `CREATE TRIGGER "pool_patch_changed" AFTER UPDATE ON "pool_patch" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "pool_patch_change"()`,
  `CREATE TABLE "pool_update" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name_label" text NOT NULL DEFAULT '',
  "name_description" text NOT NULL DEFAULT '',
  "version" text NOT NULL DEFAULT '',
  "installation_size" bigint NOT NULL DEFAULT 0,
  "key" text NOT NULL DEFAULT '',
  "after_apply_guidance" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "vdi" text,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "enforce_homogeneity" boolean NOT NULL DEFAULT false
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "pool_update_uuid_idx" ON "pool_update" ("uuid")`,
  `CREATE INDEX "pool_update_name_label_idx" ON "pool_update" ("name_label")`,
  `CREATE FUNCTION "pool_update_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('pool_update', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "pool_update_change" AFTER INSERT OR DELETE ON "pool_update" FOR EACH ROW EXECUTE FUNCTION "pool_update_change"()`,
  `CREATE TRIGGER "pool_update_changed" AFTER UPDATE ON "pool_update" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "pool_update_change"()`,
  `CREATE TABLE "vm" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "allowed_operations" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "current_operations" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "name_label" text NOT NULL DEFAULT '',
  "name_description" text NOT NULL DEFAULT '',
  "power_state" text NOT NULL DEFAULT 'Halted',
  "user_version" bigint NOT NULL DEFAULT 0,
  "is_a_template" boolean NOT NULL DEFAULT false,
  "is_default_template" boolean NOT NULL DEFAULT false,
  "suspend_VDI" text,
  "resident_on" text,
  "scheduled_to_be_resident_on" text,
  "affinity" text,
  "memory_overhead" bigint NOT NULL DEFAULT 0,
  "memory_target" bigint NOT NULL DEFAULT 0,
  "memory_static_max" bigint NOT NULL DEFAULT 0,
  "memory_dynamic_max" bigint NOT NULL DEFAULT 0,
  "memory_dynamic_min" bigint NOT NULL DEFAULT 0,
  "memory_static_min" bigint NOT NULL DEFAULT 0,
  "VCPUs_params" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "VCPUs_max" bigint NOT NULL DEFAULT 0,
  "VCPUs_at_startup" bigint NOT NULL DEFAULT 0,
  "actions_after_softreboot" text NOT NULL DEFAULT 'soft_reboot',
  "actions_after_shutdown" text NOT NULL DEFAULT 'destroy',
  "actions_after_reboot" text NOT NULL DEFAULT 'destroy',
  "actions_after_crash" text NOT NULL DEFAULT 'destroy',
  "PV_bootloader" text NOT NULL DEFAULT '',
  "PV_kernel" text NOT NULL DEFAULT '',
  "PV_ramdisk" text NOT NULL DEFAULT '',
  "PV_args" text NOT NULL DEFAULT '',
  "PV_bootloader_args" text NOT NULL DEFAULT '',
  "PV_legacy_args" text NOT NULL DEFAULT '',
  "HVM_boot_policy" text NOT NULL DEFAULT '',
  "HVM_boot_params" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "HVM_shadow_multiplier" double precision NOT NULL DEFAULT 1,
  "platform" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "PCI_bus" text NOT NULL DEFAULT '',
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "domid" bigint NOT NULL DEFAULT 0,
  "domarch" text NOT NULL DEFAULT '',
  "last_boot_CPU_flags" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "is_control_domain" boolean NOT NULL DEFAULT false,
  "metrics" text,
  "guest_metrics" text,
  "last_booted_record" text NOT NULL DEFAULT '',
  "recommendations" text NOT NULL DEFAULT '',
  "xenstore_data" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "ha_always_run" boolean NOT NULL DEFAULT false,
  "ha_restart_priority" text NOT NULL DEFAULT '',
  "is_a_snapshot" boolean NOT NULL DEFAULT false,
  "snapshot_of" text,
  "snapshot_time" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "transportable_snapshot_id" text NOT NULL DEFAULT '',
  "blobs" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "tags" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "blocked_operations" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "snapshot_info" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "snapshot_metadata" text NOT NULL DEFAULT '',
  "parent" text,
  "bios_strings" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "protection_policy" text,
  "is_snapshot_from_vmpp" boolean NOT NULL DEFAULT false,
  "snapshot_schedule" text,
  "is_vmss_snapshot" boolean NOT NULL DEFAULT false,
  "appliance" text,
  "start_delay" bigint NOT NULL DEFAULT 0,
  "shutdown_delay" bigint NOT NULL DEFAULT 0,
  "order" bigint NOT NULL DEFAULT 0,
  "attached_PCIs" text[] NOT NULL DEFAULT '{}'::text[],
  "suspend_SR" text,
  "version" bigint NOT NULL DEFAULT 0,
  "generation_id" text NOT NULL DEFAULT '0:0',
  "hardware_platform_version" bigint NOT NULL DEFAULT 0,
  "has_vendor_device" boolean NOT NULL DEFAULT true,
  "requires_reboot" boolean NOT NULL DEFAULT false,
  "reference_label" text NOT NULL DEFAULT '',
  "domain_type" text NOT NULL DEFAULT 'unspecified',
  "NVRAM" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "pending_guidances" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "pending_guidances_recommended" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "pending_guidances_full" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "groups" text[] NOT NULL DEFAULT '{}'::text[],
  "secureboot_certificates_state" text NOT NULL DEFAULT 'ok'
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "vm_uuid_idx" ON "vm" ("uuid")`,
  `CREATE INDEX "vm_name_label_idx" ON "vm" ("name_label")`,
  `CREATE INDEX "vm_snapshot_of_idx" ON "vm" ("snapshot_of") WHERE "snapshot_of" IS NOT NULL`,
  `CREATE INDEX "vm_parent_idx" ON "vm" ("parent") WHERE "parent" IS NOT NULL`,
  `CREATE INDEX "vm_protection_policy_idx" ON "vm" ("protection_policy") WHERE "protection_policy" IS NOT NULL`,
  `CREATE INDEX "vm_snapshot_schedule_idx" ON "vm" ("snapshot_schedule") WHERE "snapshot_schedule" IS NOT NULL`,
  `CREATE INDEX "vm_appliance_idx" ON "vm" ("appliance") WHERE "appliance" IS NOT NULL`,
  `CREATE INDEX "vm_resident_on_idx" ON "vm" ("resident_on") WHERE "resident_on" IS NOT NULL`,
  `CREATE FUNCTION "vm_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('VM', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."snapshot_of" IS DISTINCT FROM NEW."snapshot_of" THEN
    INSERT INTO change(cls, ref, op) SELECT 'VM', r, 'm' FROM unnest(ARRAY[OLD."snapshot_of", NEW."snapshot_of"]) r WHERE r IS NOT NULL;
  END IF;
  IF OLD."parent" IS DISTINCT FROM NEW."parent" THEN
    INSERT INTO change(cls, ref, op) SELECT 'VM', r, 'm' FROM unnest(ARRAY[OLD."parent", NEW."parent"]) r WHERE r IS NOT NULL;
  END IF;
  IF OLD."protection_policy" IS DISTINCT FROM NEW."protection_policy" THEN
    INSERT INTO change(cls, ref, op) SELECT 'VMPP', r, 'm' FROM unnest(ARRAY[OLD."protection_policy", NEW."protection_policy"]) r WHERE r IS NOT NULL;
  END IF;
  IF OLD."snapshot_schedule" IS DISTINCT FROM NEW."snapshot_schedule" THEN
    INSERT INTO change(cls, ref, op) SELECT 'VMSS', r, 'm' FROM unnest(ARRAY[OLD."snapshot_schedule", NEW."snapshot_schedule"]) r WHERE r IS NOT NULL;
  END IF;
  IF OLD."appliance" IS DISTINCT FROM NEW."appliance" THEN
    INSERT INTO change(cls, ref, op) SELECT 'VM_appliance', r, 'm' FROM unnest(ARRAY[OLD."appliance", NEW."appliance"]) r WHERE r IS NOT NULL;
  END IF;
  IF OLD."resident_on" IS DISTINCT FROM NEW."resident_on" THEN
    INSERT INTO change(cls, ref, op) SELECT 'host', r, 'm' FROM unnest(ARRAY[OLD."resident_on", NEW."resident_on"]) r WHERE r IS NOT NULL;
  END IF;
  IF coalesce(OLD."groups", '{}') <> coalesce(NEW."groups", '{}') THEN
    INSERT INTO change(cls, ref, op) SELECT 'VM_group', r, 'm' FROM unnest(OLD."groups" || NEW."groups") r WHERE coalesce(r = ANY (OLD."groups"), false) <> coalesce(r = ANY (NEW."groups"), false);
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "vm_change" AFTER INSERT OR DELETE ON "vm" FOR EACH ROW EXECUTE FUNCTION "vm_change"()`,
  `CREATE TRIGGER "vm_changed" AFTER UPDATE ON "vm" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "vm_change"()`,
  `CREATE TABLE "vm_metrics" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "memory_actual" bigint NOT NULL DEFAULT 0,
  "VCPUs_number" bigint NOT NULL DEFAULT 0,
  "VCPUs_utilisation" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "VCPUs_CPU" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "VCPUs_params" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "VCPUs_flags" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "state" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "start_time" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "install_time" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "last_updated" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "hvm" boolean NOT NULL DEFAULT false,
  "nested_virt" boolean NOT NULL DEFAULT false,
  "nomigrate" boolean NOT NULL DEFAULT false,
  "current_domain_type" text NOT NULL DEFAULT 'unspecified',
  "numa_optimised" boolean NOT NULL DEFAULT false,
  "numa_nodes" bigint NOT NULL DEFAULT 0,
  "numa_node_memory" jsonb NOT NULL DEFAULT '{}'::jsonb
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "vm_metrics_uuid_idx" ON "vm_metrics" ("uuid")`,
  `CREATE FUNCTION "vm_metrics_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('VM_metrics', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "vm_metrics_change" AFTER INSERT OR DELETE ON "vm_metrics" FOR EACH ROW EXECUTE FUNCTION "vm_metrics_change"()`,
  `CREATE TRIGGER "vm_metrics_changed" AFTER UPDATE ON "vm_metrics" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "vm_metrics_change"()`,
  `CREATE TABLE "vm_guest_metrics" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "os_version" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "netbios_name" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "PV_drivers_version" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "PV_drivers_up_to_date" boolean NOT NULL DEFAULT false,
  "memory" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "disks" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "networks" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "other" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "last_updated" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "live" boolean NOT NULL DEFAULT false,
  "can_use_hotplug_vbd" text NOT NULL DEFAULT 'unspecified',
  "can_use_hotplug_vif" text NOT NULL DEFAULT 'unspecified',
  "PV_drivers_detected" boolean NOT NULL DEFAULT false,
  "services" jsonb NOT NULL DEFAULT '{}'::jsonb
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "vm_guest_metrics_uuid_idx" ON "vm_guest_metrics" ("uuid")`,
  `CREATE FUNCTION "vm_guest_metrics_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('VM_guest_metrics', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "vm_guest_metrics_change" AFTER INSERT OR DELETE ON "vm_guest_metrics" FOR EACH ROW EXECUTE FUNCTION "vm_guest_metrics_change"()`,
  `CREATE TRIGGER "vm_guest_metrics_changed" AFTER UPDATE ON "vm_guest_metrics" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "vm_guest_metrics_change"()`,
  `CREATE TABLE "vmpp" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name_label" text NOT NULL DEFAULT '',
  "name_description" text NOT NULL DEFAULT '',
  "is_policy_enabled" boolean NOT NULL DEFAULT true,
  "backup_type" text NOT NULL DEFAULT 'snapshot',
  "backup_retention_value" bigint NOT NULL DEFAULT 7,
  "backup_frequency" text NOT NULL DEFAULT 'daily',
  "backup_schedule" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "is_backup_running" boolean NOT NULL DEFAULT false,
  "backup_last_run_time" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "archive_target_type" text NOT NULL DEFAULT 'none',
  "archive_target_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "archive_frequency" text NOT NULL DEFAULT 'never',
  "archive_schedule" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "is_archive_running" boolean NOT NULL DEFAULT false,
  "archive_last_run_time" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "is_alarm_enabled" boolean NOT NULL DEFAULT false,
  "alarm_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "recent_alerts" jsonb NOT NULL DEFAULT '[]'::jsonb
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "vmpp_uuid_idx" ON "vmpp" ("uuid")`,
  `CREATE INDEX "vmpp_name_label_idx" ON "vmpp" ("name_label")`,
  `CREATE FUNCTION "vmpp_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('VMPP', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "vmpp_change" AFTER INSERT OR DELETE ON "vmpp" FOR EACH ROW EXECUTE FUNCTION "vmpp_change"()`,
  `CREATE TRIGGER "vmpp_changed" AFTER UPDATE ON "vmpp" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "vmpp_change"()`,
  `CREATE TABLE "vmss" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name_label" text NOT NULL DEFAULT '',
  "name_description" text NOT NULL DEFAULT '',
  "enabled" boolean NOT NULL DEFAULT true,
  "type" text NOT NULL DEFAULT 'snapshot',
  "retained_snapshots" bigint NOT NULL DEFAULT 7,
  "frequency" text NOT NULL DEFAULT 'hourly',
  "schedule" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "last_run_time" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z'
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "vmss_uuid_idx" ON "vmss" ("uuid")`,
  `CREATE INDEX "vmss_name_label_idx" ON "vmss" ("name_label")`,
  `CREATE FUNCTION "vmss_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('VMSS', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "vmss_change" AFTER INSERT OR DELETE ON "vmss" FOR EACH ROW EXECUTE FUNCTION "vmss_change"()`,
  `CREATE TRIGGER "vmss_changed" AFTER UPDATE ON "vmss" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "vmss_change"()`,
  `CREATE TABLE "vm_appliance" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name_label" text NOT NULL DEFAULT '',
  "name_description" text NOT NULL DEFAULT '',
  "allowed_operations" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "current_operations" jsonb NOT NULL DEFAULT '{}'::jsonb
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "vm_appliance_uuid_idx" ON "vm_appliance" ("uuid")`,
  `CREATE INDEX "vm_appliance_name_label_idx" ON "vm_appliance" ("name_label")`,
  `CREATE FUNCTION "vm_appliance_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('VM_appliance', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "vm_appliance_change" AFTER INSERT OR DELETE ON "vm_appliance" FOR EACH ROW EXECUTE FUNCTION "vm_appliance_change"()`,
  `CREATE TRIGGER "vm_appliance_changed" AFTER UPDATE ON "vm_appliance" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "vm_appliance_change"()`,
  `CREATE TABLE "dr_task" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "dr_task_uuid_idx" ON "dr_task" ("uuid")`,
  `CREATE FUNCTION "dr_task_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('DR_task', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "dr_task_change" AFTER INSERT OR DELETE ON "dr_task" FOR EACH ROW EXECUTE FUNCTION "dr_task_change"()`,
  `CREATE TRIGGER "dr_task_changed" AFTER UPDATE ON "dr_task" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "dr_task_change"()`,
  `CREATE TABLE "host" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name_label" text NOT NULL DEFAULT '',
  "name_description" text NOT NULL DEFAULT '',
  "memory_overhead" bigint NOT NULL DEFAULT 0,
  "allowed_operations" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "current_operations" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "API_version_major" bigint NOT NULL DEFAULT 0,
  "API_version_minor" bigint NOT NULL DEFAULT 0,
  "API_version_vendor" text NOT NULL DEFAULT '',
  "API_version_vendor_implementation" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "enabled" boolean NOT NULL DEFAULT false,
  "software_version" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "capabilities" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "cpu_configuration" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "sched_policy" text NOT NULL DEFAULT '',
  "supported_bootloaders" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "logging" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "suspend_image_sr" text,
  "crash_dump_sr" text,
  "updates" text[] NOT NULL DEFAULT '{}'::text[],
  "cpu_info" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "hostname" text NOT NULL DEFAULT '',
  "address" text NOT NULL DEFAULT '',
  "metrics" text,
  "license_params" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "ha_statefiles" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "ha_network_peers" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "blobs" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "tags" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "external_auth_type" text NOT NULL DEFAULT '',
  "external_auth_service_name" text NOT NULL DEFAULT '',
  "external_auth_configuration" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "edition" text NOT NULL DEFAULT '',
  "license_server" jsonb NOT NULL DEFAULT '{"address":"localhost","port":"27000"}'::jsonb,
  "bios_strings" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "power_on_mode" text NOT NULL DEFAULT '',
  "power_on_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "local_cache_sr" text,
  "chipset_info" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "ssl_legacy" boolean NOT NULL DEFAULT true,
  "guest_VCPUs_params" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "display" text NOT NULL DEFAULT 'enabled',
  "virtual_hardware_platform_versions" jsonb NOT NULL DEFAULT '[0]'::jsonb,
  "control_domain" text,
  "updates_requiring_reboot" text[] NOT NULL DEFAULT '{}'::text[],
  "iscsi_iqn" text NOT NULL DEFAULT '',
  "multipathing" boolean NOT NULL DEFAULT false,
  "uefi_certificates" text NOT NULL DEFAULT '',
  "editions" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "pending_guidances" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "tls_verification_enabled" boolean NOT NULL DEFAULT false,
  "last_software_update" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "https_only" boolean NOT NULL DEFAULT false,
  "latest_synced_updates_applied" text NOT NULL DEFAULT 'unknown',
  "numa_affinity_policy" text NOT NULL DEFAULT 'default_policy',
  "pending_guidances_recommended" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "pending_guidances_full" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "last_update_hash" text NOT NULL DEFAULT '',
  "ssh_enabled" boolean NOT NULL DEFAULT true,
  "ssh_enabled_timeout" bigint NOT NULL DEFAULT 0,
  "ssh_expiry" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "console_idle_timeout" bigint NOT NULL DEFAULT 0,
  "ssh_auto_mode" boolean NOT NULL DEFAULT false,
  "max_cstate" text NOT NULL DEFAULT '',
  "secure_boot" boolean NOT NULL DEFAULT false,
  "ntp_mode" text NOT NULL DEFAULT 'Factory',
  "ntp_custom_servers" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "timezone" text NOT NULL DEFAULT 'UTC'
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "host_uuid_idx" ON "host" ("uuid")`,
  `CREATE INDEX "host_name_label_idx" ON "host" ("name_label")`,
  `CREATE FUNCTION "host_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('host', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF coalesce(OLD."updates", '{}') <> coalesce(NEW."updates", '{}') THEN
    INSERT INTO change(cls, ref, op) SELECT 'pool_update', r, 'm' FROM unnest(OLD."updates" || NEW."updates") r WHERE coalesce(r = ANY (OLD."updates"), false) <> coalesce(r = ANY (NEW."updates"), false);
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "host_change" AFTER INSERT OR DELETE ON "host" FOR EACH ROW EXECUTE FUNCTION "host_change"()`,
  `CREATE TRIGGER "host_changed" AFTER UPDATE ON "host" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "host_change"()`,
  `CREATE TABLE "host_crashdump" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "host" text,
  "timestamp" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "size" bigint NOT NULL DEFAULT 0,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "host_crashdump_uuid_idx" ON "host_crashdump" ("uuid")`,
  `CREATE INDEX "host_crashdump_host_idx" ON "host_crashdump" ("host") WHERE "host" IS NOT NULL`,
  `CREATE FUNCTION "host_crashdump_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('host_crashdump', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."host" IS DISTINCT FROM NEW."host" THEN
    INSERT INTO change(cls, ref, op) SELECT 'host', r, 'm' FROM unnest(ARRAY[OLD."host", NEW."host"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "host_crashdump_change" AFTER INSERT OR DELETE ON "host_crashdump" FOR EACH ROW EXECUTE FUNCTION "host_crashdump_change"()`,
  `CREATE TRIGGER "host_crashdump_changed" AFTER UPDATE ON "host_crashdump" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "host_crashdump_change"()`,
  `CREATE TABLE "host_patch" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name_label" text NOT NULL DEFAULT '',
  "name_description" text NOT NULL DEFAULT '',
  "version" text NOT NULL DEFAULT '',
  "host" text,
  "applied" boolean NOT NULL DEFAULT false,
  "timestamp_applied" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "size" bigint NOT NULL DEFAULT 0,
  "pool_patch" text,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "host_patch_uuid_idx" ON "host_patch" ("uuid")`,
  `CREATE INDEX "host_patch_name_label_idx" ON "host_patch" ("name_label")`,
  `CREATE INDEX "host_patch_pool_patch_idx" ON "host_patch" ("pool_patch") WHERE "pool_patch" IS NOT NULL`,
  `CREATE INDEX "host_patch_host_idx" ON "host_patch" ("host") WHERE "host" IS NOT NULL`,
  `CREATE FUNCTION "host_patch_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('host_patch', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."pool_patch" IS DISTINCT FROM NEW."pool_patch" THEN
    INSERT INTO change(cls, ref, op) SELECT 'pool_patch', r, 'm' FROM unnest(ARRAY[OLD."pool_patch", NEW."pool_patch"]) r WHERE r IS NOT NULL;
  END IF;
  IF OLD."host" IS DISTINCT FROM NEW."host" THEN
    INSERT INTO change(cls, ref, op) SELECT 'host', r, 'm' FROM unnest(ARRAY[OLD."host", NEW."host"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "host_patch_change" AFTER INSERT OR DELETE ON "host_patch" FOR EACH ROW EXECUTE FUNCTION "host_patch_change"()`,
  `CREATE TRIGGER "host_patch_changed" AFTER UPDATE ON "host_patch" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "host_patch_change"()`,
  `CREATE TABLE "host_metrics" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "memory_total" bigint NOT NULL DEFAULT 0,
  "memory_free" bigint NOT NULL DEFAULT 0,
  "live" boolean NOT NULL DEFAULT false,
  "last_updated" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "host_metrics_uuid_idx" ON "host_metrics" ("uuid")`,
  `CREATE FUNCTION "host_metrics_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('host_metrics', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "host_metrics_change" AFTER INSERT OR DELETE ON "host_metrics" FOR EACH ROW EXECUTE FUNCTION "host_metrics_change"()`,
  `CREATE TRIGGER "host_metrics_changed" AFTER UPDATE ON "host_metrics" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "host_metrics_change"()`,
  `CREATE TABLE "host_cpu" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "host" text,
  "number" bigint NOT NULL DEFAULT 0,
  "vendor" text NOT NULL DEFAULT '',
  "speed" bigint NOT NULL DEFAULT 0,
  "modelname" text NOT NULL DEFAULT '',
  "family" bigint NOT NULL DEFAULT 0,
  "model" bigint NOT NULL DEFAULT 0,
  "stepping" text NOT NULL DEFAULT '',
  "flags" text NOT NULL DEFAULT '',
  "features" text NOT NULL DEFAULT '',
  "utilisation" double precision NOT NULL DEFAULT 0,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "host_cpu_uuid_idx" ON "host_cpu" ("uuid")`,
  `CREATE INDEX "host_cpu_host_idx" ON "host_cpu" ("host") WHERE "host" IS NOT NULL`,
  `CREATE FUNCTION "host_cpu_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('host_cpu', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."host" IS DISTINCT FROM NEW."host" THEN
    INSERT INTO change(cls, ref, op) SELECT 'host', r, 'm' FROM unnest(ARRAY[OLD."host", NEW."host"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "host_cpu_change" AFTER INSERT OR DELETE ON "host_cpu" FOR EACH ROW EXECUTE FUNCTION "host_cpu_change"()`,
  `CREATE TRIGGER "host_cpu_changed" AFTER UPDATE ON "host_cpu" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "host_cpu_change"()`,
  `CREATE TABLE "network" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name_label" text NOT NULL DEFAULT '',
  "name_description" text NOT NULL DEFAULT '',
  "allowed_operations" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "current_operations" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "MTU" bigint NOT NULL DEFAULT 1500,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "bridge" text NOT NULL DEFAULT '',
  "managed" boolean NOT NULL DEFAULT true,
  "blobs" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "tags" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "default_locking_mode" text NOT NULL DEFAULT 'unlocked',
  "assigned_ips" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "purpose" jsonb NOT NULL DEFAULT '[]'::jsonb
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "network_uuid_idx" ON "network" ("uuid")`,
  `CREATE INDEX "network_name_label_idx" ON "network" ("name_label")`,
  `CREATE FUNCTION "network_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('network', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "network_change" AFTER INSERT OR DELETE ON "network" FOR EACH ROW EXECUTE FUNCTION "network_change"()`,
  `CREATE TRIGGER "network_changed" AFTER UPDATE ON "network" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "network_change"()`,
  `CREATE TABLE "vif" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "allowed_operations" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "current_operations" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "device" text NOT NULL DEFAULT '',
  "network" text,
  "VM" text,
  "MAC" text NOT NULL DEFAULT '',
  "MTU" bigint NOT NULL DEFAULT 0,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "currently_attached" boolean NOT NULL DEFAULT false,
  "status_code" bigint NOT NULL DEFAULT 0,
  "status_detail" text NOT NULL DEFAULT '',
  "runtime_properties" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "qos_algorithm_type" text NOT NULL DEFAULT '',
  "qos_algorithm_params" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "qos_supported_algorithms" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "metrics" text,
  "MAC_autogenerated" boolean NOT NULL DEFAULT false,
  "locking_mode" text NOT NULL DEFAULT 'network_default',
  "ipv4_allowed" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "ipv6_allowed" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "ipv4_configuration_mode" text NOT NULL DEFAULT 'None',
  "ipv4_addresses" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "ipv4_gateway" text NOT NULL DEFAULT '',
  "ipv6_configuration_mode" text NOT NULL DEFAULT 'None',
  "ipv6_addresses" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "ipv6_gateway" text NOT NULL DEFAULT '',
  "trunks" jsonb NOT NULL DEFAULT '[]'::jsonb
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "vif_uuid_idx" ON "vif" ("uuid")`,
  `CREATE INDEX "vif_VM_idx" ON "vif" ("VM") WHERE "VM" IS NOT NULL`,
  `CREATE INDEX "vif_network_idx" ON "vif" ("network") WHERE "network" IS NOT NULL`,
  `CREATE FUNCTION "vif_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('VIF', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."VM" IS DISTINCT FROM NEW."VM" THEN
    INSERT INTO change(cls, ref, op) SELECT 'VM', r, 'm' FROM unnest(ARRAY[OLD."VM", NEW."VM"]) r WHERE r IS NOT NULL;
  END IF;
  IF OLD."network" IS DISTINCT FROM NEW."network" THEN
    INSERT INTO change(cls, ref, op) SELECT 'network', r, 'm' FROM unnest(ARRAY[OLD."network", NEW."network"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "vif_change" AFTER INSERT OR DELETE ON "vif" FOR EACH ROW EXECUTE FUNCTION "vif_change"()`,
  `CREATE TRIGGER "vif_changed" AFTER UPDATE ON "vif" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "vif_change"()`,
  `CREATE TABLE "vif_metrics" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "io_read_kbs" double precision NOT NULL DEFAULT 0,
  "io_write_kbs" double precision NOT NULL DEFAULT 0,
  "last_updated" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "vif_metrics_uuid_idx" ON "vif_metrics" ("uuid")`,
  `CREATE FUNCTION "vif_metrics_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('VIF_metrics', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "vif_metrics_change" AFTER INSERT OR DELETE ON "vif_metrics" FOR EACH ROW EXECUTE FUNCTION "vif_metrics_change"()`,
  `CREATE TRIGGER "vif_metrics_changed" AFTER UPDATE ON "vif_metrics" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "vif_metrics_change"()`,
  `CREATE TABLE "pif" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "device" text NOT NULL DEFAULT '',
  "network" text,
  "host" text,
  "MAC" text NOT NULL DEFAULT '',
  "MTU" bigint NOT NULL DEFAULT 0,
  "VLAN" bigint NOT NULL DEFAULT 0,
  "metrics" text,
  "physical" boolean NOT NULL DEFAULT false,
  "currently_attached" boolean NOT NULL DEFAULT true,
  "ip_configuration_mode" text NOT NULL DEFAULT 'None',
  "IP" text NOT NULL DEFAULT '',
  "netmask" text NOT NULL DEFAULT '',
  "gateway" text NOT NULL DEFAULT '',
  "DNS" text NOT NULL DEFAULT '',
  "bond_slave_of" text,
  "VLAN_master_of" text,
  "management" boolean NOT NULL DEFAULT false,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "disallow_unplug" boolean NOT NULL DEFAULT false,
  "ipv6_configuration_mode" text NOT NULL DEFAULT 'None',
  "IPv6" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "ipv6_gateway" text NOT NULL DEFAULT '',
  "primary_address_type" text NOT NULL DEFAULT 'IPv4',
  "managed" boolean NOT NULL DEFAULT true,
  "properties" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "capabilities" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "igmp_snooping_status" text NOT NULL DEFAULT 'unknown',
  "PCI" text
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "pif_uuid_idx" ON "pif" ("uuid")`,
  `CREATE INDEX "pif_host_idx" ON "pif" ("host") WHERE "host" IS NOT NULL`,
  `CREATE INDEX "pif_network_idx" ON "pif" ("network") WHERE "network" IS NOT NULL`,
  `CREATE INDEX "pif_bond_slave_of_idx" ON "pif" ("bond_slave_of") WHERE "bond_slave_of" IS NOT NULL`,
  `CREATE FUNCTION "pif_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('PIF', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."host" IS DISTINCT FROM NEW."host" THEN
    INSERT INTO change(cls, ref, op) SELECT 'host', r, 'm' FROM unnest(ARRAY[OLD."host", NEW."host"]) r WHERE r IS NOT NULL;
  END IF;
  IF OLD."network" IS DISTINCT FROM NEW."network" THEN
    INSERT INTO change(cls, ref, op) SELECT 'network', r, 'm' FROM unnest(ARRAY[OLD."network", NEW."network"]) r WHERE r IS NOT NULL;
  END IF;
  IF OLD."bond_slave_of" IS DISTINCT FROM NEW."bond_slave_of" THEN
    INSERT INTO change(cls, ref, op) SELECT 'Bond', r, 'm' FROM unnest(ARRAY[OLD."bond_slave_of", NEW."bond_slave_of"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "pif_change" AFTER INSERT OR DELETE ON "pif" FOR EACH ROW EXECUTE FUNCTION "pif_change"()`,
  `CREATE TRIGGER "pif_changed" AFTER UPDATE ON "pif" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "pif_change"()`,
  `CREATE TABLE "pif_metrics" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "io_read_kbs" double precision NOT NULL DEFAULT 0,
  "io_write_kbs" double precision NOT NULL DEFAULT 0,
  "carrier" boolean NOT NULL DEFAULT false,
  "vendor_id" text NOT NULL DEFAULT '',
  "vendor_name" text NOT NULL DEFAULT '',
  "device_id" text NOT NULL DEFAULT '',
  "device_name" text NOT NULL DEFAULT '',
  "speed" bigint NOT NULL DEFAULT 0,
  "duplex" boolean NOT NULL DEFAULT false,
  "pci_bus_path" text NOT NULL DEFAULT '',
  "last_updated" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "pif_metrics_uuid_idx" ON "pif_metrics" ("uuid")`,
  `CREATE FUNCTION "pif_metrics_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('PIF_metrics', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "pif_metrics_change" AFTER INSERT OR DELETE ON "pif_metrics" FOR EACH ROW EXECUTE FUNCTION "pif_metrics_change"()`,
  `CREATE TRIGGER "pif_metrics_changed" AFTER UPDATE ON "pif_metrics" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "pif_metrics_change"()`,
  `CREATE TABLE "bond" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "master" text,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "primary_slave" text,
  "mode" text NOT NULL DEFAULT 'balance-slb',
  "properties" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "links_up" bigint NOT NULL DEFAULT 0,
  "auto_update_mac" boolean NOT NULL DEFAULT true
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "bond_uuid_idx" ON "bond" ("uuid")`,
  `CREATE INDEX "bond_master_idx" ON "bond" ("master") WHERE "master" IS NOT NULL`,
  `CREATE FUNCTION "bond_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('Bond', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."master" IS DISTINCT FROM NEW."master" THEN
    INSERT INTO change(cls, ref, op) SELECT 'PIF', r, 'm' FROM unnest(ARRAY[OLD."master", NEW."master"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "bond_change" AFTER INSERT OR DELETE ON "bond" FOR EACH ROW EXECUTE FUNCTION "bond_change"()`,
  `CREATE TRIGGER "bond_changed" AFTER UPDATE ON "bond" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "bond_change"()`,
  `CREATE TABLE "vlan" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "tagged_PIF" text,
  "untagged_PIF" text,
  "tag" bigint NOT NULL DEFAULT -1,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "vlan_uuid_idx" ON "vlan" ("uuid")`,
  `CREATE INDEX "vlan_tagged_PIF_idx" ON "vlan" ("tagged_PIF") WHERE "tagged_PIF" IS NOT NULL`,
  `CREATE FUNCTION "vlan_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('VLAN', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."tagged_PIF" IS DISTINCT FROM NEW."tagged_PIF" THEN
    INSERT INTO change(cls, ref, op) SELECT 'PIF', r, 'm' FROM unnest(ARRAY[OLD."tagged_PIF", NEW."tagged_PIF"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "vlan_change" AFTER INSERT OR DELETE ON "vlan" FOR EACH ROW EXECUTE FUNCTION "vlan_change"()`,
  `CREATE TRIGGER "vlan_changed" AFTER UPDATE ON "vlan" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "vlan_change"()`,
  `CREATE TABLE "sm" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name_label" text NOT NULL DEFAULT '',
  "name_description" text NOT NULL DEFAULT '',
  "type" text NOT NULL DEFAULT '',
  "vendor" text NOT NULL DEFAULT '',
  "copyright" text NOT NULL DEFAULT '',
  "version" text NOT NULL DEFAULT '',
  "required_api_version" text NOT NULL DEFAULT '',
  "configuration" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "capabilities" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "features" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "driver_filename" text NOT NULL DEFAULT '',
  "required_cluster_stack" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "supported_image_formats" jsonb NOT NULL DEFAULT '[]'::jsonb
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "sm_uuid_idx" ON "sm" ("uuid")`,
  `CREATE INDEX "sm_name_label_idx" ON "sm" ("name_label")`,
  `CREATE FUNCTION "sm_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('SM', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "sm_change" AFTER INSERT OR DELETE ON "sm" FOR EACH ROW EXECUTE FUNCTION "sm_change"()`,
  `CREATE TRIGGER "sm_changed" AFTER UPDATE ON "sm" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "sm_change"()`,
  `CREATE TABLE "sr" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name_label" text NOT NULL DEFAULT '',
  "name_description" text NOT NULL DEFAULT '',
  "allowed_operations" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "current_operations" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "virtual_allocation" bigint NOT NULL DEFAULT 0,
  "physical_utilisation" bigint NOT NULL DEFAULT 0,
  "physical_size" bigint NOT NULL DEFAULT 0,
  "type" text NOT NULL DEFAULT '',
  "content_type" text NOT NULL DEFAULT '',
  "shared" boolean NOT NULL DEFAULT false,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "tags" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "sm_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "blobs" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "local_cache_enabled" boolean NOT NULL DEFAULT false,
  "introduced_by" text,
  "clustered" boolean NOT NULL DEFAULT false,
  "is_tools_sr" boolean NOT NULL DEFAULT false
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "sr_uuid_idx" ON "sr" ("uuid")`,
  `CREATE INDEX "sr_name_label_idx" ON "sr" ("name_label")`,
  `CREATE INDEX "sr_introduced_by_idx" ON "sr" ("introduced_by") WHERE "introduced_by" IS NOT NULL`,
  `CREATE FUNCTION "sr_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('SR', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."introduced_by" IS DISTINCT FROM NEW."introduced_by" THEN
    INSERT INTO change(cls, ref, op) SELECT 'DR_task', r, 'm' FROM unnest(ARRAY[OLD."introduced_by", NEW."introduced_by"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "sr_change" AFTER INSERT OR DELETE ON "sr" FOR EACH ROW EXECUTE FUNCTION "sr_change"()`,
  `CREATE TRIGGER "sr_changed" AFTER UPDATE ON "sr" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "sr_change"()`,
  `CREATE TABLE "lvhd" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "lvhd_uuid_idx" ON "lvhd" ("uuid")`,
  `CREATE FUNCTION "lvhd_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('LVHD', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "lvhd_change" AFTER INSERT OR DELETE ON "lvhd" FOR EACH ROW EXECUTE FUNCTION "lvhd_change"()`,
  `CREATE TRIGGER "lvhd_changed" AFTER UPDATE ON "lvhd" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "lvhd_change"()`,
  `CREATE TABLE "vdi" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name_label" text NOT NULL DEFAULT '',
  "name_description" text NOT NULL DEFAULT '',
  "allowed_operations" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "current_operations" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "SR" text,
  "virtual_size" bigint NOT NULL DEFAULT 0,
  "physical_utilisation" bigint NOT NULL DEFAULT 0,
  "type" text NOT NULL DEFAULT 'system',
  "sharable" boolean NOT NULL DEFAULT false,
  "read_only" boolean NOT NULL DEFAULT false,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "storage_lock" boolean NOT NULL DEFAULT false,
  "location" text NOT NULL DEFAULT '',
  "managed" boolean NOT NULL DEFAULT false,
  "missing" boolean NOT NULL DEFAULT false,
  "parent" text,
  "xenstore_data" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "sm_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "is_a_snapshot" boolean NOT NULL DEFAULT false,
  "snapshot_of" text,
  "snapshot_time" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "tags" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "allow_caching" boolean NOT NULL DEFAULT false,
  "on_boot" text NOT NULL DEFAULT 'persist',
  "metadata_of_pool" text,
  "metadata_latest" boolean NOT NULL DEFAULT false,
  "is_tools_iso" boolean NOT NULL DEFAULT false,
  "cbt_enabled" boolean NOT NULL DEFAULT false
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "vdi_uuid_idx" ON "vdi" ("uuid")`,
  `CREATE INDEX "vdi_name_label_idx" ON "vdi" ("name_label")`,
  `CREATE INDEX "vdi_metadata_of_pool_idx" ON "vdi" ("metadata_of_pool") WHERE "metadata_of_pool" IS NOT NULL`,
  `CREATE INDEX "vdi_SR_idx" ON "vdi" ("SR") WHERE "SR" IS NOT NULL`,
  `CREATE INDEX "vdi_snapshot_of_idx" ON "vdi" ("snapshot_of") WHERE "snapshot_of" IS NOT NULL`,
  `CREATE FUNCTION "vdi_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('VDI', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."metadata_of_pool" IS DISTINCT FROM NEW."metadata_of_pool" THEN
    INSERT INTO change(cls, ref, op) SELECT 'pool', r, 'm' FROM unnest(ARRAY[OLD."metadata_of_pool", NEW."metadata_of_pool"]) r WHERE r IS NOT NULL;
  END IF;
  IF OLD."SR" IS DISTINCT FROM NEW."SR" THEN
    INSERT INTO change(cls, ref, op) SELECT 'SR', r, 'm' FROM unnest(ARRAY[OLD."SR", NEW."SR"]) r WHERE r IS NOT NULL;
  END IF;
  IF OLD."snapshot_of" IS DISTINCT FROM NEW."snapshot_of" THEN
    INSERT INTO change(cls, ref, op) SELECT 'VDI', r, 'm' FROM unnest(ARRAY[OLD."snapshot_of", NEW."snapshot_of"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "vdi_change" AFTER INSERT OR DELETE ON "vdi" FOR EACH ROW EXECUTE FUNCTION "vdi_change"()`,
  `CREATE TRIGGER "vdi_changed" AFTER UPDATE ON "vdi" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "vdi_change"()`,
  `CREATE TABLE "vbd" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "allowed_operations" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "current_operations" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "VM" text,
  "VDI" text,
  "device" text NOT NULL DEFAULT '',
  "userdevice" text NOT NULL DEFAULT '',
  "bootable" boolean NOT NULL DEFAULT false,
  "mode" text NOT NULL DEFAULT 'RO',
  "type" text NOT NULL DEFAULT 'CD',
  "unpluggable" boolean NOT NULL DEFAULT true,
  "storage_lock" boolean NOT NULL DEFAULT false,
  "empty" boolean NOT NULL DEFAULT false,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "currently_attached" boolean NOT NULL DEFAULT false,
  "status_code" bigint NOT NULL DEFAULT 0,
  "status_detail" text NOT NULL DEFAULT '',
  "runtime_properties" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "qos_algorithm_type" text NOT NULL DEFAULT '',
  "qos_algorithm_params" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "qos_supported_algorithms" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "metrics" text
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "vbd_uuid_idx" ON "vbd" ("uuid")`,
  `CREATE INDEX "vbd_VM_idx" ON "vbd" ("VM") WHERE "VM" IS NOT NULL`,
  `CREATE INDEX "vbd_VDI_idx" ON "vbd" ("VDI") WHERE "VDI" IS NOT NULL`,
  `CREATE FUNCTION "vbd_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('VBD', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."VM" IS DISTINCT FROM NEW."VM" THEN
    INSERT INTO change(cls, ref, op) SELECT 'VM', r, 'm' FROM unnest(ARRAY[OLD."VM", NEW."VM"]) r WHERE r IS NOT NULL;
  END IF;
  IF OLD."VDI" IS DISTINCT FROM NEW."VDI" THEN
    INSERT INTO change(cls, ref, op) SELECT 'VDI', r, 'm' FROM unnest(ARRAY[OLD."VDI", NEW."VDI"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "vbd_change" AFTER INSERT OR DELETE ON "vbd" FOR EACH ROW EXECUTE FUNCTION "vbd_change"()`,
  `CREATE TRIGGER "vbd_changed" AFTER UPDATE ON "vbd" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "vbd_change"()`,
  `CREATE TABLE "vbd_metrics" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "io_read_kbs" double precision NOT NULL DEFAULT 0,
  "io_write_kbs" double precision NOT NULL DEFAULT 0,
  "last_updated" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "vbd_metrics_uuid_idx" ON "vbd_metrics" ("uuid")`,
  `CREATE FUNCTION "vbd_metrics_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('VBD_metrics', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "vbd_metrics_change" AFTER INSERT OR DELETE ON "vbd_metrics" FOR EACH ROW EXECUTE FUNCTION "vbd_metrics_change"()`,
  `CREATE TRIGGER "vbd_metrics_changed" AFTER UPDATE ON "vbd_metrics" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "vbd_metrics_change"()`,
  `CREATE TABLE "pbd" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "host" text,
  "SR" text,
  "device_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "currently_attached" boolean NOT NULL DEFAULT false,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "pbd_uuid_idx" ON "pbd" ("uuid")`,
  `CREATE INDEX "pbd_host_idx" ON "pbd" ("host") WHERE "host" IS NOT NULL`,
  `CREATE INDEX "pbd_SR_idx" ON "pbd" ("SR") WHERE "SR" IS NOT NULL`,
  `CREATE FUNCTION "pbd_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('PBD', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."host" IS DISTINCT FROM NEW."host" THEN
    INSERT INTO change(cls, ref, op) SELECT 'host', r, 'm' FROM unnest(ARRAY[OLD."host", NEW."host"]) r WHERE r IS NOT NULL;
  END IF;
  IF OLD."SR" IS DISTINCT FROM NEW."SR" THEN
    INSERT INTO change(cls, ref, op) SELECT 'SR', r, 'm' FROM unnest(ARRAY[OLD."SR", NEW."SR"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "pbd_change" AFTER INSERT OR DELETE ON "pbd" FOR EACH ROW EXECUTE FUNCTION "pbd_change"()`,
  `CREATE TRIGGER "pbd_changed" AFTER UPDATE ON "pbd" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "pbd_change"()`,
  `CREATE TABLE "crashdump" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "VM" text,
  "VDI" text,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "crashdump_uuid_idx" ON "crashdump" ("uuid")`,
  `CREATE INDEX "crashdump_VM_idx" ON "crashdump" ("VM") WHERE "VM" IS NOT NULL`,
  `CREATE INDEX "crashdump_VDI_idx" ON "crashdump" ("VDI") WHERE "VDI" IS NOT NULL`,
  `CREATE FUNCTION "crashdump_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('crashdump', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."VM" IS DISTINCT FROM NEW."VM" THEN
    INSERT INTO change(cls, ref, op) SELECT 'VM', r, 'm' FROM unnest(ARRAY[OLD."VM", NEW."VM"]) r WHERE r IS NOT NULL;
  END IF;
  IF OLD."VDI" IS DISTINCT FROM NEW."VDI" THEN
    INSERT INTO change(cls, ref, op) SELECT 'VDI', r, 'm' FROM unnest(ARRAY[OLD."VDI", NEW."VDI"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "crashdump_change" AFTER INSERT OR DELETE ON "crashdump" FOR EACH ROW EXECUTE FUNCTION "crashdump_change"()`,
  `CREATE TRIGGER "crashdump_changed" AFTER UPDATE ON "crashdump" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "crashdump_change"()`,
  `CREATE TABLE "vtpm" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "allowed_operations" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "current_operations" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "VM" text,
  "backend" text,
  "persistence_backend" text NOT NULL DEFAULT 'xapi',
  "is_unique" boolean NOT NULL DEFAULT false,
  "is_protected" boolean NOT NULL DEFAULT false
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "vtpm_uuid_idx" ON "vtpm" ("uuid")`,
  `CREATE INDEX "vtpm_VM_idx" ON "vtpm" ("VM") WHERE "VM" IS NOT NULL`,
  `CREATE FUNCTION "vtpm_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('VTPM', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."VM" IS DISTINCT FROM NEW."VM" THEN
    INSERT INTO change(cls, ref, op) SELECT 'VM', r, 'm' FROM unnest(ARRAY[OLD."VM", NEW."VM"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "vtpm_change" AFTER INSERT OR DELETE ON "vtpm" FOR EACH ROW EXECUTE FUNCTION "vtpm_change"()`,
  `CREATE TRIGGER "vtpm_changed" AFTER UPDATE ON "vtpm" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "vtpm_change"()`,
  `CREATE TABLE "console" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "protocol" text NOT NULL DEFAULT 'vt100',
  "location" text NOT NULL DEFAULT '',
  "VM" text,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "console_uuid_idx" ON "console" ("uuid")`,
  `CREATE INDEX "console_VM_idx" ON "console" ("VM") WHERE "VM" IS NOT NULL`,
  `CREATE FUNCTION "console_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('console', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."VM" IS DISTINCT FROM NEW."VM" THEN
    INSERT INTO change(cls, ref, op) SELECT 'VM', r, 'm' FROM unnest(ARRAY[OLD."VM", NEW."VM"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "console_change" AFTER INSERT OR DELETE ON "console" FOR EACH ROW EXECUTE FUNCTION "console_change"()`,
  `CREATE TRIGGER "console_changed" AFTER UPDATE ON "console" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "console_change"()`,
  `CREATE TABLE "user" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "short_name" text NOT NULL DEFAULT '',
  "fullname" text NOT NULL DEFAULT '',
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "user_uuid_idx" ON "user" ("uuid")`,
  `CREATE FUNCTION "user_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('user', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "user_change" AFTER INSERT OR DELETE ON "user" FOR EACH ROW EXECUTE FUNCTION "user_change"()`,
  `CREATE TRIGGER "user_changed" AFTER UPDATE ON "user" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "user_change"()`,
  `CREATE TABLE "blob" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name_label" text NOT NULL DEFAULT '',
  "name_description" text NOT NULL DEFAULT '',
  "size" bigint NOT NULL DEFAULT 0,
  "public" boolean NOT NULL DEFAULT false,
  "last_updated" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "mime_type" text NOT NULL DEFAULT ''
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "blob_uuid_idx" ON "blob" ("uuid")`,
  `CREATE INDEX "blob_name_label_idx" ON "blob" ("name_label")`,
  `CREATE FUNCTION "blob_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('blob', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "blob_change" AFTER INSERT OR DELETE ON "blob" FOR EACH ROW EXECUTE FUNCTION "blob_change"()`,
  `CREATE TRIGGER "blob_changed" AFTER UPDATE ON "blob" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "blob_change"()`,
  `CREATE TABLE "message" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name" text NOT NULL DEFAULT '',
  "priority" bigint NOT NULL DEFAULT 0,
  "cls" text NOT NULL DEFAULT 'VM',
  "obj_uuid" text NOT NULL DEFAULT '',
  "timestamp" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "body" text NOT NULL DEFAULT ''
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "message_uuid_idx" ON "message" ("uuid")`,
  `CREATE FUNCTION "message_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('message', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "message_change" AFTER INSERT OR DELETE ON "message" FOR EACH ROW EXECUTE FUNCTION "message_change"()`,
  `CREATE TRIGGER "message_changed" AFTER UPDATE ON "message" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "message_change"()`,
  `CREATE TABLE "secret" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "value" text NOT NULL DEFAULT '',
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "secret_uuid_idx" ON "secret" ("uuid")`,
  `CREATE FUNCTION "secret_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('secret', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "secret_change" AFTER INSERT OR DELETE ON "secret" FOR EACH ROW EXECUTE FUNCTION "secret_change"()`,
  `CREATE TRIGGER "secret_changed" AFTER UPDATE ON "secret" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "secret_change"()`,
  `CREATE TABLE "tunnel" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "access_PIF" text,
  "transport_PIF" text,
  "status" jsonb NOT NULL DEFAULT '{"active":"false"}'::jsonb,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "protocol" text NOT NULL DEFAULT 'gre'
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "tunnel_uuid_idx" ON "tunnel" ("uuid")`,
  `CREATE INDEX "tunnel_access_PIF_idx" ON "tunnel" ("access_PIF") WHERE "access_PIF" IS NOT NULL`,
  `CREATE INDEX "tunnel_transport_PIF_idx" ON "tunnel" ("transport_PIF") WHERE "transport_PIF" IS NOT NULL`,
  `CREATE FUNCTION "tunnel_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('tunnel', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."access_PIF" IS DISTINCT FROM NEW."access_PIF" THEN
    INSERT INTO change(cls, ref, op) SELECT 'PIF', r, 'm' FROM unnest(ARRAY[OLD."access_PIF", NEW."access_PIF"]) r WHERE r IS NOT NULL;
  END IF;
  IF OLD."transport_PIF" IS DISTINCT FROM NEW."transport_PIF" THEN
    INSERT INTO change(cls, ref, op) SELECT 'PIF', r, 'm' FROM unnest(ARRAY[OLD."transport_PIF", NEW."transport_PIF"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "tunnel_change" AFTER INSERT OR DELETE ON "tunnel" FOR EACH ROW EXECUTE FUNCTION "tunnel_change"()`,
  `CREATE TRIGGER "tunnel_changed" AFTER UPDATE ON "tunnel" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "tunnel_change"()`,
  `CREATE TABLE "network_sriov" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "physical_PIF" text,
  "logical_PIF" text,
  "requires_reboot" boolean NOT NULL DEFAULT false,
  "configuration_mode" text NOT NULL DEFAULT 'unknown'
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "network_sriov_uuid_idx" ON "network_sriov" ("uuid")`,
  `CREATE INDEX "network_sriov_physical_PIF_idx" ON "network_sriov" ("physical_PIF") WHERE "physical_PIF" IS NOT NULL`,
  `CREATE INDEX "network_sriov_logical_PIF_idx" ON "network_sriov" ("logical_PIF") WHERE "logical_PIF" IS NOT NULL`,
  `CREATE FUNCTION "network_sriov_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('network_sriov', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."physical_PIF" IS DISTINCT FROM NEW."physical_PIF" THEN
    INSERT INTO change(cls, ref, op) SELECT 'PIF', r, 'm' FROM unnest(ARRAY[OLD."physical_PIF", NEW."physical_PIF"]) r WHERE r IS NOT NULL;
  END IF;
  IF OLD."logical_PIF" IS DISTINCT FROM NEW."logical_PIF" THEN
    INSERT INTO change(cls, ref, op) SELECT 'PIF', r, 'm' FROM unnest(ARRAY[OLD."logical_PIF", NEW."logical_PIF"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "network_sriov_change" AFTER INSERT OR DELETE ON "network_sriov" FOR EACH ROW EXECUTE FUNCTION "network_sriov_change"()`,
  `CREATE TRIGGER "network_sriov_changed" AFTER UPDATE ON "network_sriov" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "network_sriov_change"()`,
  `CREATE TABLE "pci" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "class_id" text NOT NULL DEFAULT '',
  "class_name" text NOT NULL DEFAULT '',
  "vendor_id" text NOT NULL DEFAULT '',
  "vendor_name" text NOT NULL DEFAULT '',
  "device_id" text NOT NULL DEFAULT '',
  "device_name" text NOT NULL DEFAULT '',
  "host" text,
  "pci_id" text NOT NULL DEFAULT '',
  "dependencies" text[] NOT NULL DEFAULT '{}'::text[],
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "subsystem_vendor_id" text NOT NULL DEFAULT '',
  "subsystem_vendor_name" text NOT NULL DEFAULT '',
  "subsystem_device_id" text NOT NULL DEFAULT '',
  "subsystem_device_name" text NOT NULL DEFAULT '',
  "driver_name" text NOT NULL DEFAULT ''
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "pci_uuid_idx" ON "pci" ("uuid")`,
  `CREATE INDEX "pci_host_idx" ON "pci" ("host") WHERE "host" IS NOT NULL`,
  `CREATE FUNCTION "pci_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('PCI', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."host" IS DISTINCT FROM NEW."host" THEN
    INSERT INTO change(cls, ref, op) SELECT 'host', r, 'm' FROM unnest(ARRAY[OLD."host", NEW."host"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "pci_change" AFTER INSERT OR DELETE ON "pci" FOR EACH ROW EXECUTE FUNCTION "pci_change"()`,
  `CREATE TRIGGER "pci_changed" AFTER UPDATE ON "pci" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "pci_change"()`,
  `CREATE TABLE "pgpu" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "PCI" text,
  "GPU_group" text,
  "host" text,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "supported_VGPU_types" text[] NOT NULL DEFAULT '{}'::text[],
  "enabled_VGPU_types" text[] NOT NULL DEFAULT '{}'::text[],
  "supported_VGPU_max_capacities" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "dom0_access" text NOT NULL DEFAULT 'enabled',
  "is_system_display_device" boolean NOT NULL DEFAULT false,
  "compatibility_metadata" jsonb NOT NULL DEFAULT '{}'::jsonb
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "pgpu_uuid_idx" ON "pgpu" ("uuid")`,
  `CREATE INDEX "pgpu_host_idx" ON "pgpu" ("host") WHERE "host" IS NOT NULL`,
  `CREATE INDEX "pgpu_GPU_group_idx" ON "pgpu" ("GPU_group") WHERE "GPU_group" IS NOT NULL`,
  `CREATE FUNCTION "pgpu_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('PGPU', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."host" IS DISTINCT FROM NEW."host" THEN
    INSERT INTO change(cls, ref, op) SELECT 'host', r, 'm' FROM unnest(ARRAY[OLD."host", NEW."host"]) r WHERE r IS NOT NULL;
  END IF;
  IF OLD."GPU_group" IS DISTINCT FROM NEW."GPU_group" THEN
    INSERT INTO change(cls, ref, op) SELECT 'GPU_group', r, 'm' FROM unnest(ARRAY[OLD."GPU_group", NEW."GPU_group"]) r WHERE r IS NOT NULL;
  END IF;
  IF coalesce(OLD."supported_VGPU_types", '{}') <> coalesce(NEW."supported_VGPU_types", '{}') THEN
    INSERT INTO change(cls, ref, op) SELECT 'VGPU_type', r, 'm' FROM unnest(OLD."supported_VGPU_types" || NEW."supported_VGPU_types") r WHERE coalesce(r = ANY (OLD."supported_VGPU_types"), false) <> coalesce(r = ANY (NEW."supported_VGPU_types"), false);
  END IF;
  IF coalesce(OLD."enabled_VGPU_types", '{}') <> coalesce(NEW."enabled_VGPU_types", '{}') THEN
    INSERT INTO change(cls, ref, op) SELECT 'VGPU_type', r, 'm' FROM unnest(OLD."enabled_VGPU_types" || NEW."enabled_VGPU_types") r WHERE coalesce(r = ANY (OLD."enabled_VGPU_types"), false) <> coalesce(r = ANY (NEW."enabled_VGPU_types"), false);
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "pgpu_change" AFTER INSERT OR DELETE ON "pgpu" FOR EACH ROW EXECUTE FUNCTION "pgpu_change"()`,
  `CREATE TRIGGER "pgpu_changed" AFTER UPDATE ON "pgpu" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "pgpu_change"()`,
  `CREATE TABLE "gpu_group" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name_label" text NOT NULL DEFAULT '',
  "name_description" text NOT NULL DEFAULT '',
  "GPU_types" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "allocation_algorithm" text NOT NULL DEFAULT 'depth_first',
  "supported_VGPU_types" text[] NOT NULL DEFAULT '{}'::text[],
  "enabled_VGPU_types" text[] NOT NULL DEFAULT '{}'::text[]
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "gpu_group_uuid_idx" ON "gpu_group" ("uuid")`,
  `CREATE INDEX "gpu_group_name_label_idx" ON "gpu_group" ("name_label")`,
  `CREATE FUNCTION "gpu_group_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('GPU_group', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF coalesce(OLD."supported_VGPU_types", '{}') <> coalesce(NEW."supported_VGPU_types", '{}') THEN
    INSERT INTO change(cls, ref, op) SELECT 'VGPU_type', r, 'm' FROM unnest(OLD."supported_VGPU_types" || NEW."supported_VGPU_types") r WHERE coalesce(r = ANY (OLD."supported_VGPU_types"), false) <> coalesce(r = ANY (NEW."supported_VGPU_types"), false);
  END IF;
  IF coalesce(OLD."enabled_VGPU_types", '{}') <> coalesce(NEW."enabled_VGPU_types", '{}') THEN
    INSERT INTO change(cls, ref, op) SELECT 'VGPU_type', r, 'm' FROM unnest(OLD."enabled_VGPU_types" || NEW."enabled_VGPU_types") r WHERE coalesce(r = ANY (OLD."enabled_VGPU_types"), false) <> coalesce(r = ANY (NEW."enabled_VGPU_types"), false);
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "gpu_group_change" AFTER INSERT OR DELETE ON "gpu_group" FOR EACH ROW EXECUTE FUNCTION "gpu_group_change"()`,
  `CREATE TRIGGER "gpu_group_changed" AFTER UPDATE ON "gpu_group" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "gpu_group_change"()`,
  `CREATE TABLE "vgpu" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "VM" text,
  "GPU_group" text,
  "device" text NOT NULL DEFAULT '0',
  "currently_attached" boolean NOT NULL DEFAULT false,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "type" text,
  "resident_on" text,
  "scheduled_to_be_resident_on" text,
  "compatibility_metadata" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "extra_args" text NOT NULL DEFAULT '',
  "PCI" text
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "vgpu_uuid_idx" ON "vgpu" ("uuid")`,
  `CREATE INDEX "vgpu_VM_idx" ON "vgpu" ("VM") WHERE "VM" IS NOT NULL`,
  `CREATE INDEX "vgpu_resident_on_idx" ON "vgpu" ("resident_on") WHERE "resident_on" IS NOT NULL`,
  `CREATE INDEX "vgpu_GPU_group_idx" ON "vgpu" ("GPU_group") WHERE "GPU_group" IS NOT NULL`,
  `CREATE INDEX "vgpu_type_idx" ON "vgpu" ("type") WHERE "type" IS NOT NULL`,
  `CREATE FUNCTION "vgpu_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('VGPU', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."VM" IS DISTINCT FROM NEW."VM" THEN
    INSERT INTO change(cls, ref, op) SELECT 'VM', r, 'm' FROM unnest(ARRAY[OLD."VM", NEW."VM"]) r WHERE r IS NOT NULL;
  END IF;
  IF OLD."resident_on" IS DISTINCT FROM NEW."resident_on" THEN
    INSERT INTO change(cls, ref, op) SELECT 'PGPU', r, 'm' FROM unnest(ARRAY[OLD."resident_on", NEW."resident_on"]) r WHERE r IS NOT NULL;
  END IF;
  IF OLD."GPU_group" IS DISTINCT FROM NEW."GPU_group" THEN
    INSERT INTO change(cls, ref, op) SELECT 'GPU_group', r, 'm' FROM unnest(ARRAY[OLD."GPU_group", NEW."GPU_group"]) r WHERE r IS NOT NULL;
  END IF;
  IF OLD."type" IS DISTINCT FROM NEW."type" THEN
    INSERT INTO change(cls, ref, op) SELECT 'VGPU_type', r, 'm' FROM unnest(ARRAY[OLD."type", NEW."type"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "vgpu_change" AFTER INSERT OR DELETE ON "vgpu" FOR EACH ROW EXECUTE FUNCTION "vgpu_change"()`,
  `CREATE TRIGGER "vgpu_changed" AFTER UPDATE ON "vgpu" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "vgpu_change"()`,
  `CREATE TABLE "vgpu_type" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "vendor_name" text NOT NULL DEFAULT '',
  "model_name" text NOT NULL DEFAULT '',
  "framebuffer_size" bigint NOT NULL DEFAULT 0,
  "max_heads" bigint NOT NULL DEFAULT 0,
  "max_resolution_x" bigint NOT NULL DEFAULT 0,
  "max_resolution_y" bigint NOT NULL DEFAULT 0,
  "implementation" text NOT NULL DEFAULT 'passthrough',
  "identifier" text NOT NULL DEFAULT '',
  "experimental" boolean NOT NULL DEFAULT false,
  "compatible_types_in_vm" text[] NOT NULL DEFAULT '{}'::text[]
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "vgpu_type_uuid_idx" ON "vgpu_type" ("uuid")`,
  `CREATE FUNCTION "vgpu_type_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('VGPU_type', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "vgpu_type_change" AFTER INSERT OR DELETE ON "vgpu_type" FOR EACH ROW EXECUTE FUNCTION "vgpu_type_change"()`,
  `CREATE TRIGGER "vgpu_type_changed" AFTER UPDATE ON "vgpu_type" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "vgpu_type_change"()`,
  `CREATE TABLE "pvs_site" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name_label" text NOT NULL DEFAULT '',
  "name_description" text NOT NULL DEFAULT '',
  "PVS_uuid" text NOT NULL DEFAULT ''
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "pvs_site_uuid_idx" ON "pvs_site" ("uuid")`,
  `CREATE INDEX "pvs_site_name_label_idx" ON "pvs_site" ("name_label")`,
  `CREATE FUNCTION "pvs_site_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('PVS_site', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "pvs_site_change" AFTER INSERT OR DELETE ON "pvs_site" FOR EACH ROW EXECUTE FUNCTION "pvs_site_change"()`,
  `CREATE TRIGGER "pvs_site_changed" AFTER UPDATE ON "pvs_site" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "pvs_site_change"()`,
  `CREATE TABLE "pvs_server" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "addresses" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "first_port" bigint NOT NULL DEFAULT 0,
  "last_port" bigint NOT NULL DEFAULT 0,
  "site" text
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "pvs_server_uuid_idx" ON "pvs_server" ("uuid")`,
  `CREATE INDEX "pvs_server_site_idx" ON "pvs_server" ("site") WHERE "site" IS NOT NULL`,
  `CREATE FUNCTION "pvs_server_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('PVS_server', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."site" IS DISTINCT FROM NEW."site" THEN
    INSERT INTO change(cls, ref, op) SELECT 'PVS_site', r, 'm' FROM unnest(ARRAY[OLD."site", NEW."site"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "pvs_server_change" AFTER INSERT OR DELETE ON "pvs_server" FOR EACH ROW EXECUTE FUNCTION "pvs_server_change"()`,
  `CREATE TRIGGER "pvs_server_changed" AFTER UPDATE ON "pvs_server" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "pvs_server_change"()`,
  `CREATE TABLE "pvs_proxy" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "site" text,
  "VIF" text,
  "currently_attached" boolean NOT NULL DEFAULT false,
  "status" text NOT NULL DEFAULT 'stopped'
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "pvs_proxy_uuid_idx" ON "pvs_proxy" ("uuid")`,
  `CREATE INDEX "pvs_proxy_site_idx" ON "pvs_proxy" ("site") WHERE "site" IS NOT NULL`,
  `CREATE FUNCTION "pvs_proxy_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('PVS_proxy', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."site" IS DISTINCT FROM NEW."site" THEN
    INSERT INTO change(cls, ref, op) SELECT 'PVS_site', r, 'm' FROM unnest(ARRAY[OLD."site", NEW."site"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "pvs_proxy_change" AFTER INSERT OR DELETE ON "pvs_proxy" FOR EACH ROW EXECUTE FUNCTION "pvs_proxy_change"()`,
  `CREATE TRIGGER "pvs_proxy_changed" AFTER UPDATE ON "pvs_proxy" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "pvs_proxy_change"()`,
  `CREATE TABLE "pvs_cache_storage" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "host" text,
  "SR" text,
  "site" text,
  "size" bigint NOT NULL DEFAULT 21474836480,
  "VDI" text
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "pvs_cache_storage_uuid_idx" ON "pvs_cache_storage" ("uuid")`,
  `CREATE INDEX "pvs_cache_storage_site_idx" ON "pvs_cache_storage" ("site") WHERE "site" IS NOT NULL`,
  `CREATE FUNCTION "pvs_cache_storage_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('PVS_cache_storage', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."site" IS DISTINCT FROM NEW."site" THEN
    INSERT INTO change(cls, ref, op) SELECT 'PVS_site', r, 'm' FROM unnest(ARRAY[OLD."site", NEW."site"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "pvs_cache_storage_change" AFTER INSERT OR DELETE ON "pvs_cache_storage" FOR EACH ROW EXECUTE FUNCTION "pvs_cache_storage_change"()`,
  `CREATE TRIGGER "pvs_cache_storage_changed" AFTER UPDATE ON "pvs_cache_storage" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "pvs_cache_storage_change"()`,
  `CREATE TABLE "feature" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name_label" text NOT NULL DEFAULT '',
  "name_description" text NOT NULL DEFAULT '',
  "enabled" boolean NOT NULL DEFAULT false,
  "experimental" boolean NOT NULL DEFAULT false,
  "version" text NOT NULL DEFAULT '1.0',
  "host" text
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "feature_uuid_idx" ON "feature" ("uuid")`,
  `CREATE INDEX "feature_name_label_idx" ON "feature" ("name_label")`,
  `CREATE INDEX "feature_host_idx" ON "feature" ("host") WHERE "host" IS NOT NULL`,
  `CREATE FUNCTION "feature_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('Feature', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."host" IS DISTINCT FROM NEW."host" THEN
    INSERT INTO change(cls, ref, op) SELECT 'host', r, 'm' FROM unnest(ARRAY[OLD."host", NEW."host"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "feature_change" AFTER INSERT OR DELETE ON "feature" FOR EACH ROW EXECUTE FUNCTION "feature_change"()`,
  `CREATE TRIGGER "feature_changed" AFTER UPDATE ON "feature" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "feature_change"()`,
  `CREATE TABLE "sdn_controller" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "protocol" text NOT NULL DEFAULT 'ssl',
  "address" text NOT NULL DEFAULT '',
  "port" bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "sdn_controller_uuid_idx" ON "sdn_controller" ("uuid")`,
  `CREATE FUNCTION "sdn_controller_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('SDN_controller', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "sdn_controller_change" AFTER INSERT OR DELETE ON "sdn_controller" FOR EACH ROW EXECUTE FUNCTION "sdn_controller_change"()`,
  `CREATE TRIGGER "sdn_controller_changed" AFTER UPDATE ON "sdn_controller" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "sdn_controller_change"()`,
  `CREATE TABLE "pusb" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "USB_group" text,
  "host" text,
  "path" text NOT NULL DEFAULT '',
  "vendor_id" text NOT NULL DEFAULT '',
  "vendor_desc" text NOT NULL DEFAULT '',
  "product_id" text NOT NULL DEFAULT '',
  "product_desc" text NOT NULL DEFAULT '',
  "serial" text NOT NULL DEFAULT '',
  "version" text NOT NULL DEFAULT '',
  "description" text NOT NULL DEFAULT '',
  "passthrough_enabled" boolean NOT NULL DEFAULT false,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "speed" double precision NOT NULL DEFAULT -1
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "pusb_uuid_idx" ON "pusb" ("uuid")`,
  `CREATE INDEX "pusb_host_idx" ON "pusb" ("host") WHERE "host" IS NOT NULL`,
  `CREATE INDEX "pusb_USB_group_idx" ON "pusb" ("USB_group") WHERE "USB_group" IS NOT NULL`,
  `CREATE FUNCTION "pusb_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('PUSB', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."host" IS DISTINCT FROM NEW."host" THEN
    INSERT INTO change(cls, ref, op) SELECT 'host', r, 'm' FROM unnest(ARRAY[OLD."host", NEW."host"]) r WHERE r IS NOT NULL;
  END IF;
  IF OLD."USB_group" IS DISTINCT FROM NEW."USB_group" THEN
    INSERT INTO change(cls, ref, op) SELECT 'USB_group', r, 'm' FROM unnest(ARRAY[OLD."USB_group", NEW."USB_group"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "pusb_change" AFTER INSERT OR DELETE ON "pusb" FOR EACH ROW EXECUTE FUNCTION "pusb_change"()`,
  `CREATE TRIGGER "pusb_changed" AFTER UPDATE ON "pusb" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "pusb_change"()`,
  `CREATE TABLE "usb_group" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name_label" text NOT NULL DEFAULT '',
  "name_description" text NOT NULL DEFAULT '',
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "usb_group_uuid_idx" ON "usb_group" ("uuid")`,
  `CREATE INDEX "usb_group_name_label_idx" ON "usb_group" ("name_label")`,
  `CREATE FUNCTION "usb_group_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('USB_group', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "usb_group_change" AFTER INSERT OR DELETE ON "usb_group" FOR EACH ROW EXECUTE FUNCTION "usb_group_change"()`,
  `CREATE TRIGGER "usb_group_changed" AFTER UPDATE ON "usb_group" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "usb_group_change"()`,
  `CREATE TABLE "vusb" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "allowed_operations" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "current_operations" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "VM" text,
  "USB_group" text,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "currently_attached" boolean NOT NULL DEFAULT false
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "vusb_uuid_idx" ON "vusb" ("uuid")`,
  `CREATE INDEX "vusb_VM_idx" ON "vusb" ("VM") WHERE "VM" IS NOT NULL`,
  `CREATE INDEX "vusb_USB_group_idx" ON "vusb" ("USB_group") WHERE "USB_group" IS NOT NULL`,
  `CREATE FUNCTION "vusb_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('VUSB', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."VM" IS DISTINCT FROM NEW."VM" THEN
    INSERT INTO change(cls, ref, op) SELECT 'VM', r, 'm' FROM unnest(ARRAY[OLD."VM", NEW."VM"]) r WHERE r IS NOT NULL;
  END IF;
  IF OLD."USB_group" IS DISTINCT FROM NEW."USB_group" THEN
    INSERT INTO change(cls, ref, op) SELECT 'USB_group', r, 'm' FROM unnest(ARRAY[OLD."USB_group", NEW."USB_group"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "vusb_change" AFTER INSERT OR DELETE ON "vusb" FOR EACH ROW EXECUTE FUNCTION "vusb_change"()`,
  `CREATE TRIGGER "vusb_changed" AFTER UPDATE ON "vusb" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "vusb_change"()`,
  `CREATE TABLE "cluster" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "pending_forget" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "cluster_token" text NOT NULL DEFAULT '',
  "cluster_stack" text NOT NULL DEFAULT 'corosync',
  "cluster_stack_version" bigint NOT NULL DEFAULT 2,
  "is_quorate" boolean NOT NULL DEFAULT false,
  "quorum" bigint NOT NULL DEFAULT 0,
  "live_hosts" bigint NOT NULL DEFAULT 0,
  "expected_hosts" bigint NOT NULL DEFAULT 0,
  "allowed_operations" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "current_operations" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "pool_auto_join" boolean NOT NULL DEFAULT true,
  "token_timeout" double precision NOT NULL DEFAULT 20,
  "token_timeout_coefficient" double precision NOT NULL DEFAULT 1,
  "cluster_config" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "cluster_uuid_idx" ON "cluster" ("uuid")`,
  `CREATE FUNCTION "cluster_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('Cluster', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "cluster_change" AFTER INSERT OR DELETE ON "cluster" FOR EACH ROW EXECUTE FUNCTION "cluster_change"()`,
  `CREATE TRIGGER "cluster_changed" AFTER UPDATE ON "cluster" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "cluster_change"()`,
  `CREATE TABLE "cluster_host" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "cluster" text,
  "host" text,
  "enabled" boolean NOT NULL DEFAULT false,
  "PIF" text,
  "joined" boolean NOT NULL DEFAULT true,
  "live" boolean NOT NULL DEFAULT false,
  "last_update_live" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "allowed_operations" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "current_operations" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "other_config" jsonb NOT NULL DEFAULT '{}'::jsonb
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "cluster_host_uuid_idx" ON "cluster_host" ("uuid")`,
  `CREATE INDEX "cluster_host_cluster_idx" ON "cluster_host" ("cluster") WHERE "cluster" IS NOT NULL`,
  `CREATE FUNCTION "cluster_host_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('Cluster_host', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."cluster" IS DISTINCT FROM NEW."cluster" THEN
    INSERT INTO change(cls, ref, op) SELECT 'Cluster', r, 'm' FROM unnest(ARRAY[OLD."cluster", NEW."cluster"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "cluster_host_change" AFTER INSERT OR DELETE ON "cluster_host" FOR EACH ROW EXECUTE FUNCTION "cluster_host_change"()`,
  `CREATE TRIGGER "cluster_host_changed" AFTER UPDATE ON "cluster_host" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "cluster_host_change"()`,
  `CREATE TABLE "certificate" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name" text NOT NULL DEFAULT '',
  "type" text NOT NULL DEFAULT 'host',
  "host" text,
  "not_before" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "not_after" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "fingerprint" text NOT NULL DEFAULT '',
  "fingerprint_sha256" text NOT NULL DEFAULT '',
  "fingerprint_sha1" text NOT NULL DEFAULT '',
  "purpose" jsonb NOT NULL DEFAULT '[]'::jsonb
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "certificate_uuid_idx" ON "certificate" ("uuid")`,
  `CREATE INDEX "certificate_host_idx" ON "certificate" ("host") WHERE "host" IS NOT NULL`,
  `CREATE FUNCTION "certificate_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('Certificate', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."host" IS DISTINCT FROM NEW."host" THEN
    INSERT INTO change(cls, ref, op) SELECT 'host', r, 'm' FROM unnest(ARRAY[OLD."host", NEW."host"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "certificate_change" AFTER INSERT OR DELETE ON "certificate" FOR EACH ROW EXECUTE FUNCTION "certificate_change"()`,
  `CREATE TRIGGER "certificate_changed" AFTER UPDATE ON "certificate" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "certificate_change"()`,
  `CREATE TABLE "repository" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name_label" text NOT NULL DEFAULT '',
  "name_description" text NOT NULL DEFAULT '',
  "binary_url" text NOT NULL DEFAULT '',
  "source_url" text NOT NULL DEFAULT '',
  "update" boolean NOT NULL DEFAULT false,
  "hash" text NOT NULL DEFAULT '',
  "up_to_date" boolean NOT NULL DEFAULT false,
  "gpgkey_path" text NOT NULL DEFAULT '',
  "origin" text NOT NULL DEFAULT 'remote',
  "certificate" text NOT NULL DEFAULT ''
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "repository_uuid_idx" ON "repository" ("uuid")`,
  `CREATE INDEX "repository_name_label_idx" ON "repository" ("name_label")`,
  `CREATE FUNCTION "repository_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('Repository', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "repository_change" AFTER INSERT OR DELETE ON "repository" FOR EACH ROW EXECUTE FUNCTION "repository_change"()`,
  `CREATE TRIGGER "repository_changed" AFTER UPDATE ON "repository" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "repository_change"()`,
  `CREATE TABLE "observer" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name_label" text NOT NULL DEFAULT '',
  "name_description" text NOT NULL DEFAULT '',
  "hosts" text[] NOT NULL DEFAULT '{}'::text[],
  "attributes" jsonb NOT NULL DEFAULT '{}'::jsonb,
  "endpoints" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "components" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "enabled" boolean NOT NULL DEFAULT false
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "observer_uuid_idx" ON "observer" ("uuid")`,
  `CREATE INDEX "observer_name_label_idx" ON "observer" ("name_label")`,
  `CREATE FUNCTION "observer_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('Observer', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "observer_change" AFTER INSERT OR DELETE ON "observer" FOR EACH ROW EXECUTE FUNCTION "observer_change"()`,
  `CREATE TRIGGER "observer_changed" AFTER UPDATE ON "observer" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "observer_change"()`,
  `CREATE TABLE "vm_group" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name_label" text NOT NULL DEFAULT '',
  "name_description" text NOT NULL DEFAULT '',
  "placement" text NOT NULL DEFAULT 'normal'
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "vm_group_uuid_idx" ON "vm_group" ("uuid")`,
  `CREATE INDEX "vm_group_name_label_idx" ON "vm_group" ("name_label")`,
  `CREATE FUNCTION "vm_group_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('VM_group', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "vm_group_change" AFTER INSERT OR DELETE ON "vm_group" FOR EACH ROW EXECUTE FUNCTION "vm_group_change"()`,
  `CREATE TRIGGER "vm_group_changed" AFTER UPDATE ON "vm_group" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "vm_group_change"()`,
  `CREATE TABLE "host_driver" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "host" text,
  "name" text NOT NULL DEFAULT '',
  "friendly_name" text NOT NULL DEFAULT '',
  "active_variant" text,
  "selected_variant" text,
  "type" text NOT NULL DEFAULT '',
  "description" text NOT NULL DEFAULT '',
  "info" text NOT NULL DEFAULT ''
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "host_driver_uuid_idx" ON "host_driver" ("uuid")`,
  `CREATE FUNCTION "host_driver_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('Host_driver', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "host_driver_change" AFTER INSERT OR DELETE ON "host_driver" FOR EACH ROW EXECUTE FUNCTION "host_driver_change"()`,
  `CREATE TRIGGER "host_driver_changed" AFTER UPDATE ON "host_driver" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "host_driver_change"()`,
  `CREATE TABLE "driver_variant" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name" text NOT NULL DEFAULT '',
  "driver" text,
  "version" text NOT NULL DEFAULT '',
  "hardware_present" boolean NOT NULL DEFAULT false,
  "priority" double precision NOT NULL DEFAULT 0,
  "status" text NOT NULL DEFAULT ''
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "driver_variant_uuid_idx" ON "driver_variant" ("uuid")`,
  `CREATE INDEX "driver_variant_driver_idx" ON "driver_variant" ("driver") WHERE "driver" IS NOT NULL`,
  `CREATE FUNCTION "driver_variant_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('Driver_variant', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."driver" IS DISTINCT FROM NEW."driver" THEN
    INSERT INTO change(cls, ref, op) SELECT 'Host_driver', r, 'm' FROM unnest(ARRAY[OLD."driver", NEW."driver"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "driver_variant_change" AFTER INSERT OR DELETE ON "driver_variant" FOR EACH ROW EXECUTE FUNCTION "driver_variant_change"()`,
  `CREATE TRIGGER "driver_variant_changed" AFTER UPDATE ON "driver_variant" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "driver_variant_change"()`,
  `CREATE TABLE "caller" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name_label" text NOT NULL DEFAULT '',
  "name_description" text NOT NULL DEFAULT '',
  "user_agent" text NOT NULL DEFAULT '',
  "client_ip" text NOT NULL DEFAULT '',
  "last_access" timestamp with time zone NOT NULL DEFAULT '19700101T00:00:00Z',
  "groups" jsonb NOT NULL DEFAULT '[]'::jsonb,
  "rate_limit" text,
  "auto_registered" boolean NOT NULL DEFAULT false
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "caller_uuid_idx" ON "caller" ("uuid")`,
  `CREATE INDEX "caller_name_label_idx" ON "caller" ("name_label")`,
  `CREATE INDEX "caller_rate_limit_idx" ON "caller" ("rate_limit") WHERE "rate_limit" IS NOT NULL`,
  `CREATE FUNCTION "caller_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('Caller', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  IF OLD."rate_limit" IS DISTINCT FROM NEW."rate_limit" THEN
    INSERT INTO change(cls, ref, op) SELECT 'Rate_limit', r, 'm' FROM unnest(ARRAY[OLD."rate_limit", NEW."rate_limit"]) r WHERE r IS NOT NULL;
  END IF;
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "caller_change" AFTER INSERT OR DELETE ON "caller" FOR EACH ROW EXECUTE FUNCTION "caller_change"()`,
  `CREATE TRIGGER "caller_changed" AFTER UPDATE ON "caller" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "caller_change"()`,
  `CREATE TABLE "rate_limit" (
  ref text PRIMARY KEY,
  "uuid" text NOT NULL,
  "name_label" text NOT NULL DEFAULT '',
  "name_description" text NOT NULL DEFAULT '',
  "burst_size" double precision NOT NULL DEFAULT 0,
  "fill_rate" double precision NOT NULL DEFAULT 0
) WITH (fillfactor = 75)`,
  `CREATE UNIQUE INDEX "rate_limit_uuid_idx" ON "rate_limit" ("uuid")`,
  `CREATE INDEX "rate_limit_name_label_idx" ON "rate_limit" ("name_label")`,
  `CREATE FUNCTION "rate_limit_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('Rate_limit', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);
  RETURN NULL;
END $$`,
  `CREATE TRIGGER "rate_limit_change" AFTER INSERT OR DELETE ON "rate_limit" FOR EACH ROW EXECUTE FUNCTION "rate_limit_change"()`,
  `CREATE TRIGGER "rate_limit_changed" AFTER UPDATE ON "rate_limit" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "rate_limit_change"()`,
  `ALTER TABLE "vbd" ADD CONSTRAINT "vbd_VM_fkey" FOREIGN KEY ("VM") REFERENCES "vm" (ref) DEFERRABLE INITIALLY DEFERRED`,
  `ALTER TABLE "vbd" ADD CONSTRAINT "vbd_VDI_fkey" FOREIGN KEY ("VDI") REFERENCES "vdi" (ref) DEFERRABLE INITIALLY DEFERRED`,
  `ALTER TABLE "vif" ADD CONSTRAINT "vif_VM_fkey" FOREIGN KEY ("VM") REFERENCES "vm" (ref) DEFERRABLE INITIALLY DEFERRED`,
  `ALTER TABLE "vif" ADD CONSTRAINT "vif_network_fkey" FOREIGN KEY ("network") REFERENCES "network" (ref) DEFERRABLE INITIALLY DEFERRED`,
  `ALTER TABLE "vdi" ADD CONSTRAINT "vdi_SR_fkey" FOREIGN KEY ("SR") REFERENCES "sr" (ref) DEFERRABLE INITIALLY DEFERRED`,
  `ALTER TABLE "pbd" ADD CONSTRAINT "pbd_host_fkey" FOREIGN KEY ("host") REFERENCES "host" (ref) DEFERRABLE INITIALLY DEFERRED`,
  `ALTER TABLE "pbd" ADD CONSTRAINT "pbd_SR_fkey" FOREIGN KEY ("SR") REFERENCES "sr" (ref) DEFERRABLE INITIALLY DEFERRED`,
  `ALTER TABLE "pif" ADD CONSTRAINT "pif_host_fkey" FOREIGN KEY ("host") REFERENCES "host" (ref) DEFERRABLE INITIALLY DEFERRED`,
  `ALTER TABLE "pif" ADD CONSTRAINT "pif_network_fkey" FOREIGN KEY ("network") REFERENCES "network" (ref) DEFERRABLE INITIALLY DEFERRED`,
  `ALTER TABLE "console" ADD CONSTRAINT "console_VM_fkey" FOREIGN KEY ("VM") REFERENCES "vm" (ref) DEFERRABLE INITIALLY DEFERRED`,
  `ALTER TABLE "host_cpu" ADD CONSTRAINT "host_cpu_host_fkey" FOREIGN KEY ("host") REFERENCES "host" (ref) DEFERRABLE INITIALLY DEFERRED`,
  `ALTER TABLE "vm" ADD CONSTRAINT "vm_resident_on_fkey" FOREIGN KEY ("resident_on") REFERENCES "host" (ref) DEFERRABLE INITIALLY DEFERRED`,
  `ALTER TABLE "vm" ADD CONSTRAINT "vm_metrics_fkey" FOREIGN KEY ("metrics") REFERENCES "vm_metrics" (ref) DEFERRABLE INITIALLY DEFERRED`,
  `CREATE INDEX "vm_metrics_idx" ON "vm" ("metrics") WHERE "metrics" IS NOT NULL`,
  `ALTER TABLE "vm" ADD CONSTRAINT "vm_guest_metrics_fkey" FOREIGN KEY ("guest_metrics") REFERENCES "vm_guest_metrics" (ref) DEFERRABLE INITIALLY DEFERRED`,
  `CREATE INDEX "vm_guest_metrics_idx" ON "vm" ("guest_metrics") WHERE "guest_metrics" IS NOT NULL`,
  `ALTER TABLE "pif" ADD CONSTRAINT "pif_metrics_fkey" FOREIGN KEY ("metrics") REFERENCES "pif_metrics" (ref) DEFERRABLE INITIALLY DEFERRED`,
  `CREATE INDEX "pif_metrics_idx" ON "pif" ("metrics") WHERE "metrics" IS NOT NULL`,
  `ALTER TABLE "host" ADD CONSTRAINT "host_metrics_fkey" FOREIGN KEY ("metrics") REFERENCES "host_metrics" (ref) DEFERRABLE INITIALLY DEFERRED`,
  `CREATE INDEX "host_metrics_idx" ON "host" ("metrics") WHERE "metrics" IS NOT NULL`,
  `CREATE SEQUENCE vm_epochs`,
  `CREATE SEQUENCE host_epochs`,
  `CREATE TABLE host_run (
  host text PRIMARY KEY REFERENCES host (ref) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  uuid text NOT NULL UNIQUE,
  host_epoch bigint NOT NULL DEFAULT 0,
  lease_seq bigint NOT NULL DEFAULT 0,
  alive boolean NOT NULL DEFAULT false,
  agent_boot text NOT NULL DEFAULT '',
  hypervisor_boot text NOT NULL DEFAULT '',
  agent_url text NOT NULL DEFAULT '',
  command_key text NOT NULL DEFAULT '',
  token_hash text NOT NULL DEFAULT '',
  memory_total bigint NOT NULL DEFAULT 0,
  memory_free bigint NOT NULL DEFAULT 0 CHECK (memory_free >= 0),
  vcpus_placed bigint NOT NULL DEFAULT 0,
  vms_placed bigint NOT NULL DEFAULT 0,
  pcpus bigint NOT NULL DEFAULT 1,
  load jsonb NOT NULL DEFAULT '{}',
  accepting boolean NOT NULL DEFAULT true
) WITH (fillfactor = 60)`,
  `CREATE TABLE vm_run (
  vm text PRIMARY KEY,
  vm_epoch bigint NOT NULL DEFAULT 0,
  host text,
  host_epoch bigint NOT NULL DEFAULT 0,
  state char(1) NOT NULL DEFAULT 'H' CHECK (state IN ('H', 'A', 'C', 'R', 'S', 'M')),
  attempt integer NOT NULL DEFAULT 0,
  claim_nonce text,
  boots integer NOT NULL DEFAULT 0,
  domid integer NOT NULL DEFAULT -1,
  saved jsonb,
  since timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70)`,
  `CREATE INDEX vm_run_host ON vm_run (host) WHERE state <> 'H'`,
  `CREATE TABLE reservation (
  vm text NOT NULL,
  vm_epoch bigint NOT NULL,
  host text NOT NULL,
  memory bigint NOT NULL,
  vcpus bigint NOT NULL,
  PRIMARY KEY (vm, vm_epoch)
)`,
  `CREATE INDEX reservation_host ON reservation (host)`,
  `CREATE TABLE operation (
  ref text PRIMARY KEY,
  method text NOT NULL,
  params jsonb NOT NULL DEFAULT '{}',
  context jsonb NOT NULL DEFAULT '{}',
  state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'undoing', 'done')),
  attempt integer NOT NULL DEFAULT 0,
  owner text,
  beat bigint NOT NULL DEFAULT 0,
  journal jsonb NOT NULL DEFAULT '[]',
  error jsonb,
  cancel_requested boolean NOT NULL DEFAULT false,
  lock_class text,
  lock_ref text,
  created timestamptz NOT NULL DEFAULT now(),
  touched timestamptz NOT NULL DEFAULT now(),
  deadline timestamptz,
  request_key text UNIQUE
) WITH (fillfactor = 60)`,
  `CREATE INDEX operation_unfinished ON operation (created) WHERE state <> 'done'`,
  `CREATE INDEX operation_owner ON operation (owner) WHERE state <> 'done'`,
  `CREATE INDEX operation_done ON operation (touched) WHERE state = 'done'`,
  `CREATE TABLE session_state (
  session text PRIMARY KEY,
  role text NOT NULL,
  originator text NOT NULL DEFAULT '',
  last_active timestamptz NOT NULL DEFAULT now(),
  registered_classes jsonb
)`,
  `CREATE INDEX session_state_originator ON session_state (originator, last_active)`,
  `CREATE TABLE task_owner (
  task text PRIMARY KEY,
  session text,
  owner text NOT NULL DEFAULT ''
)`,
  `CREATE INDEX task_owner_session ON task_owner (session)`,
  `CREATE TABLE credential (name text PRIMARY KEY, hash text NOT NULL, changed timestamptz NOT NULL DEFAULT now())`,
  `CREATE TABLE enrolment (host_uuid text PRIMARY KEY, used_at timestamptz)`,
  `CREATE TABLE placement (
  id bigserial PRIMARY KEY,
  vm text NOT NULL,
  task text,
  host text,
  decided timestamptz NOT NULL DEFAULT now(),
  policy text NOT NULL DEFAULT '',
  explanation jsonb NOT NULL DEFAULT '{}'
)`,
  `CREATE INDEX placement_vm ON placement (vm, id)`,
  `CREATE TABLE setting (key text PRIMARY KEY, value jsonb NOT NULL)`,
  `CREATE TABLE image (
  sha256 text PRIMARY KEY,
  format text NOT NULL,
  size_bytes bigint NOT NULL,
  virtual_size_bytes bigint NOT NULL,
  name text NOT NULL DEFAULT '',
  created timestamptz NOT NULL DEFAULT now()
)`,
];

export class Initial1795435200000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const sql of statements) await runner.query(sql);
  }

  /** There is nothing before it to go back to. */
  async down(): Promise<void> {
    throw new Error('the first migration cannot be taken back: drop the database instead');
  }
}
