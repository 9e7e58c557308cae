import { freshPeer, speaks } from "../../src/core/judge.ts";
import { isOver } from "../../src/core/swap.ts";
import { beat } from "../../src/core/publish.ts";
import type { Machine } from "./machine.ts";
import type { World } from "./world.ts";

export class LawBroken extends Error {
  override readonly name = "LawBroken";
}

/*
 * The laws. *Speaks* = its kernel answers ARP/ND for the address. *Serves* = it accepts a new
 * connection for it.
 *
 * 1. **One server.** At no time do two machines serve. One machine speaks; in a handover's *move*,
 *    for a moment, both do, and both doors lead to the same server. What two machines cannot prevent
 *    without a fence or a third vote is listed by name in docs, with its bound: a machine paused
 *    whole speaks again when it resumes, until it hears one beat; a full cut without a witness has
 *    two holders until it heals plus two intervals.
 * 2. **The kernel lets go by itself.** A machine whose agent is killed, hung or starved loses the
 *    address within `lease` + 1 s with nobody's help.
 * 3. **A holder yields** only to an operator's wish that it has acknowledged; to its own service
 *    failing, or its service network being lost, while the peer's is well; to a holder with a higher
 *    epoch; to isolation. Never to silence; never to a newcomer, whatever its name; never to an epoch
 *    taken *blind* (by a machine that has not heard the peer since it started) if it has itself held
 *    without a break.
 * 4. **Odd is not dead.** An authentic beat that is strange (other version, configuration,
 *    interval) is a sign of life and an alarm. A peer that cannot hear us is an alarm, not silence: a
 *    standby that still hears the holder never takes.
 * 5. **Look before taking.** Own loop not late; silence on every path; carrier on the service
 *    interface; nobody answers for the address; a witness answers. Otherwise wait, and say why.
 * 6. **Goodbye follows removal.** "Released" is said only after the address was observed absent.
 * 7. **Epochs settle arguments.** Every change of ownership raises the epoch; the higher wins,
 *    ties go to the name that sorts first byte by byte; the loser lets go first and says so; the
 *    winner announces again at once, after 1.1 s and after 5 s.
 * 8. **Nothing slow beats the heart.** No disk, DNS, child process or lock is waited for between
 *    an event and the next beat.
 * 9. **A handover is a transaction.** It ends *done* or *rolled back*, whatever dies in the
 *    middle, and the history says which and why.
 * 10. **Every fact has an age.** Status never shows a value without saying how old it is.
 */

/**
 * Watches a world from outside: it asks kernels, wires and clocks, never what an agent believes of
 * itself, except for what an agent says to others.
 */
class Laws {
  private readonly world: World;
  /** Until when two servers are one of the cases that two machines cannot prevent. */
  private excusedUntil = 0;
  private bothSince: number | undefined;
  private readonly epochs = new Map<object, number>();
  private readonly agentGoneSince = new Map<string, number>();

  constructor(world: World) {
    this.world = world;
    world.onChange = () => this.look();
    world.onSend = (from) => this.lookAtWord(from);
  }

  look(): void {
    this.oneServer();
    for (const machine of this.world.machines) {
      this.letsGoByItself(machine);
      this.epochsRise(machine);
    }
  }

  /** Law 1. What cannot be prevented without a fence or a third vote is excused while it lasts, and shortly after. */
  private oneServer(): void {
    const [one, other] = this.world.machines;
    const { now } = this.world.schedule;
    const grace = 6 * one.policy.interval + 300;
    if (this.unpreventable(one, other) || this.unpreventable(other, one))
      this.excusedUntil = now + grace;
    if (one.kernel.paused || other.kernel.paused) this.excusedUntil = now + grace;
    // Such a case lasts while both have the address, also where one has no carrier meanwhile.
    const present = one.kernel.present && other.kernel.present;
    if (now <= this.excusedUntil && present && !this.settleable(one, other))
      this.excusedUntil = now + grace;
    if (!one.kernel.speaks || !other.kernel.speaks) {
      this.bothSince = undefined;
      return;
    }
    this.bothSince ??= now;
    // Deaf to each other's beats, two that took at one instant find each other by ARP.
    const { deadTime, confirmTime, interval } = one.policy;
    const deaf = !this.canHear(one, other) && !this.canHear(other, one);
    const foundBy = this.bothSince + Math.max(deadTime, 1.5 * interval) + confirmTime + 1500;
    if (deaf && now < foundBy) this.excusedUntil = now + grace;
    // Two that began as such a case end once the lower epoch can hear the higher, and act on it.
    // In a move both doors lead to the same server.
    const both = serves(one) && serves(other) && !leadsOn(one) && !leadsOn(other);
    const excused = now <= this.excusedUntil || !both;
    if (excused && !this.settleable(one, other)) this.excusedUntil = now + grace;
    if (both && now > this.excusedUntil) this.fail("law 1", "both machines serve");
  }

  private settleable(one: Machine, other: Machine): boolean {
    const ahead = epochOf(one) - epochOf(other);
    // A tie goes to the name that sorts first.
    const isLower = ahead < 0 || (ahead === 0 && one.name > other.name);
    const [lower, higher] = isLower ? [one, other] : [other, one];
    return this.acts(higher) && this.canHear(lower, higher) && this.prompt(lower);
  }

