/** What every HTTP server of ours does around its requests: targets, limits, and exceptions that stay with their connection. */
export { contain, quiet, type Escaped } from './contain';
export { decoded, pathOf, queryOf, readTarget, targetOf } from './target';
