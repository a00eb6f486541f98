import { atCreate, call, computed, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, datetime, map, nullRef, optional, ref, secretly, set, string } from '../types';

export const session = xenClass('session', {
  doc: 'A login: the reference every call passes first, with its user, rights and last use',
  role: 'pool-admin',
  lists: 'records',
  fields: {
    uuid,
    this_host: readOnly(ref('host'), 'Host the client is logged in to'),
    this_user: readOnly(ref('user'), 'Legacy user record of a local login; NULL or dangling otherwise'),
    last_active: readOnly(
      datetime,
      'When the session last made a call; idle ones expire after 24 hours by default',
    ),
    pool: readOnly(bool, 'True for a login from another pool member using the pool secret'),
    other_config: readWrite(map(string, string), 'Client-defined keys', { default: {} }),
    is_local_superuser: readOnly(
      bool,
      'True if the login is root or equal, so that role checks do not apply',
      { default: false },
    ),
    subject: readOnly(ref('subject'), 'Subject whose roles grant access; NULL for a local superuser', {
      default: nullRef(),
    }),
    validation_time: readOnly(
      datetime,
      "When the external user's rights were last rechecked; the epoch if never",
      { default: '19700101T00:00:00Z' },
    ),
    auth_user_sid: readOnly(
      string,
      'Identifier of the external user, e.g. an AD SID; empty for local logins',
      { default: '' },
    ),
    auth_user_name: readOnly(string, 'Login name of the user', { default: '' }),
    rbac_permissions: atCreate(
      set(string),
      'Names of all permissions the session holds; empty for a local superuser',
      { default: [] },
    ),
    tasks: computed(set(ref('task')), 'Tasks started through this session', 'task.session'),
    parent: atCreate(ref('session'), 'Session this one was derived from; NULL when made by a plain login', {
      default: nullRef(),
    }),
    originator: readOnly(
      string,
      'Client-chosen label for who logged in; sessions are counted per originator',
      { default: '' },
    ),
    client_certificate: readOnly(bool, 'True if login was by TLS client certificate', { default: false }),
  },
  calls: {
    login_with_password: call({
      doc: 'Log in and return a session; version and originator are optional, HOST_IS_SLAVE names the coordinator when asked elsewhere',
      role: 'read-only',
      params: {
        uname: string,
        pwd: secretly(string),
        version: optional(string, '1.1'),
        originator: optional(string, ''),
      },
      result: ref('session'),
      errors: ['SESSION_AUTHENTICATION_FAILED', 'HOST_IS_SLAVE'],
      async: false,
      session: false,
    }),
    logout: call({
      doc: 'End the calling session; blocked event calls of it fail with SESSION_INVALID',
      role: 'read-only',
      params: {},
      async: false,
    }),
    change_password: call({
      doc: "Change the local superuser's password on all hosts; a root session may pass an empty old_pwd",
      role: 'local-root',
      params: { old_pwd: secretly(string), new_pwd: secretly(string) },
      async: false,
    }),
    slave_local_login_with_password: call({
      doc: 'Log in to this very host, even a member without coordinator, for emergency calls only',
      role: 'pool-admin',
      params: { uname: string, pwd: secretly(string) },
      result: ref('session'),
      async: false,
      session: false,
    }),
    create_from_db_file: call({
      doc: 'Open a session on a database dump file on the host, to inspect and recover its VMs',
      role: 'local-root',
      params: { filename: string },
      result: ref('session'),
    }),
    local_logout: call({
      doc: 'End a session made by slave_local_login_with_password',
      role: 'pool-admin',
      params: {},
      async: false,
    }),
    get_all_subject_identifiers: call({
      doc: 'Identifiers of all external users with open sessions',
      role: 'read-only',
      params: {},
      result: set(string),
    }),
    logout_subject_identifier: call({
      doc: "End all sessions of one external user, sparing the caller's own",
      role: 'pool-operator',
      params: { subject_identifier: string },
    }),
  },
});
