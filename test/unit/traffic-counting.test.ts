import { expect, test } from "vitest";

import { Counting, clientsMax, nothingYet } from "../../src/traffic/counting.ts";
import type { LogLine } from "../../src/traffic/parse/line.ts";

const line = (client: string | undefined, status = 200): LogLine => ({
  status,
  canary: undefined,
  client,
  time: undefined,
});

const counting = (): Counting => new Counting({ ...nothingYet, id: "one" });

test("what excluded clients asked is left out, whenever they were excluded", () => {
  const count = counting();
  for (const status of [200, 503, 499]) {
    count.take(line("192.0.2.1", status));
    count.take(line("192.0.2.2", status));
  }
  count.take(line(undefined));
  count.take(undefined);
  expect(count.count).toMatchObject({ requests: 5, errors: 2, unreadable: 1 });
  count.exclude(["192.0.2.1", "::ffff:192.0.2.3"]);
  expect(count.count).toMatchObject({ requests: 3, errors: 1, unreadable: 1 });
  count.take(line("192.0.2.1"));
  count.take(line("192.0.2.3"));
  expect(count.count).toMatchObject({ requests: 3, errors: 1 });
  count.exclude(["192.0.2.3"]);
  expect(count.count).toMatchObject({ requests: 6, errors: 2 });
});

test("clients beyond the bound are counted in sum, and not at all once they are excluded", () => {
  const count = counting();
  for (let client = 0; client <= clientsMax; client += 1) count.take(line(`c${client}`));
  const late = `c${clientsMax}`;
  count.exclude([late, "c0"]);
  expect(count.count.requests).toBe(clientsMax);
  count.take(line(late));
  count.take(line("c0"));
  expect(count.count.requests).toBe(clientsMax);
  count.take(line("another"));
  expect(count.count.requests).toBe(clientsMax + 1);
});

test("goes on from the sum of a reader before it", () => {
  const count = new Counting({ id: "one", requests: 7, errors: 2, tags: ["t"], unreadable: 1 });
  count.exclude(["192.0.2.1"]);
  count.take(line("192.0.2.1"));
  count.take(line("192.0.2.2", 500));
  expect(count.count).toEqual({ id: "one", requests: 8, errors: 3, tags: ["t"], unreadable: 1 });
});
