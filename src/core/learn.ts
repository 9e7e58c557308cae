import type { MacAddress } from "./beat.ts";
import type { Diversion } from "./diversion.ts";
import type { Carrier, Event } from "./event.ts";
import {
  freshPeer,
  hindrance,
  questionEnds,
  rivalFresh,
  speaks,
  witnessed,
  witnessSeen,
} from "./judge.ts";
import { adopt, obey } from "./orders.ts";
import type { Policy } from "./policy.ts";
import type { Hold, Inquire, Neighbours, Peer, State } from "./state.ts";
import { after, type Instant, millis } from "./time.ts";

/** How many MACs with proxy ARP are remembered; a network that has more than two is rare. */
const proxiesMax = 8;

type BeatHeard = Extract<Event, { kind: "beat-heard" }>;

/**
 * What an event adds to what is known. Facts only: no role and no phase changes here, but for
 * adoption.
 */
export function learn(state: State, event: Event, now: Instant, policy: Policy): State {
  switch (event.kind) {
    case "woke":
    case "baseline-measured":
    case "rehearsed":
    case "traffic-counted":
    case "kept-listed":
    case "kept-placed":
    case "resumed":
      return state;
    case "beat-heard":
      return learnBeat(state, event, now, policy);
    case "address-observed":
      return learnPresence(state, event.presence, now);
    case "door-observed":
      return state;
    case "silent-observed":
      return { ...state, self: { ...state.self, silent: event.present } };
    case "diversion-observed":
      return learnDiversion(state, event.diversion, now);
    case "connections-counted": {
      const { connections, stragglers } = event;
      return { ...state, self: { ...state.self, left: { connections, stragglers, at: now } } };
    }
    case "peer-kernel-answered":
      return { ...state, neighbours: { ...state.neighbours, peerKernelAt: now } };
    case "renewed":
      return state.role.kind === "hold"
        ? { ...state, role: { ...state.role, renewedAt: event.sentAt } }
        : state;
    case "carrier-observed":
      return learnCarrier(state, event.carrier, event.mac, now);
    case "network-heard":
      return learnAlive({ ...state, self: { ...state.self, networkHeardAt: now } }, now);
    case "neighbour-answered":
      return learnNeighbour(state, event.mac, now, policy);
    case "witness-answered":
      return learnWitness(state, event.mac, now, policy);
    case "service-observed":
      return learnService(state, event.listening, now);
    case "operator-asked":
      return { ...state, orders: obey(state.orders, event.order, policy) };
    case "adopted":
      return adopt(state, event, now, policy);
  }
}

/**
 * A verdict reached late is discarded and asked again: what was silent may only have been unread, and
 * what is read now may be long over.
 */
export function learnLateness(state: State, now: Instant): State {
  const { role } = state;
  const asked = role.kind === "inquire" ? askedAnew(role, now) : role;
  return { ...state, role: asked, lateAt: now };
}

/**
 * A machine that could not take, and now can, asks anew: until now the other was answered that it need
 * not wait for this one, and may be about to act on it.
 */
export function learnAbility(before: State, state: State, now: Instant, policy: Policy): State {
  const { role } = state;
  if (role.kind !== "inquire" || before.role.kind !== "inquire") return state;
  const couldAlready = hindrance(before, now, policy) === undefined;
  const cannotYet = hindrance(state, now, policy) !== undefined;
  return couldAlready || cannotYet ? state : { ...state, role: askedAnew(role, now) };
}

const askedAnew = (role: Inquire, now: Instant): Inquire => ({
  ...role,
  since: now,
  asking: now,
  claimingSince: undefined,
});

function learnBeat(state: State, event: BeatHeard, now: Instant, policy: Policy): State {
  const known = state.peer.kind === "heard" ? state.peer : undefined;
  const paths = policy.paths.map((_, path) => (path === event.path ? now : known?.paths[path]));
  if (known !== undefined && !event.newest) return { ...state, peer: { ...known, at: now, paths } };
  const { beat } = event;
  const claiming = beat.role === "claiming";
  const peer: Peer = {
    kind: "heard",
    beat,
    at: now,
    paths,
    hearsUs: event.heardOfUs ?? known?.hearsUs,
    claimingSince: claiming ? (known?.claimingSince ?? now) : undefined,
  };
  const witnessLost = !beat.network.witness && !witnessSeen(state, now);
  const freeze = beat.freeze.stamp > state.orders.freeze.stamp ? beat.freeze : state.orders.freeze;
  const heard: State = {
    ...state,
    peer,
    epoch: Math.max(state.epoch, beat.epoch),
    witness: { ...state.witness, broken: policy.witness && (state.witness.broken || witnessLost) },
    orders: { ...state.orders, freeze },
    neighbours: heardFrom(state.neighbours, beat.mac),
  };
  return announceAgainAfter(heard, known, now, policy);
}

/** Whose MAC a beat names is no stranger, whatever it announced before it was heard. */
const heardFrom = (known: Neighbours, mac: MacAddress): Neighbours => ({
  ...known,
  foreign: known.foreign?.mac === mac ? undefined : known.foreign,
  proxies: known.proxies.filter((proxy) => proxy !== mac),
  rival: undefined,
});

/**
 * The neighbours' tables may point anywhere after two machines spoke, or after the peer was away: the
 * one that keeps the address announces it again. The field's oldest wound: a heal, and nobody does.
 */
