import * as enums from '../enums';
import { call, readOnly, uuid, xenClass } from '../language';
import { datetime, int, map, record, ref, set, string } from '../types';

export const message = xenClass('message', {
  doc: 'A notification about an object, kept on disk rather than in the database',
  role: 'pool-admin',
  lists: 'none',
  getters: false,
  fields: {
    uuid,
    name: readOnly(string, 'Kind of notification, such as VM_STARTED'),
    priority: readOnly(int, 'Urgency from 1, data loss imminent, to 5, informational'),
    cls: readOnly(enums.cls, 'Class of the object the notification is about'),
    obj_uuid: readOnly(string, 'Identifier of the object the notification is about'),
    timestamp: readOnly(datetime, 'When the notification was raised, in UTC'),
    body: readOnly(string, 'Text, often XML, with the details'),
  },
  calls: {
    create: call({
      doc: 'Raise a notification about the object with the given class and uuid',
      role: 'pool-operator',
      params: { name: string, priority: int, cls: enums.cls, obj_uuid: string, body: string },
      result: ref('message'),
      async: false,
    }),
    destroy: call({
      doc: 'Delete one notification',
      role: 'pool-operator',
      params: { self: ref('message') },
      async: false,
    }),
    destroy_many: call({
      doc: 'Delete all the given notifications at once',
      role: 'pool-operator',
      params: { messages: set(ref('message')) },
      state: 'prototyped',
    }),
    destroy_all: call({
      doc: 'Delete every notification that matches the given filters, or all of them when none is given',
      role: 'pool-operator',
      params: { filters: map(string, string) },
      state: 'prototyped',
    }),
    get: call({
      doc: 'Notifications about one object raised after the given time, keyed by reference',
      role: 'read-only',
      params: { cls: enums.cls, obj_uuid: string, since: datetime },
      result: map(ref('message'), record('message')),
      async: false,
    }),
    get_all: call({
      doc: 'References of all notifications',
      role: 'read-only',
      params: {},
      result: set(ref('message')),
      async: false,
    }),
    get_since: call({
      doc: 'Notifications raised after the given time, keyed by reference',
      role: 'read-only',
      params: { since: datetime },
      result: map(ref('message'), record('message')),
      async: false,
    }),
    get_record: call({
      doc: 'Whole record of one notification',
      role: 'read-only',
      params: { self: ref('message') },
      result: record('message'),
      async: false,
    }),
    get_by_uuid: call({
      doc: 'Reference of the notification with the given uuid',
      role: 'read-only',
      params: { uuid: string },
      result: ref('message'),
      async: false,
    }),
    get_all_records: call({
      doc: 'Records of all notifications, keyed by reference',
      role: 'read-only',
      params: {},
      result: map(ref('message'), record('message')),
      async: false,
    }),
    get_all_records_where: call({
      doc: 'Records matching a query expression, keyed by reference; the expression may be ignored',
      role: 'read-only',
      params: { expr: string },
      result: map(ref('message'), record('message')),
      async: false,
    }),
  },
});
