export type { GuestFacts } from './boot';
export { GuestTerminal } from './guest-terminal';
export { sessionIn, type Session } from './session';
