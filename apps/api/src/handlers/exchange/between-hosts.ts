/** Requests between hosts of a pool in xapi. Here hosts meet in the database: the sender is a stranger, and gets a stranger's answer. */
import { XenError } from '@xenplane/model';
import type { Handler } from './exchange';

/** Coordinator and members share the pool's secret; no client holds one. */
const remoteDatabase = (name: 'post_remote_db_access' | 'post_remote_db_access_v2'): Handler => ({
  name,
  run: () => Promise.reject(new XenError('NOT_IMPLEMENTED', name.replace('post_', ''))),
});

const remoteCommand: Handler = {
  name: 'connect_remotecmd',
  run: () =>
    Promise.reject(new XenError('INTERNAL_ERROR', 'Only a session of the pool itself may run commands')),
};

/** xapi gives members the password file of the coordinator; passwords here are in the database and leave it for nobody. */
const configFiles: Handler = {
  name: 'get_config_sync',
  run: () =>
    Promise.reject(new XenError('INTERNAL_ERROR', 'Unix.Unix_error(Unix.ENOENT, "open", "/etc/passwd")')),
};

export const betweenHosts: readonly Handler[] = [
  remoteDatabase('post_remote_db_access'),
  remoteDatabase('post_remote_db_access_v2'),
  remoteCommand,
  configFiles,
];
