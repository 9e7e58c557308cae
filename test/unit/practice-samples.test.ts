import { expect, test } from "vitest";

import { begunIn, changeover, longestSilence, type Sample } from "../../src/practice/samples.ts";

const answer = (at: number, who: string, took = 1): Sample => ({ kind: "answer", at, took, who });
const failure = (at: number, took = 1): Sample => ({ kind: "failure", at, took, why: "timeout" });
const span = { from: 0, to: 100 };

test("the longest silence lies between two answers and names who answered before and after", () => {
  const samples = [
    answer(1, "primary"),
    answer(10, "primary"),
    answer(70, "backup"),
    answer(99, "backup"),
  ];
  expect(longestSilence(samples, span)).toEqual({
    start: 10,
    millis: 60,
    before: "primary",
    after: "backup",
  });
});

test("failures do not end a silence", () => {
  const samples = [answer(1, "primary"), failure(50), answer(99, "primary")];
  expect(longestSilence(samples, span).millis).toBe(98);
});

test("a service that is not back is silent to the end of the span, and nobody comes after", () => {
  const silence = longestSilence([answer(20, "primary")], span);
  expect(silence).toEqual({ start: 20, millis: 80, before: "primary", after: undefined });
});

test("with no answer at all the whole span is silent", () => {
  expect(longestSilence([], span).millis).toBe(100);
});

test("samples are looked at in the order of their times, not of their arrival", () => {
  const samples = [answer(99, "primary"), answer(50, "primary"), answer(1, "primary")];
  expect(longestSilence(samples, span).millis).toBe(49);
});

test("a changeover runs from the last answer of the one to the first of the other", () => {
  const samples = [
    answer(1, "primary"),
    answer(30, "primary"),
    answer(75, "backup"),
    answer(76, "backup"),
  ];
  expect(changeover(samples, "primary", "backup", span)).toMatchObject({ start: 30, millis: 45 });
});

test("an address that flaps counts its last flap: no answer of the old one comes after the changeover", () => {
  const samples = [
    answer(1, "primary"),
    answer(10, "backup"),
    answer(20, "primary"),
    answer(50, "backup"),
  ];
  expect(changeover(samples, "primary", "backup", span)).toMatchObject({ start: 20, millis: 30 });
});

test("without an answer of the other machine there was no changeover", () => {
  expect(changeover([answer(1, "primary")], "primary", "backup", span)).toBeUndefined();
  expect(changeover([answer(1, "backup")], "primary", "backup", span)).toBeUndefined();
});

test("a request belongs to the span in which it was begun, however late it failed", () => {
  const samples = [failure(2050, 2000), failure(150, 20), failure(20, 50)];
  expect(begunIn(samples, span)).toEqual([failure(2050, 2000)]);
});
