/** Common to all HTTP servers of ours: targets, limits, and exceptions that stay with their connection. */
export { addressOf } from './address';
export { Bodies, BodyRefused, type BodyLimits, type Wanted } from './bodies';
export { boundConnections, halfOpenLimits, idleLimits } from './connections';
export { contain, quiet, type Escaped } from './contain';
export { Crowd, type CrowdLimits } from './crowd';
export { decoded, pathOf, queryOf, readTarget, targetOf } from './target';
