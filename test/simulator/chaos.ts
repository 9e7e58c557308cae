import { isOver } from "../../src/core/swap.ts";
import { millis } from "../../src/core/time.ts";
import { watch } from "./laws.ts";
import type { Machine } from "./machine.ts";
import { Random } from "./random.ts";
import { fairWeather } from "./weather.ts";
import { World } from "./world.ts";

/** Times for networks and machines of every speed; none of them may break a law. */
const rhythms = [
  { chaos: 12_000, heal: 14_000, policy: {} },
  { chaos: 12_000, heal: 14_000, policy: {} },
  {
    chaos: 6000,
    heal: 11_000,
    policy: {
      interval: millis(20),
      deadTime: millis(30),
      confirmTime: millis(15),
      bootTime: millis(1000),
    },
  },
  {
    chaos: 12_000,
    heal: 14_000,
    policy: { deadTime: millis(130), confirmTime: millis(30) },
  },
  {
    chaos: 30_000,
    heal: 30_000,
    policy: {
      interval: millis(1000),
      deadTime: millis(3000),
      confirmTime: millis(500),
      lease: millis(4000),
    },
  },
];

/** One run: first chaos and safety, then heal and liveness. Throws LawBroken, with the world's own words behind it. */
export function runChaos(seed: number, prepare: (world: World) => void = () => {}): World {
  const draw = new Random(seed);
  const rhythm = draw.pick(rhythms);
  const world = new World({
    seed,
    paths: draw.chance(0.6) ? 2 : 1,
    witness: draw.chance(0.75),
    policy: rhythm.policy,
    mode: draw.chance(0.6) ? "drain" : "cut",
    steps: draw.pick([[1], [0.3, 1]]),
    // By a die of its own, so that the other seeds tell the stories that they always told.
    takeover: new Random(seed ^ 0x5bd1e995).chance(0.15) ? "link" : "address",
  });
  prepare(world);
  const laws = watch(world);
  for (const machine of world.machines)
    world.schedule.after(draw.between(0, 2000), () => machine.boot());
  world.run(3500);
  if (draw.chance(0.7)) setWeather(world, draw);
  for (let spent = 0; spent < rhythm.chaos; ) {
    strike(world, draw);
    const pause = draw.chance(0.3) ? draw.between(0, 200) : draw.between(200, 3000);
    world.run(pause);
    spent += pause;
  }
  heal(world);
  world.run(rhythm.heal);
  // Where nothing tells the holder that it was cut off from its clients, the next of its announcements does.
  if (!world.machines.some((machine) => machine.kernel.speaks && world.clientsReach(machine)))
    world.run(31_000);
  // A swap that began late in the chaos goes on: it has to end, and is given its time.
  if (world.machines.some(({ agent }) => agent !== undefined && !isOver(agent.state.handover)))
    world.run(30_000);
  laws.settled();
  return world;
}

function setWeather(world: World, draw: Random): void {
  world.weather = {
    loss: draw.pick([0, 0.01, 0.1]),
    duplication: draw.pick([0, 0.1]),
    corruption: draw.pick([0, 0.02]),
    delay: draw.pick([0.1, 0.1, 1]),
    jitter: draw.pick([0.1, 1, 3]),
    commandSlowness: draw.pick([1, 5, 50, 3000]),
    commandFailure: draw.pick([0, 0.05]),
    timerLateness: draw.pick([1, 10, 400]),
    diskFailure: draw.pick([0, 0.3]),
  };
}

function strike(world: World, draw: Random): void {
  const machine = draw.pick(world.machines);
  const known = machine.kernel.link === undefined ? strikes : { ...strikes, ...linkStrikes };
  const name = draw.pick(Object.keys(known));
  world.tell(machine, `        (${name})`);
  known[name]?.(world, machine, draw);
}

type Strike = (world: World, machine: Machine, draw: Random) => void;

const later = (world: World, draw: Random, most: number, act: () => void) =>
  world.schedule.after(draw.between(50, most), act);

