/** Many references by one key, in the order in which they came. Most keys have one: a set is made for the second. */
export class MultiMap {
  private readonly byKey = new Map<string, string | Set<string>>();

  add(key: string, value: string): void {
    const present = this.byKey.get(key);
    if (present === undefined) this.byKey.set(key, value);
    else if (typeof present !== 'string') present.add(value);
    else if (present !== value) this.byKey.set(key, new Set([present, value]));
  }

  delete(key: string, value: string): void {
    const present = this.byKey.get(key);
    if (present === value) this.byKey.delete(key);
    else if (present !== undefined && typeof present !== 'string') {
      present.delete(value);
      if (present.size === 0) this.byKey.delete(key);
    }
  }

  get(key: string): string[] {
    const present = this.byKey.get(key);
    return present === undefined ? [] : typeof present === 'string' ? [present] : [...present];
  }
}
