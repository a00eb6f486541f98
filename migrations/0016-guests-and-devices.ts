/** Which PCI devices VMs have. VMs that are up when the server is updated have guest metrics, and the consoles of their virtualisation. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

const up = `v.power_state IN ('Running', 'Paused') AND NOT v.is_control_domain`;
const statements: readonly string[] = [
  `CREATE TABLE passed_pci (
  pci text PRIMARY KEY REFERENCES pci (ref) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  vm text NOT NULL REFERENCES vm (ref) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
)`,
  'CREATE INDEX passed_pci_vm ON passed_pci (vm)',
  `WITH made AS (UPDATE vm v SET guest_metrics = 'OpaqueRef:' || gen_random_uuid() WHERE ${up} AND v.guest_metrics IS NULL RETURNING v.guest_metrics AS ref)
   INSERT INTO vm_guest_metrics(ref, uuid, last_updated, live) SELECT ref, replace(ref, 'OpaqueRef:', ''), now(), true FROM made`,
  `DELETE FROM console c USING vm v JOIN vm_metrics m ON m.ref = v.metrics WHERE v.ref = c."VM" AND ${up} AND m.current_domain_type = 'hvm' AND c.protocol = 'vt100'`,
  `INSERT INTO console(ref, uuid, protocol, "VM", location)
   SELECT 'OpaqueRef:' || n.uuid, n.uuid, 'rfb', n.vm, 'https://' || n.address || '/console?uuid=' || n.uuid
   FROM (SELECT gen_random_uuid()::text AS uuid, v.ref AS vm, h.address FROM vm v JOIN vm_metrics m ON m.ref = v.metrics JOIN host h ON h.ref = v.resident_on
         WHERE ${up} AND m.current_domain_type <> 'hvm' AND NOT v.other_config ? 'disable_pv_vnc'
         AND NOT EXISTS (SELECT 1 FROM console c WHERE c."VM" = v.ref AND c.protocol = 'rfb')) n`,
];

export class GuestsAndDevices1796600000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const sql of statements) await runner.query(sql);
  }

  /** Metrics and consoles stay: they are valid before this version too. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE passed_pci');
  }
}
