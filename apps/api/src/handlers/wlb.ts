/** Reports of a balancing server: answered as by a pool that has none, or whose server does not answer. */
import { askBalancer } from '@xenplane/xapi';
import { required, sessionOf, type Handler } from './exchange/exchange';

const report: Handler = {
  name: 'get_wlb_report',
  task: 'WLB report',
  run: async (exchange) => {
    required(exchange, 'report');
    return askBalancer(exchange.plane, sessionOf(exchange));
  },
};
const diagnostics: Handler = {
  name: 'get_wlb_diagnostics',
  task: 'WLB diagnostics',
  run: (exchange) => askBalancer(exchange.plane, sessionOf(exchange)),
};

export const wlbHandlers: readonly Handler[] = [report, diagnostics];
