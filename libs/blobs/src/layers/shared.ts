/** Things that are open while anybody uses them, once for all users. */
interface Open<T> {
  users: number;
  readonly thing: Promise<T>;
}

export class Shared<T extends { close(): Promise<void> }> {
  private readonly open = new Map<string, Open<T>>();

  constructor(private readonly opening: (name: string) => Promise<T>) {}

  async use<R>(names: readonly string[], work: (things: readonly T[]) => Promise<R>): Promise<R> {
    const taken = names.map((name) => [name, this.take(name)] as const);
    try {
      return await work(await Promise.all(taken.map(([, { thing }]) => thing)));
    } finally {
      for (const [name, entry] of taken) await this.leave(name, entry);
    }
  }

  /** Whoever comes now opens anew; those who have it keep it. Answers it while somebody has it. */
  forget(name: string): Promise<T> | undefined {
    const entry = this.open.get(name);
    this.open.delete(name);
    return entry?.thing;
  }

  private take(name: string): Open<T> {
    const entry = this.open.get(name) ?? { users: 0, thing: this.opening(name) };
    entry.users += 1;
    this.open.set(name, entry);
    return entry;
  }
  private async leave(name: string, entry: Open<T>): Promise<void> {
    entry.users -= 1;
    if (entry.users > 0) return;
    if (this.open.get(name) === entry) this.open.delete(name);
    await entry.thing.then((thing) => thing.close()).catch(() => undefined);
  }
}
