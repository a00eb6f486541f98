import * as enums from '../enums';
import { atCreate, call, readOnly, xenClass } from '../language';
import { anyRecord, datetime, eventBatch, float, int, record, set, string } from '../types';

export const event = xenClass('event', {
  doc: 'event',
  role: 'pool-admin',
  stored: false,
  fields: {
    id: atCreate(int, 'id'),
    timestamp: atCreate(datetime, 'timestamp', { state: 'deprecated' }),
    class: atCreate(string, 'class'),
    operation: atCreate(enums.event_operation, 'operation'),
    ref: atCreate(string, 'ref'),
    obj_uuid: atCreate(string, 'obj_uuid', { state: 'deprecated' }),
    snapshot: readOnly(anyRecord, 'snapshot'),
  },
  calls: {
    register: call({ doc: 'register', role: 'read-only', params: { classes: set(string) }, state: 'deprecated' }),
    unregister: call({ doc: 'unregister', role: 'read-only', params: { classes: set(string) }, state: 'deprecated' }),
    next: call({ doc: 'next', role: 'read-only', params: {}, result: set(record('event')), errors: ['SESSION_NOT_REGISTERED', 'EVENTS_LOST', 'EVENT_SUBSCRIPTION_PARSE_FAILURE'], async: false, state: 'deprecated' }),
    from: call({ doc: 'from', role: 'read-only', params: { classes: set(string), token: string, timeout: float }, result: eventBatch, errors: ['EVENT_FROM_TOKEN_PARSE_FAILURE', 'EVENT_SUBSCRIPTION_PARSE_FAILURE'], async: false }),
    get_current_id: call({ doc: 'get_current_id', role: 'read-only', params: {}, result: int, async: false }),
    inject: call({ doc: 'inject', role: 'read-only', params: { class: string, ref: string }, result: string, async: false }),
  },
});