const cut = (world: World, from: Machine, what: "udp" | "frames", path: number) => {
  world.cuts = [...world.cuts, { from: from.name, what, path }];
};

const everyPath = (machine: Machine) => machine.policy.paths.map((_, path) => path);

const strikes: Readonly<Record<string, Strike>> = {
  "cut one way": (world, machine, draw) =>
    cut(world, machine, draw.pick(["udp", "frames"]), draw.pick(everyPath(machine))),
  "cut every path one way": (world, machine, draw) => {
    const what = draw.pick(["udp", "frames"] as const);
    for (const path of everyPath(machine)) cut(world, machine, what, path);
  },
  "cut off": (world, machine) => {
    for (const from of [machine, world.other(machine)])
      for (const path of everyPath(from)) cut(world, from, "frames", path);
    world.offGateway.add(machine.name);
  },
  mend: (world) => mend(world),
  "mend everything": (world) => mend(world),
  "mend it all": (world) => mend(world),
  "power off": (_world, machine) => machine.powerOff(),
  "power off for a while": (world, machine, draw) => {
    machine.powerOff();
    later(world, draw, 8000, () => machine.boot());
  },
  boot: (_world, machine) => machine.boot(),
  "kill the agent": (world, machine, draw) => {
    machine.killAgent();
    later(world, draw, draw.pick([400, 6000]), () => machine.startAgent());
  },
  freeze: (world, machine, draw) => {
    machine.freeze();
    later(world, draw, draw.pick([600, 2000, 12_000]), () => machine.thaw());
  },
  pause: (world, machine, draw) => {
    if (machine.kernel.paused || !machine.kernel.powered) return;
    machine.pause();
    later(world, draw, draw.pick([600, 2000, 12_000]), () => machine.resume());
  },
  "pull the service cable": (world, machine, draw) => {
    machine.setCarrier(false);
    later(world, draw, 5000, () => machine.setCarrier(true));
  },
  "hide the gateway": (world, machine) => world.offGateway.add(machine.name),
  "gateway down": (world, _machine, draw) => {
    world.gatewayWell = false;
    later(world, draw, 5000, () => {
      world.gatewayWell = true;
    });
  },
  "web server": (_world, machine, draw) => {
    machine.web = draw.pick(["well", "well", "down", "errors", "no log"]);
  },
  "kernel refuses": (world, machine, draw) => {
    machine.kernel.refuses = true;
    later(world, draw, 4000, () => {
      machine.kernel.refuses = false;
    });
  },
  "remove by hand": (_world, machine) => machine.kernel.removeByHand(),
  promote: (_world, machine, draw) => promote(machine, draw),
  "promote again": (_world, machine, draw) => promote(machine, draw),
  "promote once more": (_world, machine, draw) => promote(machine, draw),
  order: (_world, machine, draw) =>
    machine.order({ kind: draw.pick(["release", "freeze", "thaw", "thaw"]) }),
  weather: (world, _machine, draw) => setWeather(world, draw),
};

/** For machines that take the service's interface over with the address. */
const linkStrikes: typeof strikes = {
  "put the interface down": (_world, machine) => machine.kernel.setLink(false),
};

const promote = (machine: Machine, draw: Random) =>
  machine.order({
    kind: "promote",
    node: draw.pick(["primary", "backup"]),
    id: machine.world.random.hex(12),
    cut: draw.chance(0.3),
    hold: undefined,
    drainTime: undefined,
  });

function mend(world: World): void {
  world.cuts = [];
  world.offGateway.clear();
}

function heal(world: World): void {
  mend(world);
  world.weather = fairWeather;
  world.gatewayWell = true;
  for (const machine of world.machines) {
    machine.setCarrier(true);
    machine.resume();
    machine.thaw();
    machine.boot();
    machine.startAgent();
    machine.web = "well";
  }
  world.schedule.after(2000, () => {
    for (const machine of world.machines) machine.order({ kind: "thaw" });
  });
}
