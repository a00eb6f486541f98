import * as enums from '../enums';
import { atCreate, call, readOnly, xenClass } from '../language';
import { anyRecord, datetime, eventBatch, float, int, record, set, string } from '../types';

export const event = xenClass('event', {
  doc: 'A notice that an object was added, changed or deleted; delivered to clients, never stored',
  role: 'pool-admin',
  stored: false,
  fields: {
    id: atCreate(int, 'Number of the event, growing over time; sent as text by event.from'),
    timestamp: atCreate(
      datetime,
      'Deprecated: when the event happened, as epoch seconds; always 0.0 from event.from',
      { state: 'deprecated' },
    ),
    class: atCreate(string, 'Class of the object, in lower case, e.g. vm or pif_metrics'),
    operation: atCreate(enums.event_operation, 'What happened: add, mod or del'),
    ref: atCreate(string, 'Reference of the object concerned'),
    obj_uuid: atCreate(string, 'Deprecated: UUID of the object; only given by event.next', {
      state: 'deprecated',
    }),
    snapshot: readOnly(anyRecord, 'Complete record after the change; absent for deletions'),
  },
  calls: {
    register: call({
      doc: "Deprecated: subscribe this session to classes ('*' for all) for event.next; adds to earlier ones",
      role: 'read-only',
      params: { classes: set(string) },
      state: 'deprecated',
    }),
    unregister: call({
      doc: "Deprecated: withdraw classes from this session's event.next subscription",
      role: 'read-only',
      params: { classes: set(string) },
      state: 'deprecated',
    }),
    next: call({
      doc: 'Deprecated: wait for events of registered classes and return them; EVENTS_LOST if the client fell too far behind',
      role: 'read-only',
      params: {},
      result: set(record('event')),
      errors: ['SESSION_NOT_REGISTERED', 'EVENTS_LOST', 'EVENT_SUBSCRIPTION_PARSE_FAILURE'],
      async: false,
      state: 'deprecated',
    }),
    from: call({
      doc: "Wait up to timeout seconds for changes after token to 'class', 'class/ref' or '*'; an empty token yields all objects as adds",
      role: 'read-only',
      params: { classes: set(string), token: string, timeout: float },
      result: eventBatch,
      errors: ['EVENT_FROM_TOKEN_PARSE_FAILURE', 'EVENT_SUBSCRIPTION_PARSE_FAILURE'],
      async: false,
    }),
    get_current_id: call({
      doc: 'Number of the latest event',
      role: 'read-only',
      params: {},
      result: int,
      async: false,
    }),
    inject: call({
      doc: 'Fake a mod event for an object and return a token older than it, so event.from can be used as a barrier',
      role: 'read-only',
      params: { class: string, ref: string },
      result: string,
      async: false,
    }),
  },
});
