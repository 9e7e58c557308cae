import { createReadStream } from "node:fs";

import type { Configuration } from "../configuration/configuration.ts";
import { sidesOf } from "../configuration/node-here.ts";
import { exitCodes, Failure, reasonOf } from "../failure.ts";
import { type Fingerprint, readFingerprint } from "./fingerprint.ts";

/** A hundred thousand files, told one by one. */
const bytesMax = 64 * 2 ** 20;

/** The fingerprint in a file, or on standard input for `-`; throws a Failure that says what is wrong with it. */
export async function fingerprintFrom(file: string): Promise<Fingerprint> {
  const source = file === "-" ? "standard input" : file;
  const refuse = (found: string): Failure =>
    new Failure(
      exitCodes.usage,
      `Cannot read a fingerprint from ${source}: ${found}; failover fingerprint on the other machine makes one`,
    );
  const text = await textFrom(file).catch((error: unknown) => {
    throw refuse(reasonOf(error));
  });
  if (text === undefined) throw refuse(`it is longer than ${bytesMax / 2 ** 20} MiB`);
  if (text.trim() === "") throw refuse("it is empty");
  const fingerprint = readFingerprint(text);
  if (fingerprint === undefined) throw refuse("it is none, or of another version of failover");
  return fingerprint;
}

/** Throws a Failure unless it is that of the other machine of this pair. */
export function mustBeOfPeer(
  { pair, node }: Fingerprint,
  configuration: Configuration,
  here: string,
): void {
  const { peer } = sidesOf(configuration, here);
  if (pair === configuration.pair && node === peer.name) return;
  throw new Failure(
    exitCodes.usage,
    `Cannot compare ${here} with the fingerprint of ${node}, pair ${pair}: ` +
      `that of ${peer.name}, pair ${configuration.pair}, is expected`,
  );
}

async function textFrom(file: string): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of file === "-" ? process.stdin : createReadStream(file)) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    if (length > bytesMax) return undefined;
  }
  return Buffer.concat(chunks).toString("utf8");
}
