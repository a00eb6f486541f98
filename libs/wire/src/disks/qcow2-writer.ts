/** qcow2 files, version 3, as a stream: what is present is known before, so all tables come first and clusters follow in the disk's order. */
import { blockBytes } from './blocks';
import { unitNumbers, unitsOf, type DiskSource } from './disk-source';

const perTable = blockBytes / 8;
const perRefcounts = blockBytes / 2;
const copied = 2n ** 63n;

interface Layout {
  readonly l1Size: number;
  readonly l1Clusters: number;
  readonly l2Clusters: number;
  readonly refTableClusters: number;
  readonly refClusters: number;
  readonly total: number;
}

function layoutOf(source: DiskSource): Layout & { readonly used: ReadonlySet<number> } {
  const used = new Set<number>();
  let data = 0;
  for (const cluster of unitNumbers(source, blockBytes)) {
    used.add(Math.floor(cluster / perTable));
    data += 1;
  }
  const l1Size = Math.max(1, Math.ceil(source.size / (blockBytes * perTable)));
  const l1Clusters = Math.ceil((l1Size * 8) / blockBytes);
  const others = 1 + l1Clusters + used.size + data;
  let refClusters = 1,
    refTableClusters = 1;
  // The counts count themselves.
  while (refClusters * perRefcounts < others + refClusters + refTableClusters) {
    refClusters += 1;
    refTableClusters = Math.ceil((refClusters * 8) / blockBytes);
  }
  return {
    l1Size,
    l1Clusters,
    l2Clusters: used.size,
    refTableClusters,
    refClusters,
    total: others + refClusters + refTableClusters,
    used,
  };
}

const cluster = (write: (view: DataView) => void, clusters = 1): Uint8Array => {
  const bytes = new Uint8Array(clusters * blockBytes);
  write(new DataView(bytes.buffer));
  return bytes;
};

export async function* writeQcow2(source: DiskSource): AsyncGenerator<Uint8Array> {
  const layout = layoutOf(source);
  const { l1Clusters, l2Clusters, refTableClusters, refClusters, total, used } = layout;
  const refTableAt = 1 + l1Clusters + l2Clusters,
    refsAt = refTableAt + refTableClusters,
    dataAt = refsAt + refClusters;
  yield header(source.size, layout, refTableAt);
  yield cluster(
    (view) => [...used].forEach((table, i) => view.setBigUint64(table * 8, entry(1 + l1Clusters + i))),
    l1Clusters,
  );
  yield* secondTables(source, dataAt);
  yield cluster((view) => {
    for (let i = 0; i < refClusters; i += 1) view.setBigUint64(i * 8, BigInt((refsAt + i) * blockBytes));
  }, refTableClusters);
  for (let i = 0; i < refClusters; i += 1)
    yield cluster((view) => ones(view, Math.min(perRefcounts, total - i * perRefcounts)));
  for await (const { bytes } of unitsOf(source, blockBytes)) {
    yield bytes;
    if (bytes.length < blockBytes) yield new Uint8Array(blockBytes - bytes.length);
  }
}

const entry = (at: number): bigint => BigInt(at * blockBytes) | copied;
const ones = (view: DataView, count: number): void => {
  for (let i = 0; i < count; i += 1) view.setUint16(i * 2, 1);
};

function header(size: number, { l1Size, refTableClusters }: Layout, refTableAt: number): Uint8Array {
  return cluster((view) => {
    view.setUint32(0, 0x5146_49fb);
    view.setUint32(4, 3);
    view.setUint32(20, 16);
    view.setBigUint64(24, BigInt(size));
    view.setUint32(36, l1Size);
    view.setBigUint64(40, BigInt(blockBytes));
    view.setBigUint64(48, BigInt(refTableAt * blockBytes));
    view.setUint32(56, refTableClusters);
    view.setUint32(96, 4);
    view.setUint32(100, 104);
  });
}

function* secondTables(source: DiskSource, dataAt: number): Generator<Uint8Array> {
  let table = -1,
    bytes = new Uint8Array(),
    next = dataAt;
  for (const number of unitNumbers(source, blockBytes)) {
    if (Math.floor(number / perTable) !== table) {
      if (table >= 0) yield bytes;
      table = Math.floor(number / perTable);
      bytes = new Uint8Array(blockBytes);
    }
    new DataView(bytes.buffer).setBigUint64((number % perTable) * 8, entry(next));
    next += 1;
  }
  if (table >= 0) yield bytes;
}
