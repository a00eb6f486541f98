import { atCreate, call, computed, planned, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, datetime, map, nullRef, optional, ref, set, string } from '../types';

export const session = xenClass('session', {
  doc: 'session',
  role: 'pool-admin',
  lists: 'records',
  fields: {
    uuid,
    this_host: readOnly(ref('host'), 'this_host'),
    this_user: readOnly(ref('user'), 'this_user'),
    last_active: readOnly(datetime, 'last_active'),
    pool: readOnly(bool, 'pool'),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
    is_local_superuser: readOnly(bool, 'is_local_superuser', { default: false }),
    subject: readOnly(ref('subject'), 'subject', { default: nullRef() }),
    validation_time: readOnly(datetime, 'validation_time', { default: '19700101T00:00:00Z' }),
    auth_user_sid: readOnly(string, 'auth_user_sid', { default: '' }),
    auth_user_name: readOnly(string, 'auth_user_name', { default: '' }),
    rbac_permissions: atCreate(set(string), 'rbac_permissions', { default: [] }),
    tasks: computed(set(ref('task')), 'tasks', 'task.session'),
    parent: atCreate(ref('session'), 'parent', { default: nullRef() }),
    originator: readOnly(string, 'originator', { default: '' }),
    client_certificate: readOnly(bool, 'client_certificate', { default: false }),
  },
  calls: {
    login_with_password: call({ doc: 'login_with_password', role: 'read-only', params: { uname: string, pwd: string, version: optional(string, '1.1'), originator: optional(string, '') }, result: ref('session'), errors: ['SESSION_AUTHENTICATION_FAILED', 'HOST_IS_SLAVE'], async: false, session: false }),
    logout: call({ doc: 'logout', role: 'read-only', params: {}, async: false }),
    change_password: call({ doc: 'change_password', role: 'local-root', params: { old_pwd: string, new_pwd: string }, async: false }),
    slave_local_login_with_password: call({ doc: 'slave_local_login_with_password', role: 'pool-admin', params: { uname: string, pwd: string }, result: ref('session'), async: false, session: false }),
    create_from_db_file: planned({ doc: 'create_from_db_file', role: 'local-root', params: { filename: string }, result: ref('session') }),
    local_logout: call({ doc: 'local_logout', role: 'pool-admin', params: {}, async: false }),
    get_all_subject_identifiers: call({ doc: 'get_all_subject_identifiers', role: 'read-only', params: {}, result: set(string) }),
    logout_subject_identifier: call({ doc: 'logout_subject_identifier', role: 'pool-operator', params: { subject_identifier: string } }),
  },
});
