import { describe, expect, it } from "vitest";

import { type Key, type KeyRing, type KeyWord, keyRing, keyWord } from "../../src/protocol/keys.ts";

const key = (id: number): Key => ({ id, mac: () => new Uint8Array(32) });
const ringOf = (...ids: number[]): KeyRing => keyRing(ids.map(key));

describe("the key to sign with", () => {
  it.each<[string, number[], KeyWord | undefined, KeyWord]>([
    ["is the only one", [1], { signed: 1, newest: 1 }, { signed: 1, newest: 1 }],
    [
      "is the old one until the peer has the new",
      [1, 2],
      { signed: 1, newest: 1 },
      { signed: 1, newest: 2 },
    ],
    [
      "is the new one once the peer has it",
      [1, 2],
      { signed: 1, newest: 2 },
      { signed: 2, newest: 2 },
    ],
    ["is the newest that both have", [1, 2, 3], { signed: 1, newest: 2 }, { signed: 2, newest: 3 }],
    [
      "is the peer's, whose newest we lack",
      [1, 2],
      { signed: 2, newest: 3 },
      { signed: 2, newest: 2 },
    ],
  ])("%s", (_title, ids, peer, expected) => {
    expect(keyWord(ringOf(...ids), peer, 0)).toEqual(expected);
  });

  it("takes turns while nothing recent is known of the peer", () => {
    const signed = [0, 1, 2, 3].map((round) => keyWord(ringOf(1, 2, 3), undefined, round).signed);
    expect(signed).toEqual([1, 2, 3, 1]);
  });

  it("is at every step of a rotation one that the other accepts, and the new one last", () => {
    const steps: [number[], number[]][] = [
      [[1], [1]],
      [[1, 2], [1]],
      [
        [1, 2],
        [1, 2],
      ],
      [[2], [1, 2]],
      [[2], [2]],
    ];
    let wordOfA: KeyWord = { signed: 1, newest: 1 };
    let wordOfB: KeyWord = { signed: 1, newest: 1 };
    for (const [idsOfA, idsOfB] of steps) {
      // Several beats each way before the administrator goes on, as long as it takes to type.
      for (let round = 0; round < 3; round += 1) {
        wordOfA = keyWord(ringOf(...idsOfA), wordOfB, round);
        expect(idsOfB).toContain(wordOfA.signed);
        wordOfB = keyWord(ringOf(...idsOfB), wordOfA, round);
        expect(idsOfA).toContain(wordOfB.signed);
      }
    }
    expect([wordOfA.signed, wordOfB.signed]).toEqual([2, 2]);
  });
});

it.each<[string, number[]]>([
  ["no key", []],
  ["an id twice", [1, 2, 1]],
  ["an id beyond a byte", [256]],
  ["an id that is no whole number", [1.5]],
])("a key ring asserts: %s", (_title, ids) => {
  expect(() => ringOf(...ids)).toThrow(RangeError);
});
