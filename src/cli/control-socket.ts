import { spawn } from "node:child_process";
import { chmod, type FileHandle, lstat, mkdir, open, rename, rm, stat } from "node:fs/promises";
import type { Server } from "node:net";
import { dirname } from "node:path";

import { errorCode, exitCodes, Failure, reasonOf } from "./failure.ts";
import { ownershipFault } from "./ownership.ts";

/** sun_path holds 108 bytes with its end, and the name we listen on first is longer by 4. */
const pathBytesMax = 100;

export interface SocketClaim {
  /** Takes the socket away; the next agent may have the name. */
  release(): Promise<void>;
}

/**
 * Lets `server` listen at `path`, for its owner alone. A lock beside the socket decides who may:
 * the kernel drops it with the process, so what a dead agent left can be replaced, and a living
 * one, even a stopped one, keeps its name. To ask the old socket whether somebody listens, and to
 * remove it if not, leaves a moment in which two agents that start together both win.
 */
export async function claimSocket(server: Server, path: string): Promise<SocketClaim> {
  const refuse = (found: string, cause?: unknown): Failure =>
    new Failure(exitCodes.usage, `Cannot serve at ${path}: ${found}`, { cause });
  if (Buffer.byteLength(path) > pathBytesMax) {
    throw refuse(`the path is longer than ${pathBytesMax} bytes`);
  }
  let lock: FileHandle | undefined;
  try {
    await safeDirectory(dirname(path));
    // The file stays: whoever removed it could remove one that another agent has just locked.
    lock = await open(`${path}.lock`, "a", 0o600);
    if (!(await locked(lock))) throw alreadyServed(path);
    await removeSocket(path);
    // Nobody connects before the mode is right, for nobody knows the name.
    await removeSocket(`${path}.new`);
    await listen(server, `${path}.new`);
    await chmod(`${path}.new`, 0o600);
    await rename(`${path}.new`, path);
    return { release: () => release(path, lock) };
  } catch (error) {
    if (server.listening) server.close();
    await lock?.close();
    throw error instanceof Failure ? error : refuse(reasonOf(error), error);
  }
}

async function release(path: string, lock: FileHandle | undefined): Promise<void> {
  await rm(path, { force: true });
  await lock?.close();
}

/** Creates it for us alone, or makes sure that nobody else can put a socket there. */
async function safeDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const stats = await stat(directory);
  // In a sticky directory, as /tmp is, only the owner of a name can take it away.
  const forbidden = (stats.mode & 0o1000) === 0 ? 0o022 : 0;
  const fault = ownershipFault(directory, stats, { forbidden, mended: "700" });
  if (fault !== undefined) {
    throw new Failure(exitCodes.usage, `Cannot put a control socket into ${directory}: ${fault}`);
  }
}

/**
 * Node has no flock(2). flock(1) locks the open file that it inherits, which is ours: the lock
 * outlives the command, and lasts until the last descriptor of that open file is closed.
 */
function locked({ fd }: FileHandle): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn("flock", ["--nonblock", "3"], {
      stdio: ["ignore", "ignore", "ignore", fd],
    });
    child.once("error", (error) =>
      reject(new Error(`flock cannot be run (apt install util-linux): ${reasonOf(error)}`)),
    );
    child.once("exit", (code) => resolve(code === 0));
  });
}

async function removeSocket(path: string): Promise<void> {
  try {
    if (!(await lstat(path)).isSocket()) {
      throw new Failure(
        exitCodes.usage,
        `Cannot serve at ${path}: something that is no socket is there; remove it: rm ${path}`,
      );
    }
    await rm(path);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
}

function alreadyServed(path: string): Failure {
  return new Failure(
    exitCodes.refused,
    `Another agent already serves at ${path}: stop it first, or give this one another --socket`,
  );
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
