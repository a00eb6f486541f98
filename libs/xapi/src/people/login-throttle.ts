/**
 * The doors that logins come in by. Checking a password is meant to be slow, so whoever tries many waits behind his own tries
 * and not before everybody else: addresses take turns, each has so many tries looked at and so many waiting, and what is more
 * is turned away unseen.
 */
import { XenError } from '@xenplane/model';

export interface Room {
  readonly inside: number;
  readonly insideOfOne: number;
  readonly waiting: number;
  readonly waitingOfOne: number;
}
const usual: Room = { inside: 10, insideOfOne: 4, waiting: 1000, waitingOfOne: 50 };

/** A client with one IPv6 address has all addresses of the same /64 network. */
export function addressBlock(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (!plain.includes(':')) return plain;
  const [head = [], tail = []] = plain
    .split('::')
    .map((side) => side.split(':').filter((group) => group !== ''));
  return [...head, ...Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0'), ...tail]
    .slice(0, 4)
    .join(':');
}

interface Queue {
  inside: number;
  readonly waiting: (() => void)[];
}

export class LoginThrottle {
  /** The client whose turn it is comes first. */
  private readonly queues = new Map<string, Queue>();
  private inside = 0;
  private waiting = 0;

  constructor(private readonly room: Room = usual) {}

  /** TOO_BUSY for one try too many. */
  async through<T>(address: string, work: () => Promise<T>): Promise<T> {
    const from = addressBlock(address);
    const queue = this.queues.get(from) ?? { inside: 0, waiting: [] };
    this.queues.set(from, queue);
    if (this.mayEnter(queue)) this.enter(queue);
    else await this.wait(queue);
    try {
      return await work();
    } finally {
      queue.inside -= 1;
      this.inside -= 1;
      if (queue.inside === 0 && queue.waiting.length === 0) this.queues.delete(from);
      this.letIn();
    }
  }

  private mayEnter(queue: Queue): boolean {
    return this.inside < this.room.inside && queue.inside < this.room.insideOfOne;
  }
  private enter(queue: Queue): void {
    queue.inside += 1;
    this.inside += 1;
  }

  private wait(queue: Queue): Promise<void> {
    if (queue.waiting.length >= this.room.waitingOfOne || this.waiting >= this.room.waiting)
      throw new XenError('TOO_BUSY');
    this.waiting += 1;
    return new Promise((resolve) => queue.waiting.push(resolve));
  }

  private letIn(): void {
    for (const [from, queue] of this.queues) {
      const next = this.mayEnter(queue) ? queue.waiting.shift() : undefined;
      if (!next) continue;
      this.waiting -= 1;
      this.enter(queue);
      this.queues.delete(from);
      this.queues.set(from, queue);
      return next();
    }
  }
}
