/** Tables that are no part of the XenAPI: what runs where, leases, capacity, durable operations, secrets. */

const sequences = ['CREATE SEQUENCE vm_epochs', 'CREATE SEQUENCE host_epochs'];

/** The capacity of a host and whether it lives; whether a boot enables it; whether it is wanted on, and whether it was fenced since it last registered; its number in the pool, and the address that follows from it. */
const hostRun = `CREATE TABLE host_run (
  host text PRIMARY KEY REFERENCES host (ref) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  uuid text NOT NULL UNIQUE,
  host_epoch bigint NOT NULL DEFAULT 0,
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
  accepting boolean NOT NULL DEFAULT true,
  auto_enable boolean NOT NULL DEFAULT true,
  wake boolean NOT NULL DEFAULT false,
  number integer UNIQUE,
  address text NOT NULL DEFAULT '',
  lost boolean NOT NULL DEFAULT false
) WITH (fillfactor = 60)`;

/**
 * The lease of each host, in a table of its own: a renewal locks no row that a placement or a registration under way holds.
 * The host's liveness, its epoch and its token follow `host_run` in the same transaction.
 */
const leaseTables: readonly string[] = [
  `CREATE TABLE host_lease (
  host text PRIMARY KEY REFERENCES host_run (host) ON DELETE CASCADE,
  uuid text NOT NULL UNIQUE,
  host_epoch bigint NOT NULL,
  token_hash text NOT NULL,
  alive boolean NOT NULL,
  lease_seq bigint NOT NULL DEFAULT 0,
  load jsonb NOT NULL DEFAULT '{}',
  lease_ms integer NOT NULL DEFAULT 10000
) WITH (fillfactor = 50)`,
  `CREATE FUNCTION host_lease_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO host_lease (host, uuid, host_epoch, token_hash, alive) VALUES (NEW.host, NEW.uuid, NEW.host_epoch, NEW.token_hash, NEW.alive)
  ON CONFLICT (host) DO UPDATE SET uuid = NEW.uuid, host_epoch = NEW.host_epoch, token_hash = NEW.token_hash, alive = NEW.alive,
    lease_seq = host_lease.lease_seq + 1;
  RETURN NULL;
END
$$`,
  'CREATE TRIGGER host_lease AFTER INSERT OR UPDATE OF uuid, host_epoch, token_hash, alive ON host_run FOR EACH ROW EXECUTE FUNCTION host_lease_follow()',
];

/** The hardware of a host, as its agent found it; the PCI devices that are kept from Dom0, now and from the next boot on. */
const hostHardware = `CREATE TABLE host_hardware (
  host text PRIMARY KEY REFERENCES host (ref) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  inventory jsonb NOT NULL,
  hidden text[] NOT NULL DEFAULT '{}',
  hidden_next text[] NOT NULL DEFAULT '{}'
)`;

/** Where a VM runs: one row a VM, which is why two placements of it cannot both exist. Halted, Assigned, Claimed, Running, Stopping, Moving. */
const vmRun = [
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
];

/** VMs that ran on a host when it was lost, until they run again; not to be restarted: one that was being stopped. */
const lostVm = [
  `CREATE TABLE lost_vm (
  vm text PRIMARY KEY REFERENCES vm (ref) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  host text NOT NULL REFERENCES host (ref) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  restart boolean NOT NULL DEFAULT true,
  at timestamptz NOT NULL DEFAULT now()
)`,
  'CREATE INDEX lost_vm_host ON lost_vm (host)',
];

/** API processes, and when each last said that it lives. */
const api = 'CREATE TABLE api (url text PRIMARY KEY, seen timestamptz NOT NULL DEFAULT now())';

/** Capacity taken of a host; changed only together with the host's sums. */
const reservation = [
  `CREATE TABLE reservation (
  vm text NOT NULL,
  vm_epoch bigint NOT NULL,
  host text NOT NULL,
  memory bigint NOT NULL,
  vcpus bigint NOT NULL,
  PRIMARY KEY (vm, vm_epoch)
)`,
  'CREATE INDEX reservation_host ON reservation (host)',
];

