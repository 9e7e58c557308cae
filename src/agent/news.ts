import type { Beat } from "../core/beat.ts";

/** What the peer must know at once; counts, ages and the witness can wait for the next beat. */
export function news(said: Beat, saying: Beat): boolean {
  return (
    said.role !== saying.role ||
    said.epoch !== saying.epoch ||
    said.present !== saying.present ||
    said.able !== saying.able ||
    said.released !== saying.released ||
    said.restarting !== saying.restarting ||
    said.freeze.stamp !== saying.freeze.stamp ||
    said.handover.phase !== saying.handover.phase ||
    said.handover.step !== saying.handover.step ||
    said.handover.id !== saying.handover.id
  );
}
