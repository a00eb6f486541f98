/** The console ring of a simulated Xen: the newest lines, as `xl dmesg` prints them. */
import type { Inventory } from '../protocol';

const mostLines = 400;

export class ConsoleRing {
  private lines: string[] = [];

  constructor(private readonly now: () => number) {}

  write(text: string): void {
    this.lines.push(`(XEN) [${(this.now() / 1000).toFixed(6).padStart(12)}] ${text}`);
    if (this.lines.length > mostLines) this.lines = this.lines.slice(-mostLines);
  }
  boot({
    hypervisorVersion,
    kernelVersion,
    cpuModelName,
    sockets,
    coresPerSocket,
    threadsPerCore,
    memoryBytes,
    dom0MemoryBytes,
  }: Inventory): void {
    this.lines = [];
    const kib = (bytes: number): number => Math.floor(bytes / 1024);
    this.write(`Xen version ${hypervisorVersion} (simulated) debug=n`);
    this.write(`System RAM: ${Math.floor(memoryBytes / 2 ** 20)}MB (${kib(memoryBytes)}kB)`);
    this.write(`CPU0: ${cpuModelName}`);
    this.write(`Brought up ${sockets * coresPerSocket * threadsPerCore} CPUs`);
    this.write(`Dom0 kernel ${kernelVersion}, ${Math.floor(dom0MemoryBytes / 2 ** 20)} MiB`);
  }
  read(): string {
    return this.lines.length === 0 ? '' : `${this.lines.join('\n')}\n`;
  }
}
