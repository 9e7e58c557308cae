import convict from "convict";

import type { Format } from "./formats.ts";
import { quote } from "./problem.ts";

/**
 * Convict holds the schema, fills in defaults and has every format look at every value; but what
 * its formats threw it joins into one text. So each refusal is also kept, with the key that convict
 * wrote on it, and can be given the line it came from.
 */
export interface Setting<T> {
  /**
   * As written in a file; null: must be given, unless `nullable` or an empty list will do. Never a list: where
   * the default is one, convict takes a text that was given for JSON.
   */
  readonly default: string | null;
  readonly nullable: boolean;
  readonly format: (raw: unknown) => void;
  readonly read: Reader<T>;
}

/** Reads a value as it was written; what it cannot read it refuses, and answers undefined. */
export type Reader<T> = (raw: unknown, refuse: Refuse) => T | undefined;

/** `at`: where inside the value, `[1]`; empty: the value itself. */
export type Refuse = (at: string, found: string, allowed: string) => void;

export interface Refusal {
  /** Dotted, as in the schema. */
  readonly key: string;
  readonly found: string;
  readonly allowed: string;
}

export interface SettingMaker {
  readonly required: <T>(read: Reader<T>) => Setting<T>;
  readonly optional: <T>(read: Reader<T>) => Setting<T | undefined>;
  /** Null: an empty list. */
  readonly defaulted: <T>(standard: string | null, read: Reader<T>) => Setting<T>;
}

/** A schema: settings, in sections. */
export interface Schema {
  readonly [key: string]: Setting<unknown> | Schema;
}

/** What a schema reads when nothing was refused. */
export type ValuesOf<S> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : ValuesOf<S[K]>;
};

/** The same with holes where something was refused. */
export type DraftOf<S> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T | undefined : DraftOf<S[K]>;
};

/** A schema with its settings, ready to read one file. */
export interface Settings<S> {
  readonly schema: S;
  /** Completes, validates and reads `given`, which must have no key that the schema has not. */
  read(given: object): { readonly draft: DraftOf<S>; readonly refusals: readonly Refusal[] };
}

export function settingsOf<S extends Schema>(schemaWith: (make: SettingMaker) => S): Settings<S> {
  const refused: Refused[] = [];
  const schema = schemaWith(settingMaker(refused));
  return {
    schema,
    read: (given) => {
      // Environment and arguments are nobody's configuration here; convict would look into both.
      const settings = convict(schema as convict.Schema<unknown>, { env: {}, args: [] });
      settings.load(given);
      try {
        settings.validate({ allowed: "strict" });
      } catch (error) {
        if (refused.length === 0) throw error;
      }
      const draft = readAll(schema, settings.getProperties() as Record<string, unknown>);
      return { draft: draft as DraftOf<S>, refusals: refused.flatMap(refusalsOf) };
    },
  };
}

/** A word, a number, a duration: anything that is written as one text. */
export function text<T>(format: Format<T>): Reader<T> {
  return (raw, refuse) => {
    const value = typeof raw === "string" ? format.read(raw) : undefined;
    if (value === undefined) refuse("", quote(raw), format.allowed);
    return value;
  };
}

/** A list; a single element may be written without the brackets. */
export function list<T>(
  element: Reader<T>,
  bounds: { least: number; most: number; of: string },
): Reader<readonly T[]> {
  const { least, most, of } = bounds;
  return (raw, refuse) => {
    const items: readonly unknown[] = Array.isArray(raw) ? raw : raw === null ? [] : [raw];
    if (items.length < least || items.length > most) {
      const found = items.length > most ? `${items.length} of them` : quote(raw);
      refuse("", found, `${least} to ${most} ${of}`);
      return undefined;
    }
    const values = items.map((item, index) =>
      element(item, (at, found, allowed) =>
        refuse(Array.isArray(raw) ? `[${index}]${at}` : at, found, allowed),
      ),
    );
    return values.includes(undefined) ? undefined : (values as T[]);
  };
}

export function isSetting(node: Setting<unknown> | Schema): node is Setting<unknown> {
  return typeof node["read"] === "function";
}

/** Convict writes the key on what a format throws. */
class Refused extends Error {
  readonly misfits: readonly Refusal[];
  fullName = "";

  constructor(misfits: readonly Refusal[]) {
    super(misfits.map(({ key, allowed }) => `${key} is not ${allowed}`).join("; "));
    this.misfits = misfits;
  }
}

function refusalsOf({ fullName, misfits }: Refused): readonly Refusal[] {
  return misfits.map((misfit) => ({ ...misfit, key: fullName + misfit.key }));
}

function settingMaker(refused: Refused[]): SettingMaker {
  const setting = <T>(
    standard: Setting<T>["default"],
    nullable: boolean,
    read: Reader<T>,
  ): Setting<T> => ({
    default: standard,
    nullable,
    read,
    format: (raw) => {
      const misfits: Refusal[] = [];
      read(raw, (key, found, allowed) => misfits.push({ key, found, allowed }));
      if (misfits.length === 0) return;
      const error = new Refused(misfits);
      refused.push(error);
      throw error;
    },
  });
  return {
    required: (read) => setting(null, false, read),
    optional: (read) => setting(null, true, read),
    defaulted: (standard, read) => setting(standard, false, read),
  };
}

function readAll(schema: Schema, raw: Readonly<Record<string, unknown>>): object {
  const ignore = (): void => {};
  return Object.fromEntries(
    Object.entries(schema).map(([key, node]) => [
      key,
      isSetting(node)
        ? node.read(raw[key], ignore)
        : readAll(node, raw[key] as Record<string, unknown>),
    ]),
  );
}
