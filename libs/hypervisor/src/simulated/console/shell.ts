/** A tiny shell: what it answers to a line. It changes nothing. */
import { hostName, kernelName, systemName, type GuestFacts } from './boot';

const KiB = 1024;
const day = 86_400;

function uptime(seconds: number): string {
  const days = Math.floor(seconds / day),
    clock = (s: number): string =>
      `${Math.floor(s / 3600)}:${String(Math.floor((s % 3600) / 60)).padStart(2, '0')}`;
  return ` up ${days > 0 ? `${days} day${days > 1 ? 's' : ''}, ` : ''}${clock(seconds % day)},  1 user`;
}

const usedPart = 0.35;
const cachedPart = 0.2;
function free({ memoryBytes }: GuestFacts): string {
  const total = Math.round(memoryBytes / KiB),
    used = Math.round(total * usedPart),
    cached = Math.round(total * cachedPart);
  const row = (name: string, ...values: readonly (number | string)[]): string =>
    name.padEnd(8) + values.map((v) => String(v).padStart(12)).join('');
  return [
    row('', 'total', 'used', 'free', 'buff/cache', 'available'),
    row('Mem:', total, used, total - used - cached, cached, total - used),
    row('Swap:', 0, 0, 0),
  ].join('\n');
}

function addresses({ nics }: GuestFacts): string {
  const lo = [
    '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536',
    '    link/loopback 00:00:00:00:00:00',
    '    inet 127.0.0.1/8 scope host lo',
  ];
  const others = nics.flatMap(({ device, mac, address }, i) => [
    `${i + 2}: eth${device}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500`,
    `    link/ether ${mac}`,
    ...(address === '' ? [] : [`    inet ${address}/8 scope global eth${device}`]),
  ]);
  return [...lo, ...others].join('\n');
}

interface Asked {
  readonly facts: GuestFacts;
  /** Since the guest was started. */
  readonly seconds: number;
  readonly user: string;
}
const commands: Readonly<Record<string, (asked: Asked, args: readonly string[]) => string>> = {
  hostname: ({ facts }) => hostName(facts),
  uptime: ({ seconds }) => uptime(seconds),
  free: ({ facts }) => free(facts),
  ip: ({ facts }, [what = '']) =>
    'address'.startsWith(what) && what !== '' ? addresses(facts) : 'Usage: ip address',
  uname: ({ facts }, args) =>
    args.includes('-a')
      ? `Linux ${hostName(facts)} ${kernelName(facts)} x86_64 GNU/Linux`
      : args.includes('-r')
        ? kernelName(facts)
        : 'Linux',
  whoami: ({ user }) => user,
  pwd: ({ user }) => homeOf(user),
  nproc: ({ facts }) => String(facts.vcpus),
  echo: (_asked, args) => args.join(' '),
  ls: () => '',
  cat: ({ facts }, [file]) =>
    file === '/etc/os-release'
      ? `PRETTY_NAME="${systemName(facts)}"`
      : `cat: ${file ?? ''}: No such file or directory`,
  reboot: () => 'A console cannot reboot a simulated guest: use VM.clean_reboot',
  poweroff: () => 'A console cannot stop a simulated guest: use VM.clean_shutdown',
  help: () => `Known here: ${[...Object.keys(commands), 'clear', 'exit'].sort().join(' ')}`,
};
export const homeOf = (user: string): string => (user === 'root' ? '/root' : `/home/${user}`);

/** The answer to a line, without the last line's end; empty for none. */
export function answer(line: string, asked: Asked): string {
  const [command = '', ...args] = line.trim().split(/\s+/);
  if (command === '') return '';
  return Object.hasOwn(commands, command)
    ? (commands[command]?.(asked, args) ?? '')
    : `sh: ${command}: not found`;
}
