/** `/services`: what driver domains offer. There are none here, so the list is empty and nothing is behind any name. */
import { sendDocument, type Handler } from './exchange/exchange';
import { Refusal } from './exchange/refusal';

const nothing: Handler['run'] = ({ path }) =>
  Promise.reject(new Refusal(404, `There is no service at ${path}`));

const list: Handler = {
  name: 'get_services',
  run: async (exchange) => {
    if (exchange.path.replace(/\/$/, '') !== '/services') return nothing(exchange);
    sendDocument(exchange, 'application/json', Buffer.from(JSON.stringify({ services: [] })));
  },
};

const names = [
  'post_services',
  'put_services',
  'get_services_xenops',
  'post_services_xenops',
  'put_services_xenops',
  'get_services_sm',
  'post_services_sm',
  'put_services_sm',
] as const;
export const serviceHandlers: readonly Handler[] = [
  list,
  ...names.map((name): Handler => ({ name, run: nothing })),
];
