/** How a host comes in at home, by the join key, and at another control plane, by its invitation. */
import { agentCredential, joinSecret } from '@xenplane/hypervisor';
import type { HostAgent } from './host-agent';
import type { Places } from './places';
import type { Admission } from './plane-hosts';
import type { Tokens } from './tokens';

export const homeAdmission = (joinKey: string, tokens: Tokens, places: Places): Admission => ({
  credential: agentCredential(joinKey),
  secretOf: ({ uuid }) => joinSecret(joinKey, uuid),
  joined: (joined) => tokens.keep(new Map([...joined].map(([{ uuid }, token]) => [uuid, token]))),
  registered: ({ uuid }) => places.arrived(uuid),
  /** A host that was ejected stays out. One that was away joins anew if its home let it go for good. */
  refused: async (host, at) => {
    if (at !== 'registration' || !places.hasReturned(host.uuid)) return false;
    tokens.drop(host.uuid);
    host.token = '';
    return true;
  },
});

export const joinedPoolAdmission = (
  places: Places,
  goHome: (host: HostAgent) => Promise<void>,
): Admission => ({
  secretOf: ({ uuid }) => places.of(uuid)?.secret ?? '',
  joined: (joined) => {
    for (const [{ uuid }, token] of joined) {
      const place = places.of(uuid);
      if (place) places.set(uuid, { ...place, token });
    }
  },
  registered: ({ uuid }) => {
    const place = places.of(uuid);
    if (place && !place.settled) places.set(uuid, { ...place, secret: '', settled: true });
  },
  refused: async (host) => {
    await goHome(host);
    return true;
  },
});