/** Durable work and its journal; its reference is its task's. */
const operation = [
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
];

/** Transfers over HTTP under way: what each keeps busy, what it has made so far, and a number that grows while its process lives. */
const transfer = `CREATE TABLE transfer (
  id text PRIMARY KEY,
  task text NOT NULL,
  beat bigint NOT NULL DEFAULT 0,
  marks jsonb NOT NULL DEFAULT '[]',
  made jsonb
) WITH (fillfactor = 60)`;

/** The owner of a session, and its last use; kept apart from its record, which makes no change at every call. */
const sessions = [
  `CREATE TABLE session_state (
  session text PRIMARY KEY,
  role text NOT NULL,
  originator text NOT NULL DEFAULT '',
  last_active timestamptz NOT NULL DEFAULT now(),
  registered_classes jsonb,
  subjects text[] NOT NULL DEFAULT '{}'
)`,
  'CREATE INDEX session_state_originator ON session_state (originator, last_active)',
  `CREATE TABLE task_owner (
  task text PRIMARY KEY,
  session text,
  owner text NOT NULL DEFAULT ''
)`,
  'CREATE INDEX task_owner_session ON task_owner (session)',
];

const rest = [
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
  'CREATE INDEX placement_vm ON placement (vm, id)',
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

/** The contents of blobs; they go with the blob's record. */
const blobBytes = `CREATE TABLE blob_bytes (
  blob text PRIMARY KEY REFERENCES blob (ref) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  bytes bytea NOT NULL
)`;

/**
 * The contents of disks: each has one top layer, each layer at most one parent. A sealed layer is never written again; `opened` is one
 * that somebody may have written to; `owner` is the disk for which its bytes are counted, `charge` what they are besides for a full copy.
 * A `ghost` is needed by no disk for its bytes, only for what it says has changed; of a `traced` one that is kept apart from the bytes.
 * The bytes of a `folding` one may be on their way to another, so it stays sealed.
 */
export const layerTables: readonly string[] = [
  `CREATE TABLE layer (
  id text PRIMARY KEY,
  parent text REFERENCES layer (id) DEFERRABLE INITIALLY DEFERRED,
  image text,
  bytes bigint NOT NULL DEFAULT 0,
  charge bigint NOT NULL DEFAULT 0,
  opened boolean NOT NULL DEFAULT false,
  sealed boolean NOT NULL DEFAULT false,
  owner text,
  created timestamptz NOT NULL DEFAULT now(),
  ghost boolean NOT NULL DEFAULT false,
  traced boolean NOT NULL DEFAULT false,
  folding boolean NOT NULL DEFAULT false
)`,
  'CREATE INDEX layer_parent ON layer (parent) WHERE parent IS NOT NULL',
  'CREATE INDEX layer_owner ON layer (owner) WHERE owner IS NOT NULL',
  'CREATE INDEX layer_ghost ON layer (parent) WHERE ghost',
  `CREATE TABLE vdi_layer (
  vdi text PRIMARY KEY REFERENCES vdi (ref) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  layer text NOT NULL REFERENCES layer (id) DEFERRABLE INITIALLY DEFERRED
)`,
  'CREATE UNIQUE INDEX vdi_layer_layer ON vdi_layer (layer)',
];

/** Base copies of disks, and who lies on which. */
const diskChains = [
  `CREATE INDEX vdi_vhd_parent ON vdi ((sm_config ->> 'vhd-parent')) WHERE (sm_config ->> 'vhd-parent') IS NOT NULL`,
  'CREATE INDEX vdi_hidden ON vdi (ref) WHERE NOT managed',
];

/** The state of storage that is not in the records: repositories by where they were formatted, and disks that were forgotten. */
export const mediumTables: readonly string[] = [
  `CREATE TABLE medium (
  uuid text PRIMARY KEY,
  type text NOT NULL,
  place text NOT NULL,
  bytes bigint NOT NULL,
  name_label text NOT NULL DEFAULT '',
  name_description text NOT NULL DEFAULT ''
)`,
  'CREATE INDEX medium_place ON medium USING hash (place)',
  `CREATE TABLE stray_volume (
  sr text NOT NULL,
  location text NOT NULL,
  layer text NOT NULL REFERENCES layer (id),
  record jsonb NOT NULL,
  PRIMARY KEY (sr, location)
)`,
  'CREATE INDEX stray_volume_layer ON stray_volume (layer)',
];

/** The local directory: users with a password, groups, who is in which. */
const directory = [
  `CREATE TABLE directory_entry (
  identifier text PRIMARY KEY,
  name text NOT NULL UNIQUE,
  is_group boolean NOT NULL DEFAULT false,
  hash text,
  known jsonb NOT NULL DEFAULT '{}'
)`,
  `CREATE TABLE directory_member (
  group_identifier text NOT NULL REFERENCES directory_entry (identifier) ON DELETE CASCADE,
  member text NOT NULL REFERENCES directory_entry (identifier) ON DELETE CASCADE,
  PRIMARY KEY (group_identifier, member)
)`,
  'CREATE INDEX directory_member_member ON directory_member (member)',
];

/** The audit trail, of bounded length; and files that every host of the pool has, such as certificates. */
const trail = [
  `CREATE TABLE audit (
  id bigserial PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT now(),
  line text NOT NULL
)`,
  'CREATE INDEX audit_at ON audit (at)',
  `CREATE TABLE pool_file (
  kind text NOT NULL,
  name text NOT NULL,
  content text NOT NULL,
  PRIMARY KEY (kind, name)
)`,
];

/** Copies of the pool's database on disks: which disk has which, and what a session reads that opened one. */
const databaseCopies = [
  `CREATE TABLE database_copy (
  id bigserial PRIMARY KEY,
  layer text UNIQUE REFERENCES layer (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  pool text NOT NULL,
  turn bigint NOT NULL DEFAULT 0,
  position bigint NOT NULL DEFAULT 0,
  busy_until timestamptz NOT NULL DEFAULT '-infinity',
  vdi text UNIQUE REFERENCES vdi (ref) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
)`,
  `CREATE TABLE opened_database (
  session text PRIMARY KEY REFERENCES session (ref) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  dump bytea NOT NULL
)`,
];

/** Which pool the one host of this has gone to: on its way while there is no `since`. Which hosts of others were asked in. */
const joinedPools = [
  `CREATE TABLE slave_of (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  address text NOT NULL,
  operation text NOT NULL,
  since timestamptz,
  restarted boolean NOT NULL DEFAULT false
)`,
  `CREATE TABLE invitation (
  host_uuid text PRIMARY KEY,
  inviter text NOT NULL,
  secret_hash text NOT NULL,
  name_label text NOT NULL,
  name_description text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now()
)`,
];

/** The PCI devices that VMs have, or are about to have. */
const passedPcis = [
  `CREATE TABLE passed_pci (
  pci text PRIMARY KEY REFERENCES pci (ref) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  vm text NOT NULL REFERENCES vm (ref) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
)`,
  'CREATE INDEX passed_pci_vm ON passed_pci (vm)',
];

export const internalTables: readonly string[] = [
  ...sequences,
  hostRun,
  ...leaseTables,
  hostHardware,
  ...vmRun,
  ...reservation,
  ...operation,
  transfer,
  ...sessions,
  ...rest,
  ...layerTables,
  ...diskChains,
  ...mediumTables,
  ...directory,
  ...trail,
  blobBytes,
  ...databaseCopies,
  ...joinedPools,
  ...lostVm,
  api,
  ...passedPcis,
];