  private acts(machine: Machine): boolean {
    return machine.agent !== undefined && !machine.frozen && !machine.kernel.paused;
  }

  /** Beats of a session are believed once they have shown that it hears us: that takes both ways, once. */
  private canHear(machine: Machine, other: Machine): boolean {
    const { agent } = machine;
    if (agent === undefined || !this.acts(machine) || !this.beatsPass(other)) return false;
    const believes = freshPeer(agent.state, machine.now(), machine.policy) !== undefined;
    return believes || this.beatsPass(machine);
  }

  /** Whoever wants to let go can do it within the claims that precede a taking. */
  private prompt(machine: Machine): boolean {
    const { commandSlowness, commandFailure, timerLateness, delay, jitter } = this.world.weather;
    const slow = commandSlowness + timerLateness + delay + jitter;
    return commandFailure === 0 && slow < machine.policy.confirmTime / 4;
  }

  private beatsPass(from: Machine): boolean {
    return from.policy.paths.some((_, path) => this.world.passes(from, path, "udp"));
  }

  /** The taker can learn nothing of the holder, and the holder can learn nothing of the taking, or cannot act. */
  private unpreventable(holder: Machine, taker: Machine): boolean {
    const { world } = this;
    const beats = this.acts(holder) && this.beatsPass(holder);
    const arp = world.passes(holder, 0, "frames") && world.passes(taker, 0, "frames");
    // A command that puts back what another program removed may be under way for long.
    const answers = holder.kernel.powered && !holder.kernel.paused && !holder.kernel.torn;
    const kernel = arp && answers;
    const hears = this.canHear(holder, taker);
    const prompt = this.prompt(taker);
    return !beats && !kernel && !(hears && prompt);
  }

  /** Law 2. */
  private letsGoByItself(machine: Machine): void {
    const { now } = this.world.schedule;
    const gone = machine.agent === undefined || machine.frozen;
    if (!gone || machine.kernel.paused || !machine.kernel.powered) {
      this.agentGoneSince.delete(machine.name);
      return;
    }
    const since = this.agentGoneSince.get(machine.name) ?? now;
    this.agentGoneSince.set(machine.name, since);
    if (machine.kernel.present && now > since + machine.policy.lease + 1000 + 1050)
      this.fail(
        "law 2",
        `${machine.name} has the address ${(now - since).toFixed(0)} ms without an agent`,
      );
  }

  /** Law 6, and what a beat says of the address: never less than the kernel does. */
  private lookAtWord(from: Machine): void {
    if (from.agent === undefined || !from.kernel.present || from.kernel.paused) return;
    const said = beat(from.agent.state, from.now(), from.policy);
    if (said.released && !speaks(said))
      this.fail("law 6", `${from.name} said released while its kernel had the address`);
  }

  /** Law 7: what a machine takes has a higher epoch than anything it owned or heard of in this life. */
  private epochsRise(machine: Machine): void {
    const { agent } = machine;
    if (agent === undefined || agent.state.role.kind !== "take") return;
    const { epoch } = agent.state.role;
    const known = this.epochs.get(agent) ?? 0;
    if (epoch < known)
      this.fail("law 7", `${machine.name} takes with epoch ${epoch} after it had ${known}`);
    this.epochs.set(agent, epoch);
    const { peer } = agent.state;
    if (
      peer.kind === "heard" &&
      speaks(peer.beat) &&
      peer.beat.epoch > epoch &&
      agent.state.role.since > peer.at
    )
      this.fail("law 7", `${machine.name} takes with epoch ${epoch} below ${peer.beat.epoch}`);
  }

  /** After the weather has cleared: one server, the clients' entries point to it, no swap is left over. */
  settled(): void {
    const serving = this.world.machines.filter(serves);
    const [holder] = serving;
    const roles = this.world.machines
      .map((machine) => `${machine.name} ${machine.agent?.state.role.kind ?? "down"}`)
      .join(", ");
    if (holder === undefined || serving.length !== 1)
      this.fail("liveness", `${serving.length} machines serve after the weather cleared: ${roles}`);
    else if (this.world.clientsArp !== holder.mac)
      this.fail(
        "liveness",
        `${holder.name} holds, the clients' entries point to ${this.world.clientsArp}`,
      );
    for (const { name, agent } of this.world.machines)
      if (agent !== undefined && !isOver(agent.state.handover))
        this.fail("law 9", `${name} is still in a swap: ${JSON.stringify(agent.state.handover)}`);
  }

  private fail(law: string, what: string): never {
    throw new LawBroken(`${law} broken at ${this.world.schedule.now.toFixed(1)} ms: ${what}`);
  }
}

/** From now on the world throws LawBroken as soon as one is. */
export const watch = (world: World): Laws => new Laws(world);

function epochOf(machine: Machine): number {
  const role = machine.agent?.state.role;
  return role !== undefined && "epoch" in role ? role.epoch : 0;
}

/** Whatever is new at its door goes to the other machine. */
const leadsOn = ({ kernel }: Machine): boolean => kernel.diversion.kind === "all-but-kept";

/** Its kernel answers for the address where clients can hear it. */
const serves = (machine: Machine): boolean =>
  machine.kernel.speaks && !machine.kernel.muted && !machine.world.offGateway.has(machine.name);
