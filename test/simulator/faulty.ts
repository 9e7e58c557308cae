import type { Host } from "../../src/agent/ports.ts";

/** A host in which something is done otherwise. */
export const faulty = (host: Host, fault: Partial<Host>): Host => ({
  reconcile: (wish) => host.reconcile(wish),
  renew: () => host.renew(),
  useLease: (lease) => host.useLease(lease),
  announce: () => host.announce(),
  probe: (holder) => host.probe(holder),
  probeWitness: () => host.probeWitness(),
  probePeer: () => host.probePeer(),
  listKept: (id) => host.listKept(id),
  placeKept: (id, flows) => host.placeKept(id, flows),
  cutKept: () => host.cutKept(),
  ...fault,
});