function announceAgainAfter(
  state: State,
  known: Extract<Peer, { kind: "heard" }> | undefined,
  now: Instant,
  policy: Policy,
): State {
  if (state.peer.kind === "unheard") return state;
  const spoke = known !== undefined && speaks(known.beat) && !speaks(state.peer.beat);
  const wasAway = known === undefined || now >= after(known.at, policy.deadTime);
  return spoke || wasAway ? announceAgain(state, now) : state;
}

function announceAgain(state: State, now: Instant): State {
  return state.role.kind === "hold"
    ? { ...state, role: { ...state.role, announcingSince: now, announced: 0 } }
    : state;
}

function learnPresence(state: State, presence: State["self"]["presence"], now: Instant): State {
  const returned = state.self.presence !== "all" && presence === "all";
  const observed = { ...state, self: { ...state.self, presence, presenceAt: now } };
  return returned ? announceAgain(observed, now) : observed;
}

/** Since when it is so: the same thing observed again changes nothing. */
function learnDiversion(state: State, diversion: Diversion, now: Instant): State {
  const { self } = state;
  const same = self.diversion.kind === diversion.kind;
  return {
    ...state,
    self: { ...self, diversion, diversionAt: same ? self.diversionAt : now },
  };
}

function learnCarrier(state: State, carrier: Carrier, mac: MacAddress, now: Instant): State {
  const { role } = state;
  // An interface that is gone has no MAC; beats go on with the one it had.
  const self = { ...state.self, carrier, mac: mac === "" ? state.self.mac : mac };
  const observed = learnAlive({ ...state, self }, now);
  if (carrier !== "up" || state.self.carrier === "up") return observed;
  // Nobody could answer before.
  if (role.kind === "inquire") return { ...observed, role: askedAnew(role, now) };
  return announceAgain(observed, now);
}

/** `bootTime` counts only while the interface has carrier and something was heard on it. */
function learnAlive(state: State, now: Instant): State {
  const { role, self } = state;
  if (role.kind !== "boot") return state;
  const alive = self.carrier === "up" && self.networkHeardAt !== undefined;
  const aliveSince = alive ? (role.aliveSince ?? now) : undefined;
  return { ...state, role: { ...role, aliveSince } };
}

function learnNeighbour(state: State, mac: MacAddress, now: Instant, policy: Policy): State {
  const { neighbours, role } = state;
  if (mac === state.self.mac || neighbours.proxies.includes(mac)) return state;
  const ofPeer = state.peer.kind === "heard" && state.peer.beat.mac === mac;
  const holder = freshPeer(state, now, policy);
  if (!ofPeer && holder !== undefined && speaks(holder.beat)) {
    return { ...state, neighbours: { ...neighbours, proxies: withProxy(neighbours.proxies, mac) } };
  }
  const seen: State = ofPeer
    ? learnRival(state, now, policy)
    : { ...state, neighbours: { ...neighbours, foreign: { mac, at: now } } };
  if (role.kind === "inquire")
    return {
      ...seen,
      role: {
        ...role,
        asking: now,
        claimingSince: undefined,
        answered: true,
        kernelAnswered: role.kernelAnswered || ofPeer,
      },
    };
  return role.kind === "hold" && mayAnnounceAgain(role, now) ? announceAgain(seen, now) : seen;
}

/** While the peer's beats are heard, they tell more than its kernel does. */
function learnRival(state: State, now: Instant, policy: Policy): State {
  const taken = state.role.kind === "take" || state.role.kind === "hold";
  if (!taken || freshPeer(state, now, policy) !== undefined) return state;
  const { rival } = state.neighbours;
  const since = rival !== undefined && now < after(rival.at, rivalFresh) ? rival.since : now;
  return { ...state, neighbours: { ...state.neighbours, rival: { since, at: now } } };
}

const withProxy = (known: readonly MacAddress[], mac: MacAddress): readonly MacAddress[] =>
  known.includes(mac) ? known : [...known, mac].slice(-proxiesMax);

/**
 * A fight of announcements helps nobody: one answer to a claim in 1.1 s, above Linux's `locktime`
 * of 1 s.
 */
const mayAnnounceAgain = (role: Hold, now: Instant): boolean =>
  role.announcedAt !== undefined && now >= after(role.announcedAt, millis(1100));

function learnWitness(
  state: State,
  mac: MacAddress | undefined,
  now: Instant,
  policy: Policy,
): State {
  const { role, neighbours } = state;
  const witness = { ...state.witness, seenAt: now, broken: false };
  // What answers for the witness's own address is not the holder, even if it answers for ours as
  // well.
  const proxies =
    mac === undefined || mac === state.self.mac
      ? neighbours.proxies
      : withProxy(neighbours.proxies, mac);
  const foreign = neighbours.foreign?.mac === mac ? undefined : neighbours.foreign;
  const known: State = { ...state, witness, neighbours: { ...neighbours, proxies, foreign } };
  // Whoever could not be reached by the witness was not heard by its neighbours either.
  const seen = witnessSeen(state, now) ? known : announceAgain(known, now);
  if (role.kind !== "inquire") return seen;
  // Whoever was cut off asks again once it is connected: what was silent may only have been out of
  // reach.
  const first = !witnessed(role) && now >= questionEnds(role, state, policy);
  return { ...seen, role: { ...(first ? askedAnew(role, now) : role), witnessAt: now } };
}

function learnService(state: State, listening: boolean, now: Instant): State {
  const listenedAt = listening ? now : state.self.service.listenedAt;
  return { ...state, self: { ...state.self, service: { listening, listenedAt } } };
}
