/**
 * The keys that seal beats, and how two machines move from one key to the next without missing a
 * beat: both accept both, and each signs with the new one as soon as the other says that it has it.
 *
 *   machine A     machine B     A signs with    B signs with
 *   1             1             1               1
 *   1, 2          1             1               1             B named 1 as its newest
 *   1, 2          1, 2          2               2             each named 2 as its newest
 *   2             1, 2          2               2
 *   2             2             2               2             rotated
 */

/**
 * HMAC-SHA256 under one key: 32 bytes. The key is inside the function, so that no pure floor ever
 * holds a secret that it could print.
 */
export type Mac = (bytes: Uint8Array) => Uint8Array;

export const macBytes = 32;

export interface Key {
  /** 0 to 255; names the key on the wire and tells nothing about it. */
  readonly id: number;
  readonly mac: Mac;
}

/** The accepted keys, oldest first. */
export type KeyRing = readonly [Key, ...Key[]];

/** What a beat says of keys: which one sealed it, and the newest that its sender accepts. */
export interface KeyWord {
  readonly signed: number;
  readonly newest: number;
}

/** @throws RangeError when there is no key, or an id is out of range or used twice. */
export function keyRing(keys: readonly Key[]): KeyRing {
  const [oldest, ...later] = keys;
  if (oldest === undefined) throw new RangeError("Cannot make a key ring: no key was given");
  for (const { id } of keys) {
    if (!Number.isInteger(id) || id < 0 || id > 255) {
      throw new RangeError(`Cannot accept key ${id}: an id is a whole number from 0 to 255`);
    }
    if (keys.filter((key) => key.id === id).length > 1) {
      throw new RangeError(`Cannot accept key ${id} twice: give each key an id of its own`);
    }
  }
  return [oldest, ...later];
}

export function findKey(ring: KeyRing, id: number): Key | undefined {
  return ring.find((key) => key.id === id);
}

/**
 * What our next beat says of keys. `peer`: the last word of a believed session that is not silent.
 * We sign with the newest key that the peer accepts, if we have it, otherwise with the key that the
 * peer signs with: it accepts that one, and so do we.
 *
 * Without such a word every key has its turn, one each `round`: nothing that was heard is known to
 * be recent, and a recorded beat could name a key that the peer has long thrown away. A round is
 * one beat on all paths, not one datagram: with two paths and two keys each path would carry one
 * key for ever.
 */
export function keyWord(ring: KeyRing, peer: KeyWord | undefined, round: number): KeyWord {
  const shared = peer && (findKey(ring, peer.newest) ?? findKey(ring, peer.signed));
  const signing = shared ?? ring[round % ring.length] ?? ring[0];
  return { signed: signing.id, newest: (ring.at(-1) ?? ring[0]).id };
}
