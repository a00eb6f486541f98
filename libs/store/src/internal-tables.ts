/** Tables that are not XenAPI: where VMs run, what is being done, who may log in. */
export const internalTables = `
CREATE SEQUENCE vm_epochs;
CREATE SEQUENCE host_epochs;
CREATE TABLE host_run (
  host text PRIMARY KEY REFERENCES host(ref) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, uuid text NOT NULL UNIQUE, host_epoch bigint NOT NULL, lease_seq bigint NOT NULL, alive boolean NOT NULL,
  agent_boot text NOT NULL, hypervisor_boot text NOT NULL, agent_url text NOT NULL, command_key text NOT NULL, token_hash text NOT NULL, memory_total bigint NOT NULL,
  memory_free bigint NOT NULL CHECK (memory_free >= 0), vcpus_placed bigint NOT NULL, vms_placed bigint NOT NULL, pcpus int NOT NULL DEFAULT 1, load jsonb NOT NULL DEFAULT '{}', accepting boolean NOT NULL DEFAULT true);
CREATE TABLE vm_run (
  vm text PRIMARY KEY, vm_epoch bigint NOT NULL, host text NOT NULL, host_epoch bigint NOT NULL, state text NOT NULL CHECK (state IN ('H', 'A', 'C', 'R', 'S', 'M')), attempt int NOT NULL DEFAULT 0,
  claim_nonce text, boots int NOT NULL DEFAULT 1, domid int NOT NULL DEFAULT -1, saved jsonb, since timestamptz NOT NULL DEFAULT now());
CREATE INDEX vm_run_host ON vm_run(host) WHERE state <> 'H';
CREATE TABLE reservation (vm text NOT NULL, vm_epoch bigint NOT NULL, host text NOT NULL, memory bigint NOT NULL, vcpus bigint NOT NULL, PRIMARY KEY (vm, vm_epoch));
CREATE INDEX reservation_host ON reservation(host);
CREATE TABLE operation (
  ref text PRIMARY KEY, method text NOT NULL, params jsonb NOT NULL, context jsonb NOT NULL, state text NOT NULL CHECK (state IN ('queued', 'running', 'undoing', 'done')), attempt int NOT NULL DEFAULT 0, owner text,
  beat bigint NOT NULL DEFAULT 0, journal jsonb NOT NULL DEFAULT '[]', cancel_requested boolean NOT NULL DEFAULT false, created timestamptz NOT NULL DEFAULT now(), touched timestamptz NOT NULL DEFAULT now());
CREATE INDEX operation_open ON operation(owner, touched) WHERE state <> 'done';
CREATE TABLE task_owner (task text PRIMARY KEY, session text, owner text NOT NULL);
CREATE TABLE session_state (session text PRIMARY KEY, role text NOT NULL, originator text NOT NULL, last_active timestamptz NOT NULL, registered_classes jsonb);
CREATE INDEX session_state_originator ON session_state(originator, last_active);
CREATE TABLE credential (name text PRIMARY KEY, hash text NOT NULL, changed timestamptz NOT NULL);
CREATE TABLE enrolment (host_uuid text PRIMARY KEY, used_at timestamptz NOT NULL);
CREATE TABLE placement (id bigserial PRIMARY KEY, vm text NOT NULL, task text NOT NULL, host text, decided timestamptz NOT NULL DEFAULT now(), policy text NOT NULL, explanation jsonb NOT NULL);
CREATE INDEX placement_vm ON placement(vm, id);
CREATE TABLE image (sha256 text PRIMARY KEY, format text NOT NULL, size_bytes bigint NOT NULL, virtual_size_bytes bigint NOT NULL, name text NOT NULL, created timestamptz NOT NULL);
CREATE TABLE change (xid xid8 NOT NULL DEFAULT pg_current_xact_id(), seq bigserial NOT NULL, cls text NOT NULL, ref text NOT NULL, op "char" NOT NULL, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (xid, seq));
`;
