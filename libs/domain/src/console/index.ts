export { screenOf, vt100, type Screen } from './terminal';
export { bootText, hasLargeScreen, hostName, type GuestFacts, type GuestNic } from './boot';
export { newSession, type, written, type Session } from './session';
