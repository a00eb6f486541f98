/**
 * The Authorization head of a message to a control plane, by which it can be refused before a byte of it is read:
 * that the sender is an agent of this control plane, from its join key, or the secret or token of any one host of the message.
 * Statements about each host in the message are still authorized by that host's own token.
 */
import { createHmac } from 'node:crypto';
import { uuidPattern } from './shapes';

export const joinSecret = (joinKey: string, host: string): string =>
  createHmac('sha256', joinKey).update(host).digest('hex');
/** No host's: it is derived from a text that is no UUID. */
export const agentProof = (joinKey: string): string =>
  createHmac('sha256', joinKey).update('agent').digest('hex');

export const agentCredential = (joinKey: string): string => `Agent ${agentProof(joinKey)}`;
export const hostCredential = (host: string, secret: string): string => `Host ${host} ${secret}`;

export type Credential =
  | { readonly kind: 'agent'; readonly proof: string }
  | { readonly kind: 'host'; readonly host: string; readonly secret: string };

export function readCredential(header: string | undefined): Credential | undefined {
  const [kind, first = '', second = '', ...rest] = (header ?? '').split(' ');
  if (rest.length > 0 || first.length > 256 || second.length > 256) return undefined;
  if (kind === 'Agent' && second === '') return { kind: 'agent', proof: first };
  return kind === 'Host' && uuidPattern.test(first) && second !== ''
    ? { kind: 'host', host: first, secret: second }
    : undefined;
}
