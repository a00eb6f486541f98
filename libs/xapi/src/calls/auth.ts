import { classes, type CallsOf } from '@xenplane/model';
import { requiredDirectory, resolved } from '../auth/external';
import type { Context } from '../context';

export const authCalls: CallsOf<typeof classes.auth, Context> = {
  get_subject_identifier: async ({ tx }, { subject_name }) => resolved(await (await requiredDirectory(tx)).named(subject_name)).identifier,
  get_subject_information_from_identifier: async ({ tx }, { subject_identifier }) => {
    const entry = resolved(await (await requiredDirectory(tx)).identified(subject_identifier));
    return { ...entry.known, 'subject-sid': entry.identifier };
  },
  get_group_membership: async ({ tx }, { subject_identifier }) => {
    const directory = await requiredDirectory(tx);
    return [...(await directory.groupsOf(resolved(await directory.identified(subject_identifier)).identifier))];
  },
};
