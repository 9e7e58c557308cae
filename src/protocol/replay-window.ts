/**
 * Which counters of one session were heard already: each is accepted at most once, in any order
 * within the last thousand or so, because one counter serves all paths and paths overtake each
 * other.
 *
 * A bitmap of 32 blocks used as a ring (RFC 6479): moving on clears whole blocks and shifts
 * nothing. The newest block is only partly used, so that 993 to 1024 counters are remembered.
 */
export class ReplayWindow {
  private readonly bits = new Uint32Array(blocks);
  private readonly first: number;
  private newest: number;

  /**
   * @param first counters below it count as heard: whoever recorded what was sent before we began
   *   to listen could otherwise play it to us, one false sign of life after the other
   */
  constructor(first: number) {
    this.first = first;
    this.newest = first - 1;
  }

  /** `older`: heard for the first time, but after a later one. `refused`: heard, or too old. */
  accept(counter: number): "newest" | "older" | "refused" {
    const block = Math.floor(counter / blockBits);
    const newestBlock = Math.floor(this.newest / blockBits);
    if (counter < this.first || block <= newestBlock - blocks) return "refused";
    for (let next = Math.max(newestBlock + 1, block - blocks + 1); next <= block; next += 1) {
      this.bits[next % blocks] = 0;
    }
    const slot = block % blocks;
    const bit = 1 << (counter % blockBits);
    const heard = this.bits[slot] ?? 0;
    if ((heard & bit) !== 0) return "refused";
    this.bits[slot] = heard | bit;
    if (counter < this.newest) return "older";
    this.newest = counter;
    return "newest";
  }
}

const blocks = 32;
const blockBits = 32;
