import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

import { configurationAt, statusNow, type Whereabouts } from "./agent-access.ts";
import type { Configuration } from "./configuration/configuration.ts";
import { isAbsence } from "./control-client.ts";
import { errorCode, exitCodes, Failure, reasonOf } from "./failure.ts";
import { addKey, keepNewestKey, readKeyFile } from "./key-file.ts";
import { socketPath } from "./places.ts";
import type { Status } from "./status.ts";

/*
 * Changing the key of a running pair. Each step leaves both machines with a key that they share, so
 * whoever is called away in the middle leaves a pair that goes on:
 *
 *   this machine     the other        both sign with
 *   new, old         old              old
 *   new, old         new, old         new
 *   new              new, old         new
 *   new              new              new
 */

/** An agent reads a file of four lines when it is told to: by far less than this. */
const rereadMillisMax = 5000;

export interface KeyAddOptions extends Whereabouts {
  readonly stdin: boolean;
}

/** `failover key add [--stdin]`: a new key, or the one that the other machine made. */
export async function runKeyAdd(options: KeyAddOptions): Promise<number> {
  const place = await keyPlace(options);
  const keys = await addKey(place.file, options.stdin ? await lineOfInput() : undefined);
  const [{ id }] = keys;
  say(`Key ${id} is the first in ${place.file}: ${await reread(place, ids(keys))}`);
  if (options.stdin) say("When both machines accept it, on one and then on the other:", retireLine);
  else say(...otherMachine(place, id), "Then, on one machine and then on the other:", retireLine);
  return exitCodes.done;
}

export interface KeyRetireOptions extends Whereabouts {
  readonly force: boolean;
}

/** `failover key retire [--force]`: the newest key stays, the others go. */
export async function runKeyRetire(options: KeyRetireOptions): Promise<number> {
  const place = await keyPlace(options);
  const keys = await readKeyFile(place.file);
  if (keys.length === 1) {
    say(`Key ${keys[0].id} is the only one in ${place.file}: there is none to retire`);
    return exitCodes.done;
  }
  const wait = whyNotYet(place, ids(keys));
  if (wait !== undefined && !options.force)
    throw new Failure(
      exitCodes.refused,
      `Cannot retire ${keyWords(ids(keys).slice(1))}: ${wait}; --force does it all the same`,
    );
  await retire(place);
  return exitCodes.done;
}

/** `failover key list`. */
export async function runKeyList(options: Whereabouts & { readonly json: boolean }) {
  const place = await keyPlace(options);
  const known = place.status?.keys;
  const keys = ids(await readKeyFile(place.file)).map((id, index) => ({
    id,
    newest: index === 0,
    accepted: known?.accepted.includes(id) ?? null,
    peerSigns: known?.peer == null ? null : known.peer.signed === id,
  }));
  if (options.json) say(JSON.stringify({ file: place.file, keys }, null, 2));
  else
    for (const { id, newest, accepted, peerSigns } of keys) {
      const words = [
        ...(newest ? ["the newest"] : []),
        ...(accepted === null ? ["no agent is running"] : []),
        ...(accepted === true ? ["accepted by the agent"] : []),
        ...(accepted === false ? ["not read by the agent yet: kill -HUP makes it"] : []),
        ...(peerSigns === true ? [`${place.status?.peer.node} signs with it`] : []),
      ];
      say(`key ${String(id).padEnd(3)}  ${words.join(", ")}`);
    }
  return exitCodes.done;
}

export interface KeyRotateOptions extends Whereabouts {
  /** Seconds. */
  readonly wait: number;
}

/**
 * `failover key rotate`: adds a new key here, waits until the other machine has it, retires the old one.
 * Where two keys are there already it goes on with them, so it can be interrupted at any step.
 */
export async function runKeyRotate(options: KeyRotateOptions): Promise<number> {
  let place = await keyPlace(options);
  if (place.status === undefined)
    throw new Failure(
      exitCodes.unknown,
      `Cannot rotate the key: no agent is running here, so nobody knows what the other machine ` +
        "accepts; start it, or stop both agents and copy a new key file to both",
    );
  const found = await readKeyFile(place.file);
  const keys = found.length === 1 ? await addKey(place.file, undefined) : found;
  const [{ id }] = keys;
  say(`1. Key ${id} is the first in ${place.file}: ${await reread(place, ids(keys))}`);
  const until = Date.now() + options.wait * 1000;
  place = await keyPlace(options);
  if (whyNotYet(place, ids(keys)) !== undefined)
    say(
      ...otherMachine(place, id).map((line, index) => (index === 0 ? `2. ${line}` : `   ${line}`)),
    );
  for (;;) {
    const wait = whyNotYet(place, ids(keys));
    if (wait === undefined) break;
    if (Date.now() > until)
      throw new Failure(
        exitCodes.unknown,
        `Stopped waiting: ${wait}; both machines go on with the old key, and ` +
          "failover key rotate goes on from here",
      );
    await delay(500);
    place = await keyPlace(options);
  }
  say(`3. ${place.status?.peer.node} signs with key ${id}`);
  await retire(place);
  say(`4. On ${place.status?.peer.node}:`, `   ssh root@${peerAddress(place)} failover key retire`);
  return exitCodes.done;
}

