// Numbers that only look random: each case draws from its own stream, so that one case can be repeated without those before it.

export class Random {
  #state: number;

  constructor(seed: number, stream: number) {
    this.#state = mix(mix(seed >>> 0) ^ mix((stream + 0x9e3779b9) >>> 0));
  }

  /** 32 bits. @see splitmix32 */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    return mix(this.#state);
  }

  /** From 0 to `count - 1`; 0 for no count at all. */
  below(count: number): number {
    return count > 0 ? Math.floor((this.next() / 2 ** 32) * count) : 0;
  }

  chance(probability: number): boolean {
    return this.next() < probability * 2 ** 32;
  }

  /** @throws {RangeError} for an empty list. */
  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError('There is nothing to pick from');
    return list[this.below(list.length)] as T;
  }
}

function mix(value: number): number {
  let x = value;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}
