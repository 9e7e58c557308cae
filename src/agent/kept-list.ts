import type { Flow } from "../core/diversion.ts";
import { elapsed, type Instant, type Millis, millis, times } from "../core/time.ts";
import { flowBytes, type KeptWord, type Page, pageBytesMax } from "../protocol/datagram.ts";

/** Pages under way at once: some 20 KB, less than a socket's buffer holds. */
const windowPages = 32;
/**
 * After this a page that was not acknowledged is told again: several times a local round trip. Doubled each
 * time, because a machine that is too busy to answer soon has least use for more to read.
 */
const patience = { first: millis(20), longest: millis(320) };

/**
 * The connections that a first holder keeps, told to the other machine: any number, in pages that ride on
 * beats. The listener's beats say how many pages it heard without a gap, so nothing else is
 * acknowledged, and whatever is lost, or restarted, is told again.
 */
export class KeptTeller {
  private readonly pages: readonly (readonly Flow[])[];
  private readonly told: ({ readonly at: Instant; readonly wait: Millis } | undefined)[] = [];
  private heard = 0;

  constructor(flows: readonly Flow[]) {
    this.pages = paginate(flows);
  }

  get count(): number {
    return this.pages.length;
  }

  /** The listener's newest word; a listener that was restarted begins at none. */
  acknowledge(heard: number): void {
    if (heard < this.heard) this.told.length = 0;
    this.heard = Math.min(heard, this.pages.length);
  }

  /** The pages to be told now. */
  due(now: Instant): readonly Page[] {
    const due: Page[] = [];
    const last = Math.min(this.pages.length, this.heard + windowPages);
    for (let number = this.heard + 1; number <= last; number += 1) {
      const told = this.told[number];
      if (told !== undefined && elapsed(told.at, now) < told.wait) continue;
      const wait = told === undefined ? patience.first : times(told.wait, 2);
      this.told[number] = { at: now, wait: millis(Math.min(wait, patience.longest)) };
      due.push({ number, flows: this.pages[number - 1] ?? [] });
    }
    return due;
  }
}

/** The same list, heard. */
export class KeptListener {
  private readonly pages = new Map<number, readonly Flow[]>();
  private gapless = 0;

  get heard(): number {
    return this.gapless;
  }

  /** Every connection of the list once it is complete, once; until then undefined. */
  hear({ pages, page }: KeptWord): readonly Flow[] | undefined {
    if (page === undefined || page.number > pages || this.pages.has(page.number)) return undefined;
    this.pages.set(page.number, page.flows);
    while (this.pages.has(this.gapless + 1)) this.gapless += 1;
    if (this.gapless < pages || this.pages.size !== pages) return undefined;
    return [...this.pages].sort(([one], [other]) => one - other).flatMap(([, flows]) => flows);
  }
}

/** At least one page, so that an empty list can be heard. */
function paginate(flows: readonly Flow[]): readonly (readonly Flow[])[] {
  const pages: Flow[][] = [];
  let page: Flow[] = [];
  let bytes = 0;
  for (const flow of flows) {
    const size = flowBytes(flow);
    if (bytes + size > pageBytesMax) {
      pages.push(page);
      page = [];
      bytes = 0;
    }
    page.push(flow);
    bytes += size;
  }
  pages.push(page);
  return pages;
}
