import type { TellLevel } from "./effect.ts";
import type { Hold, Inquire, Role, State } from "./state.ts";
import type { Instant } from "./time.ts";

/** Where each role may lead. `step` asserts it, and the diagram in docs/ is drawn from it. */
export const leadsTo: Readonly<Record<Role["kind"], readonly Role["kind"][]>> = {
  boot: ["standby", "inquire"],
  standby: ["inquire", "take"],
  /** To itself: what it waits for has changed. */
  inquire: ["inquire", "standby", "boot", "take"],
  take: ["hold", "yield"],
  /** To itself: acknowledged, or with an epoch above one that was taken blind. */
  hold: ["hold", "standby", "yield"],
  yield: ["standby"],
};

/** A change of the role, with one sentence that says what was decided and why. */
export interface Move {
  readonly role: Role;
  readonly level: TellLevel;
  /** Empty where there is nothing to tell. */
  readonly why: string;
  /** The kernel did not do what was wished: the other machine goes first for a while. */
  readonly failed?: boolean;
}

type RoleOf<Kind extends Role["kind"]> = Extract<Role, { kind: Kind }>;

/** A machine that never heard its peer boots again: its bootTime counts anew. */
export function toPassive(state: State, now: Instant, why: string): Move {
  return state.peer.kind === "heard"
    ? toStandby(now, why)
    : { role: { kind: "boot", since: now, aliveSince: undefined }, level: "info", why };
}

export function toStandby(now: Instant, why: string, level: TellLevel = "info"): Move {
  return { role: { kind: "standby", since: now }, level, why: `Standing by: ${why}` };
}

export function toInquire(now: Instant, why: string): Move {
  const role: Inquire = {
    kind: "inquire",
    since: now,
    asking: now,
    askedAt: undefined,
    probedAt: undefined,
    witnessAt: undefined,
    claimingSince: undefined,
    answered: false,
    kernelAnswered: false,
    waiting: "",
  };
  return { role, level: "warning", why: `Asking: ${why}` };
}

/** Law 7: every change of ownership raises the epoch. */
export function toTake(state: State, now: Instant, why: string): Move {
  const epoch = state.epoch + 1;
  const blind = state.peer.kind === "unheard";
  return {
    role: { kind: "take", since: now, epoch, blind },
    level: "warning",
    why: `Taking the address with epoch ${epoch}: ${why}`,
  };
}

/** The lease has run since the add was asked for, not since it was observed. */
export function toHold(role: RoleOf<"take">, now: Instant): Move {
  const hold: Hold = {
    kind: "hold",
    since: now,
    epoch: role.epoch,
    blind: role.blind,
    renewedAt: role.since,
    renewalAskedAt: role.since,
    announcingSince: now,
    announced: 0,
    announcedAt: undefined,
  };
  const why = `Holding the address with epoch ${role.epoch}: observed on the interface`;
  return { role: hold, level: "info", why };
}

export function toYield(epoch: number, now: Instant, level: TellLevel, why: string): Move {
  const sentence = `Letting the address go: ${why}`;
  return { role: { kind: "yield", since: now, epoch }, level, why: sentence };
}
