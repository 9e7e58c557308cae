import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { setTimeout } from "node:timers/promises";

import { markCanary } from "../../traffic/parse/canary.ts";
import type { CanaryConfiguration } from "../configuration/configuration.ts";
import { errorCode, reasonOf } from "../failure.ts";

export interface CanaryRequest {
  /** Asked at this address, whatever the name resolves to. */
  readonly address: string;
  /** Sent as Host, and to TLS as the server's name. */
  readonly domain: string | undefined;
  readonly canary: CanaryConfiguration;
  /** 1 to 40 of `0-9 a-z -`; how the request is known again in the access_log. */
  readonly tag: string;
  readonly signal: AbortSignal;
}

/**
 * Undefined: the page came as expected. Otherwise one sentence: what was asked for, and what came.
 */
export async function askForPage(asked: CanaryRequest): Promise<string | undefined> {
  const { canary, address, domain } = asked;
  const host = domain ?? (address.includes(":") ? `[${address}]` : address);
  const page = `${canary.scheme}://${host}:${canary.port}${canary.path} at ${address}`;
  try {
    const status = await statusOnceReachable(asked, host);
    if (status >= canary.expect.from && status <= canary.expect.to) return undefined;
    const { from, to } = canary.expect;
    return `${page} answered with status ${status}, ${from} to ${to} are expected`;
  } catch (error) {
    return `Cannot fetch ${page}: ${reasonOf(error)}`;
  }
}

/**
 * An IPv6 address is reachable a moment after the kernel shows it: its route comes from a work queue
 * (net/ipv6/addrconf.c, addrconf_dad_work).
 */
async function statusOnceReachable(asked: CanaryRequest, host: string): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await statusOf(asked, host);
    } catch (error) {
      if (tries >= 20 || errorCode(error) !== "ENETUNREACH") throw error;
      await setTimeout(50, undefined, { signal: asked.signal });
    }
  }
}

function statusOf({ canary, address, domain, tag, signal }: CanaryRequest, host: string) {
  const { userAgent, target } = markCanary(tag, canary.path);
  const request = canary.scheme === "https" ? httpsRequest : httpRequest;
  const options = {
    host: address,
    port: canary.port,
    path: target,
    agent: false,
    signal,
    headers: { host, "user-agent": userAgent, connection: "close" },
    // A certificate is for a name: without one there is nothing that it could be checked against.
    ...(domain === undefined ? { rejectUnauthorized: false } : { servername: domain }),
  };
  return new Promise<number>((resolve, reject) => {
    const sent = request(options, (response) => {
      response.on("error", reject);
      response.on("end", () => resolve(response.statusCode ?? 0));
      response.resume();
    });
    sent.on("error", reject);
    sent.end();
  });
}
