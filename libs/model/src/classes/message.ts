import * as enums from '../enums';
import { call, planned, readOnly, uuid, xenClass } from '../language';
import { datetime, int, map, record, ref, set, string } from '../types';

export const message = xenClass('message', {
  doc: 'message',
  role: 'pool-admin',
  lists: 'none',
  getters: false,
  fields: {
    uuid,
    name: readOnly(string, 'name'),
    priority: readOnly(int, 'priority'),
    cls: readOnly(enums.cls, 'cls'),
    obj_uuid: readOnly(string, 'obj_uuid'),
    timestamp: readOnly(datetime, 'timestamp'),
    body: readOnly(string, 'body'),
  },
  calls: {
    create: call({ doc: 'create', role: 'pool-operator', params: { name: string, priority: int, cls: enums.cls, obj_uuid: string, body: string }, result: ref('message'), async: false }),
    destroy: call({ doc: 'destroy', role: 'pool-operator', params: { self: ref('message') }, async: false }),
    destroy_many: call({ doc: 'destroy_many', role: 'pool-operator', params: { messages: set(ref('message')) }, state: 'prototyped' }),
    destroy_all: planned({ doc: 'destroy_all', role: 'pool-operator', params: { filters: map(string, string) }, state: 'prototyped' }),
    get: call({ doc: 'get', role: 'read-only', params: { cls: enums.cls, obj_uuid: string, since: datetime }, result: map(ref('message'), record('message')), async: false }),
    get_all: call({ doc: 'get_all', role: 'read-only', params: {}, result: set(ref('message')), async: false }),
    get_since: call({ doc: 'get_since', role: 'read-only', params: { since: datetime }, result: map(ref('message'), record('message')), async: false }),
    get_record: call({ doc: 'get_record', role: 'read-only', params: { self: ref('message') }, result: record('message'), async: false }),
    get_by_uuid: call({ doc: 'get_by_uuid', role: 'read-only', params: { uuid: string }, result: ref('message'), async: false }),
    get_all_records: call({ doc: 'get_all_records', role: 'read-only', params: {}, result: map(ref('message'), record('message')), async: false }),
    get_all_records_where: call({ doc: 'get_all_records_where', role: 'read-only', params: { expr: string }, result: map(ref('message'), record('message')), async: false }),
  },
});
