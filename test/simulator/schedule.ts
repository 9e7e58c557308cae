/** What will happen, in the order of time; at one instant in the order in which it was planned. */
export class Schedule {
  /** Milliseconds since the world began. */
  now = 0;
  private readonly heap: Planned[] = [];
  private sequence = 0;

  after(wait: number, happen: () => void): void {
    this.push({ at: this.now + Math.max(0, wait), sequence: this.sequence++, happen });
  }

  /** Lets everything happen that is due until then. `each` runs behind every happening. */
  runUntil(end: number, each: () => void): void {
    for (let next = this.heap[0]; next !== undefined && next.at <= end; next = this.heap[0]) {
      this.pop();
      this.now = next.at;
      next.happen();
      each();
    }
    this.now = end;
  }

  private push(planned: Planned): void {
    this.heap.push(planned);
    let at = this.heap.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.swapIfBefore(at, parent)) return;
      at = parent;
    }
  }

  private pop(): void {
    const last = this.heap.pop();
    if (last === undefined || this.heap.length === 0) return;
    this.heap[0] = last;
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const least = right < this.heap.length && this.isBefore(right, left) ? right : left;
      if (least >= this.heap.length || !this.swapIfBefore(least, at)) return;
      at = least;
    }
  }

  private isBefore(one: number, other: number): boolean {
    const [a, b] = [this.heap[one], this.heap[other]];
    if (a === undefined || b === undefined) return false;
    return a.at < b.at || (a.at === b.at && a.sequence < b.sequence);
  }

  private swapIfBefore(one: number, other: number): boolean {
    const [a, b] = [this.heap[one], this.heap[other]];
    if (a === undefined || b === undefined || !this.isBefore(one, other)) return false;
    this.heap[one] = b;
    this.heap[other] = a;
    return true;
  }
}

interface Planned {
  readonly at: number;
  readonly sequence: number;
  readonly happen: () => void;
}
