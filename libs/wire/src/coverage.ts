/** `docs/api/coverage.md`: which messages are built, by class; a reading of the model. */
import { classNames, messages, type Message } from '@xenplane/model';

const isBuilt = (m: Message): boolean => m.runs !== 'planned';

export function coverage(): string {
  const all = [...messages.values()].filter((m) => !m.hidden);
  const rows = classNames.map((name) => {
    const own = all.filter((m) => m.cls.name === name);
    const missing = own.filter((m) => !isBuilt(m) && m.state !== 'removed').map((m) => m.call);
    const removed = own.filter((m) => m.state === 'removed').length;
    return `| ${name} | ${own.filter(isBuilt).length - own.filter((m) => isBuilt(m) && m.state === 'removed').length} | ${removed} | ${missing.length} | ${missing.join(', ')} |`;
  });
  const missing = all.filter((m) => !isBuilt(m) && m.state !== 'removed').length;
  return `# Coverage of the XenAPI

Derived from the model by \`npm run derive\`. All ${classNames.length} classes and all ${all.length} messages are declared: counted, type-checked and guarded by role.
${all.length - missing} are answered (removed ones with MESSAGE_REMOVED); ${missing} answer NOT_IMPLEMENTED [method] until they are built.

| class | answered | removed | not built | which |
|---|--:|--:|--:|---|
${rows.join('\n')}
`;
}
