/** Where another control plane answers, from an address as people and clients give it: a URL, or a name or IP alone, perhaps with a port. */
import { isIP } from 'node:net';
import { connect } from 'node:tls';

const patienceMs = 3000;
const tlsPort = 443;

/** Nothing is sent to the other side but the beginning of TLS; whoever answers it is not checked. */
const speaksTls = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({
      host,
      port,
      rejectUnauthorized: false,
      timeout: patienceMs,
      ...(isIP(host) ? {} : { servername: host }),
    });
    const ended = (answer: boolean) => (): void => {
      resolve(answer);
      socket.destroy();
    };
    socket
      .on('secureConnect', ended(true))
      .on('error', ended(false))
      .on('timeout', ended(false))
      .on('close', ended(false));
  });

export const hasScheme = (address: string): boolean => address.includes('://');

/**
 * xapi reaches other pools by TLS at port 443. Here an address may name another port, and one that does not speak TLS is
 * plain HTTP. Undefined when it is no address.
 */
export async function originOf(address: string): Promise<string | undefined> {
  if (hasScheme(address)) return URL.canParse(address) ? new URL(address).origin : undefined;
  if (!URL.canParse(`https://${address}`)) return undefined;
  const secure = new URL(`https://${address}`);
  // A port that is the scheme's own is left out of a URL: 80 is seen by the other scheme.
  const port = Number(secure.port || tlsPort);
  const host = secure.hostname.replace(/^\[|\]$/g, '');
  return (await speaksTls(host, port)) ? secure.origin : new URL(`http://${address}`).origin;
}
