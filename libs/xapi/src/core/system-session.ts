/** The session of work that no client's session asked for: local root, without a name. */
import { nullRef } from '@xenplane/model';
import type { Session } from './context';

export const systemSession: Session = {
  ref: nullRef(),
  role: 'local-root',
  root: true,
  user: '',
  name: '',
  host: nullRef(),
};
