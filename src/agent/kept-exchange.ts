import type { HandoverId } from "../core/beat.ts";
import type { Flow } from "../core/diversion.ts";
import type { Handover } from "../core/swap.ts";
import type { Instant } from "../core/time.ts";
import type { KeptWord, Message, Page } from "../protocol/datagram.ts";
import { KeptListener, KeptTeller } from "./kept-list.ts";

/** Both sides of telling which connections stay, each list in the swap that it belongs to. */
export class KeptExchange {
  private teller: { readonly id: HandoverId; readonly list: KeptTeller } | undefined;
  private listener: { readonly id: HandoverId; readonly list: KeptListener } | undefined;

  /** What the holder keeps in this swap, in place of any list before. */
  list(id: HandoverId, flows: readonly Flow[]): void {
    this.teller = { id, list: new KeptTeller(flows) };
  }

  /** The pages that the holder tells now. */
  due(handover: Handover, now: Instant): readonly Page[] {
    const telling = handover.kind === "giving" && handover.phase === "telling";
    if (!telling || this.teller?.id !== handover.id) this.teller = undefined;
    return this.teller?.list.due(now) ?? [];
  }

  /** The newest word of the target. */
  acknowledge({ envelope, beat }: Message): void {
    if (this.teller?.id === beat.handover.id) this.teller.list.acknowledge(envelope.kept.heard);
  }

  /** On the target: every connection that the holder keeps, once, when the last page has come. */
  hear({ envelope, beat }: Message, handover: Handover): readonly Flow[] | undefined {
    const { phase, id } = beat.handover;
    const proved = handover.kind === "receiving" && handover.phase === "proved";
    if (!proved || phase !== "telling" || id !== handover.id) return undefined;
    if (this.listener?.id !== id) this.listener = { id, list: new KeptListener() };
    return this.listener.list.hear(envelope.kept);
  }

  /** What every datagram says of it. */
  word(handover: Handover): Omit<KeptWord, "page"> {
    const listening = "id" in handover && this.listener?.id === handover.id;
    const heard = listening ? this.listener?.list.heard : undefined;
    return { pages: this.teller?.list.count ?? 0, heard: heard ?? 0 };
  }
}
