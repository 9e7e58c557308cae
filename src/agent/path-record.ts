import type { Instant } from "../core/time.ts";
import type { DropReason } from "../protocol/drop-reason.ts";

/** What came and went on one path since the agent started. Counted, never decided by. */
export class PathRecord {
  sent = 0;
  received = 0;
  heardAt: Instant | undefined;
  readonly drops = new Map<DropReason, number>();

  hear(now: Instant): void {
    this.received += 1;
    this.heardAt = now;
  }

  drop(reason: DropReason): void {
    this.drops.set(reason, (this.drops.get(reason) ?? 0) + 1);
  }
}
