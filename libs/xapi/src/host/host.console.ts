/** The console ring of a host's hypervisor, and keys for it: only the host itself can answer. */
import { classes, XenError, type OperationParams, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { Later, type Run } from '@xenplane/work';
import type { Plane } from '../core/context';

const answerLimitMs = 15_000;

export const hostConsole = (plane: Plane) => ({
  dmesg: async (run: Run<Tx>, { host }: OperationParams<typeof classes.host, 'dmesg'>): Promise<string> => {
    const { text } = await run.step('read', async () => answered(host, await plane.agents.consoleRing(host)));
    return run.conclude('end', async () => text);
  },
  send_debug_keys: async (
    run: Run<Tx>,
    { host, keys }: OperationParams<typeof classes.host, 'send_debug_keys'>,
  ): Promise<void> => {
    await run.step(
      'send',
      async () => void answered(host, (await plane.agents.debugKeys(host, keys)) ? {} : undefined),
    );
    return run.conclude('end', async () => undefined);
  },
});

/** An agent that does not answer is asked again for a while. */
function answered<T>(host: Ref<'host'>, answer: T | undefined): T {
  if (answer === undefined) throw new Later(500, answerLimitMs, new XenError('CANNOT_CONTACT_HOST', host));
  return answer;
}
