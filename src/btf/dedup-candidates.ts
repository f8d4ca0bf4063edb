// Canonical types by hash, in the order in which libbpf would try them.

/**
 * Where several candidates are equivalent to a type (one enum declared twice with other values, say), the first one tried wins. To
 * make the same choice as libbpf, this keeps the order of its hash table: the newest first, and all turned round whenever the
 * table grows.
 * @see libbpf hashmap_insert and hashmap_grow, src/hashmap.c
 */
export class Candidates {
  readonly #lists = new Map<number, { ids: number[]; growths: number }>();
  #count = 0;
  #capacity = 0;
  #growths = 0;

  /** Types of this hash, the first to try first. */
  of(hash: number): readonly number[] {
    const list = this.#lists.get(hash);
    return list ? this.#inOrder(list) : NONE;
  }

  add(hash: number, id: number): void {
    if (this.#capacity === 0 || Math.floor(((this.#count + 1) * 4) / 3) > this.#capacity) {
      this.#capacity = this.#capacity === 0 ? 4 : this.#capacity * 2;
      this.#growths++;
    }
    this.#count++;
    const list = this.#lists.get(hash);
    if (list) this.#inOrder(list).unshift(id);
    else this.#lists.set(hash, { ids: [id], growths: this.#growths });
  }

  #inOrder(list: { ids: number[]; growths: number }): number[] {
    if ((this.#growths - list.growths) % 2 === 1) list.ids.reverse();
    list.growths = this.#growths;
    return list.ids;
  }
}
const NONE: readonly number[] = [];
