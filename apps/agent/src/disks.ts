/** The temporary disks of VMs on this node: a file for each image disk of each run, gone when the run is over. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { assertInside, NodeCache, RefusedBlob } from '@xenplane/blobs';
import { HypervisorError, uuidPattern, type Block, type DiskSpec } from '@xenplane/hypervisor';

export class NodeDisks {
  private readonly cache: NodeCache;

  constructor(
    private readonly folder: string,
    imagesUrl: string,
    images: string,
  ) {
    this.cache = new NodeCache({ folder: images, imagesUrl });
  }

  /** Names that are none never become a path, whoever passed them on. */
  private runFolder(host: string, vm: string, epoch: number): string {
    if (!uuidPattern.test(host) || !uuidPattern.test(vm) || !Number.isSafeInteger(epoch))
      throw new HypervisorError(['UUID_INVALID', 'VM', vm]);
    return path.join(this.folder, 'disks', host, `${vm}.${epoch}`);
  }

  /** The disks of a run with the places where they are, or will be once they are prepared. */
  blocksOf(host: string, vm: string, epoch: number, disks: readonly DiskSpec[]): Block[] {
    return disks.map(({ vbd, device, type, mode, source }) => ({
      ...{ vbd, device, type, mode },
      address:
        source.kind === 'image'
          ? pathToFileURL(this.fileOf(host, vm, epoch, { device, format: source.format })).href
          : source.kind === 'volume'
            ? `volume:${source.sr}/${source.vdi}`
            : undefined,
    }));
  }
  private fileOf(
    host: string,
    vm: string,
    epoch: number,
    { device, format }: { readonly device: string; readonly format: string },
  ): string {
    return path.join(this.runFolder(host, vm, epoch), `${device}.${format}`);
  }

  /** Fetches, verifies and copies what the disks need; nothing of it is left when it fails. */
  async prepare(
    host: string,
    vm: string,
    epoch: number,
    disks: readonly DiskSpec[],
    onProgress: (fraction: number) => void,
  ): Promise<void> {
    const images = disks.flatMap((d) =>
      d.source.kind === 'image' ? [{ device: d.device, source: d.source }] : [],
    );
    const made: string[] = [];
    for (const [i, { device, source }] of images.entries()) {
      const target = this.fileOf(host, vm, epoch, { device, format: source.format });
      await assertInside(path.join(this.folder, 'disks'), target);
      made.push(target);
      const size = source.format === 'raw' ? source.virtualSizeBytes : 0;
      await this.cache
        .makeDisk(source.sha256, target, size, { onProgress: (f) => onProgress((i + f) / images.length) })
        .catch((error: unknown) => this.fail(made, error));
    }
  }
  /** Other disks of the run may be in use. */
  private async fail(made: readonly string[], error: unknown): Promise<never> {
    for (const file of made) await rm(file, { force: true });
    const why = error instanceof Error ? error.message : String(error);
    throw new HypervisorError(
      error instanceof RefusedBlob
        ? ['SR_BACKEND_FAILURE_46', '', `The VDI is not available [opterr=${why}]`, '']
        : ['SR_BACKEND_FAILURE', '', why, ''],
    );
  }

  async release(host: string, vm: string, epoch: number): Promise<void> {
    await rm(this.runFolder(host, vm, epoch), { recursive: true, force: true });
  }

  /** Removes what runs that are over have left, as after a crash of this process. */
  async sweep(
    host: string,
    keep: readonly { readonly vm: string; readonly vmEpoch: number }[],
  ): Promise<void> {
    const folder = path.join(this.folder, 'disks', host);
    await mkdir(folder, { recursive: true });
    const kept = new Set(keep.map((k) => `${k.vm}.${k.vmEpoch}`));
    for (const name of await readdir(folder))
      if (!kept.has(name)) await rm(path.join(folder, name), { recursive: true, force: true });
  }
}
