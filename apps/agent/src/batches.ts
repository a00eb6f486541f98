/** Small things that many VMs want to send at once, gathered for a moment and sent together. */
export class Batch<I, O> {
  private entries: { readonly item: I; resolve(answer: O): void; reject(error: unknown): void }[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly send: (items: readonly I[]) => Promise<readonly O[]>,
    private readonly gatherMs = 2,
    private readonly most = 500,
  ) {}

  add(item: I): Promise<O> {
    return new Promise<O>((resolve, reject) => {
      this.entries.push({ item, resolve, reject });
      this.timer ??= setTimeout(() => this.flush(), this.gatherMs);
    });
  }

  private flush(): void {
    this.timer = undefined;
    const entries = this.entries.splice(0, this.most);
    if (this.entries.length > 0) this.timer = setTimeout(() => this.flush(), 0);
    this.send(entries.map((e) => e.item)).then(
      (answers) => entries.forEach((e, i) => e.resolve(answers[i] as O)),
      (error: unknown) => entries.forEach((e) => e.reject(error)),
    );
  }
}
