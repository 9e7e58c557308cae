import { describe, expect, test } from "vitest";

import { KeptListener, KeptTeller } from "../../src/agent/kept-list.ts";
import type { Flow } from "../../src/core/diversion.ts";
import { instant } from "../../src/core/time.ts";
import { flowBytes, type Page, pageBytesMax } from "../../src/protocol/datagram.ts";
import { Random } from "../simulator/random.ts";

const flow4 = (at: number): Flow => ({
  address: "192.0.2.10",
  port: 80,
  client: `198.51.${(at >> 8) & 255}.${at & 255}`,
  clientPort: 1024 + (at % 60_000),
});
const flow6 = (at: number): Flow => ({
  address: "2001:db8::10",
  port: 443,
  client: `2001:db8:7::${at.toString(16)}`,
  clientPort: 1024 + (at % 60_000),
});
const flows = (count: number): readonly Flow[] =>
  Array.from({ length: count }, (_, at) => (at % 3 === 0 ? flow6(at) : flow4(at)));

/** Pages are lost, doubled and overtaken on the way, and so are the listener's words. */
function tellAcross(list: readonly Flow[], loss: number, restartAfter = Infinity) {
  const random = new Random(7);
  const teller = new KeptTeller(list);
  let listener = new KeptListener();
  let heard: readonly Flow[] | undefined;
  let late: Page[] = [];
  let told = 0;
  for (let now = 0; heard === undefined && now < 60_000; now += 5) {
    if (now >= restartAfter) {
      listener = new KeptListener();
      restartAfter = Infinity;
    }
    const pages = [...late, ...teller.due(instant(now))];
    late = pages.filter(() => random.chance(loss / 2));
    for (const page of pages) {
      told += 1;
      if (!random.chance(loss)) heard ??= listener.hear({ pages: teller.count, heard: 0, page });
    }
    if (!random.chance(loss)) teller.acknowledge(listener.heard);
  }
  return { heard, told, pages: teller.count };
}

describe("the list of kept connections", () => {
  test.each([0, 1, 40, 5000])("of %i arrives whole and in order", (count) => {
    expect(tellAcross(flows(count), 0).heard).toEqual(flows(count));
  });

  test.each([0.1, 0.5])("arrives whole where the network loses %f of everything", (loss) => {
    expect(tellAcross(flows(3000), loss).heard).toEqual(flows(3000));
  });

  test("is complete whatever page is not of it", () => {
    const listener = new KeptListener();
    const hear = (number: number) =>
      listener.hear({ pages: 1, heard: 0, page: { number, flows: flows(2) } });
    expect(hear(2)).toBeUndefined();
    expect(hear(1)).toEqual(flows(2));
  });

  test("is told again less and less often to a machine that does not answer", () => {
    const teller = new KeptTeller(flows(2));
    const told = Array.from({ length: 1000 }, (_, now) => now).filter(
      (now) => teller.due(instant(now)).length > 0,
    );
    expect(told).toEqual([0, 20, 60, 140, 300, 620, 940]);
  });

  test("is told again to a listener that was restarted", () => {
    expect(tellAcross(flows(5000), 0.1, 30).heard).toEqual(flows(5000));
  });

  test("is told once where nothing is lost", () => {
    const { told, pages } = tellAcross(flows(5000), 0);
    expect(told).toBe(pages);
  });

  test("fits its pages into the datagrams, whatever the family", () => {
    const teller = new KeptTeller(flows(500));
    const pages = teller.due(instant(0));
    expect(pages.length).toBeGreaterThan(10);
    for (const page of pages) {
      const bytes = page.flows.reduce((sum, flow) => sum + flowBytes(flow), 0);
      expect(bytes).toBeLessThanOrEqual(pageBytesMax);
    }
  });

  test("does not fill the network faster than it is heard", () => {
    const teller = new KeptTeller(flows(50_000));
    expect(teller.due(instant(0))).toHaveLength(32);
    expect(teller.due(instant(1))).toHaveLength(0);
    teller.acknowledge(10);
    expect(teller.due(instant(2))).toHaveLength(10);
    expect(teller.due(instant(30)).map(({ number }) => number)[0]).toBe(11);
  });

  test("an acknowledgement beyond its end does no harm", () => {
    const teller = new KeptTeller(flows(3));
    teller.acknowledge(2 ** 32 - 1);
    expect(teller.due(instant(0))).toEqual([]);
  });
});
