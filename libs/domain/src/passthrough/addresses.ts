/** `VM.other_config:pci`: the PCI devices of its host that a VM is given, as `0/0000:81:00.0,0/0000:81:00.1`. */
import { XenError } from '@xenplane/model';

const entry = /^(\d+)\/([0-9a-f]{1,4}):([0-9a-f]{1,2}):([0-9a-f]{1,2})\.([0-9a-f])$/i;
export const pciKey = 'pci';
type Settings = Readonly<Record<string, string>>;

const entriesOf = (settings: Settings): string[] =>
  (settings[pciKey] ?? '')
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '');

/** In the form of `PCI.pci_id`; undefined for what is no address. */
function addressIn(text: string): string | undefined {
  const [, , domain, bus, device, fn] = entry.exec(text) ?? [];
  if (!domain || !bus || !device || !fn) return undefined;
  return `${domain.padStart(4, '0')}:${bus.padStart(2, '0')}:${device.padStart(2, '0')}.${fn}`.toLowerCase();
}

/** Each address once, in the order in which they are given. */
export const pciAddresses = (settings: Settings): string[] => [
  ...new Set(entriesOf(settings).flatMap((text) => addressIn(text) ?? [])),
];

const invalid = (value: string): XenError => new XenError('INVALID_VALUE', `other_config:${pciKey}`, value);
/** An entry that is no address or, where the devices of all hosts are known, the address of one that no host has. */
export function refusePci(settings: Settings, known?: ReadonlySet<string>): XenError | undefined {
  const isRight = (text: string): boolean => {
    const address = addressIn(text);
    return address !== undefined && (known?.has(address) ?? true);
  };
  const wrong = entriesOf(settings).find((text) => !isRight(text));
  return wrong === undefined ? undefined : invalid(wrong);
}