interface KeyPlace {
  readonly file: string;
  readonly configuration: Configuration;
  readonly socket: string;
  /** Undefined where no agent is running. */
  readonly status: Status | undefined;
}

const retireLine = "  failover key retire";

async function keyPlace(where: Whereabouts): Promise<KeyPlace> {
  const configuration = await configurationAt(where);
  const socket = where.socket ?? socketPath(configuration.pair);
  return { file: configuration.key, configuration, socket, status: await statusAt(socket) };
}

async function statusAt(socket: string): Promise<Status | undefined> {
  try {
    return await statusNow(socket);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/** Why the old keys are still needed; undefined: they are not. */
function whyNotYet({ status }: KeyPlace, [newest]: readonly number[]): string | undefined {
  if (status === undefined)
    return "no agent is running here, so nobody knows what the other machine accepts";
  const { keys, peer } = status;
  if (keys.accepted[0] !== newest) return `the agent here has not read key ${newest} yet`;
  if (keys.peer === null) return `${peer.node} is not heard, so nobody knows what it accepts`;
  if (keys.peer.newest !== newest)
    return `the newest key of ${peer.node} is ${keys.peer.newest}, not ${newest}`;
  if (keys.peer.signed !== newest) return `${peer.node} still signs with key ${keys.peer.signed}`;
  return undefined;
}

async function retire(place: KeyPlace): Promise<void> {
  const [{ id }, ...old] = await keepNewestKey(place.file);
  say(
    `Removed ${keyWords(ids(old))} from ${place.file}, key ${id} stays: ${await reread(place, [id])}`,
  );
}

/** Has the agent read its key file, and answers in words that follow a colon whether it did. */
async function reread({ status, socket }: KeyPlace, wanted: readonly number[]): Promise<string> {
  if (status === undefined) return "no agent is running, and the next one reads it";
  tellToRead(status.agent.pid);
  const until = Date.now() + rereadMillisMax;
  while (Date.now() < until) {
    await delay(20);
    const { accepted } = (await statusNow(socket)).keys;
    if (accepted.join() === wanted.join()) return "the agent accepts it";
  }
  throw new Failure(
    exitCodes.unknown,
    `The key file is changed, and the agent has not taken it within ${rereadMillisMax} ms: ` +
      "failover history says why",
  );
}

function tellToRead(pid: number): void {
  try {
    process.kill(pid, "SIGHUP");
  } catch (error) {
    const found = errorCode(error) === "ESRCH" ? `no process has the id ${pid}` : reasonOf(error);
    throw new Failure(
      exitCodes.unknown,
      `The key file is changed, and the agent could not be told to read it: ${found}; ` +
        "systemctl reload failover tells it, or the next one reads it",
      { cause: error },
    );
  }
}

function otherMachine(place: KeyPlace, id: number): readonly string[] {
  const name = place.status?.peer.node ?? "the other machine";
  return [
    `Give key ${id} to ${name}, through a pipe, so that it stands in no list of processes:`,
    `  head -n 1 ${place.file} | ssh root@${peerAddress(place)} failover key add --stdin`,
  ];
}

function peerAddress({ configuration, status }: KeyPlace): string {
  const peer = configuration.nodes.find(({ name }) => name === status?.peer.node);
  return peer?.paths[0] ?? "OTHER";
}

const ids = (keys: readonly { readonly id: number }[]): number[] => keys.map(({ id }) => id);

const keyWords = (keys: readonly number[]): string =>
  `${keys.length === 1 ? "key" : "keys"} ${keys.join(", ")}`;

async function lineOfInput(): Promise<string> {
  for await (const line of createInterface({ input: process.stdin })) return line.trim();
  throw new Failure(exitCodes.usage, "Cannot add a key: nothing came on standard input");
}

function say(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}
