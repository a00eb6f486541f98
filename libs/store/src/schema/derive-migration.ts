/** Prints the first migration as the model says it: `node dist/libs/store/src/schema/derive-migration.js > migrations/0001-initial.ts`. */
import { ddl } from './ddl';

const escaped = (sql: string): string =>
  sql.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${');

export function firstMigration(): string {
  const statements = ddl()
    .map((sql) => `  \`${escaped(sql)}\`,`)
    .join('\n');
  return `/** The first state of the database, derived from the model by libs/store/src/schema/derive-migration.ts. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

const statements: readonly string[] = [
${statements}
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
`;
}

if (require.main === module) process.stdout.write(firstMigration());
