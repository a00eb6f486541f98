/** Look-ups in the directory, which may take their time: no transaction waits for them. */
import { classes, type CallsOf } from '@xenplane/model';
import { askDirectory, resolved } from '../people/external-auth';
import type { Outside } from '../core/context';

export const authCalls: CallsOf<typeof classes.auth, Outside> = {
  get_subject_identifier: ({ plane }, { subject_name }) =>
    askDirectory(plane, async (directory) => resolved(await directory.named(subject_name)).identifier),
  get_subject_information_from_identifier: ({ plane }, { subject_identifier }) =>
    askDirectory(plane, async (directory) => {
      const entry = resolved(await directory.identified(subject_identifier));
      return { ...entry.known, 'subject-sid': entry.identifier };
    }),
  get_group_membership: ({ plane }, { subject_identifier }) =>
    askDirectory(plane, async (directory) => [
      ...(await directory.groupsOf(resolved(await directory.identified(subject_identifier)).identifier)),
    ]),
};
