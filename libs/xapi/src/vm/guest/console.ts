/** Consoles come and go with the VMs that they show; clients can only find them. */
import { XenError } from '@xenplane/model';

const refusing = (call: string) => async (): Promise<never> => {
  throw new XenError('NOT_IMPLEMENTED', `console.${call}`);
};
export const consoleOverrides = { create: refusing('create'), destroy: refusing('destroy') };
