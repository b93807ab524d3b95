// Byte-pair encoding with byte fallback: the same ids as the library tokenizers gives for our tokenizer.json.
"use strict";

const SPACE = "\u2581";

class Tokenizer {
  /**
   * @param {{pieces: string[], added: number[], special: number[]}} vocabulary Every id's text; the ids that are found
   *   in text before anything else; those among them that what a person typed never means.
   * @param {Uint16Array|Uint32Array} merges Pairs of ids, the pair that is merged first in front.
   */
  constructor({ pieces, added, special }, merges) {
    this.pieces = pieces;
    this.special = new Set(special);
    this.ids = new Map(pieces.map((piece, id) => [piece, id]));
    this.byteOf = pieces.map((piece) => (/^<0x[0-9A-Fa-f]{2}>$/.test(piece) ? parseInt(piece.slice(3, 5), 16) : -1));
    this.byteIds = [];
    this.byteOf.forEach((byte, id) => byte >= 0 && (this.byteIds[byte] = id));
    this.ranks = new Map(); // of a pair, as left * vocabulary + right
    this.merged = new Uint32Array(merges.length / 2);
    for (let rank = 0; rank < this.merged.length; rank++) {
      const [left, right] = [merges[2 * rank], merges[2 * rank + 1]];
      this.ranks.set(left * pieces.length + right, rank);
      this.merged[rank] = this.ids.get(pieces[left] + pieces[right]);
    }
    this.finders = [added.filter((id) => !this.special.has(id)), added].map((ids) => this.#finder(ids));
    this.utf8 = new TextEncoder();
    this.fromUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  }

  /** The ids of a text; `special` reads "<|fr|>" as the token that it names, which is never right for typed text. */
  encode(text, { special = false } = {}) {
    return this.encodeParts([{ text, special }]);
  }

  /** The ids of a text of several parts, some of a template and some typed: merges go across their edges. */
  encodeParts(parts) {
    const ids = [];
    let plain = "";
    for (const { text, special = false } of parts) {
      const finder = this.finders[special ? 1 : 0];
      // Added tokens stand at the odd places of what is split.
      for (const [i, piece] of (finder ? text.toWellFormed().split(finder) : [text.toWellFormed()]).entries()) {
        if (i % 2) {
          this.#merge(plain, ids);
          plain = "";
          ids.push(this.ids.get(piece));
        } else plain += piece;
      }
    }
    this.#merge(plain, ids);
    return ids;
  }

  /** The text of ids; bytes that are no UTF-8 together become one U+FFFD each. */
  decode(ids, { special = false } = {}) {
    let text = "";
    let bytes = [];
    const flush = () => {
      if (bytes.length) text += this.#text(bytes);
      bytes = [];
    };
    for (const id of ids) {
      if (this.byteOf[id] >= 0) bytes.push(this.byteOf[id]);
      else if (special || !this.special.has(id)) {
        flush();
        text += (this.pieces[id] ?? "").replaceAll(SPACE, " ");
      }
    }
    flush();
    return text;
  }

  /** How much of `decode(ids)` will stay as it is whatever follows: a character may still lack its last bytes. */
  settled(ids) {
    let end = ids.length;
    while (end && ids.length - end < 3 && this.byteOf[ids[end - 1]] >= 0x80) {
      const lead = this.byteOf[ids[--end]];
      if (lead >= 0xc0) {
        const needed = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
        return ids.length - end < needed ? this.decode(ids.slice(0, end)) : this.decode(ids);
      }
    }
    return this.decode(ids);
  }

  #text(bytes) {
    try {
      return this.fromUtf8.decode(Uint8Array.from(bytes));
    } catch {
      return "\ufffd".repeat(bytes.length);
    }
  }

  #finder(ids) {
    const texts = ids.map((id) => this.pieces[id]).sort((one, other) => other.length - one.length);
    const escaped = texts.map((text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"));
    return escaped.length ? new RegExp(`(${escaped.join("|")})`) : null;
  }

  /** Merge the pieces of a text, the best pair first and of equals the leftmost, and append their ids. */
  #merge(text, ids) {
    if (!text) return;
    const symbols = [];
    for (const character of text.replaceAll(" ", SPACE)) {
      const id = this.ids.get(character);
      if (id !== undefined) symbols.push(id);
      else for (const byte of this.utf8.encode(character)) symbols.push(this.byteIds[byte]);
    }
    const next = Int32Array.from(symbols, (_, i) => (i + 1 < symbols.length ? i + 1 : -1));
    const before = Int32Array.from(symbols, (_, i) => i - 1);
    const heap = new Heap();
    const consider = (i) => {
      if (i < 0 || next[i] < 0) return;
      const rank = this.ranks.get(symbols[i] * this.pieces.length + symbols[next[i]]);
      if (rank !== undefined) heap.push(rank * POSITIONS + i);
    };
    for (let i = 0; i + 1 < symbols.length; i++) consider(i);
    while (heap.size) {
      const key = heap.pop();
      const i = key % POSITIONS;
      const becomes = this.merged[(key - i) / POSITIONS];
      const j = next[i];
      if (symbols[i] < 0 || j < 0) continue;
      // The pair may have become another one since it was noted.
      const rank = this.ranks.get(symbols[i] * this.pieces.length + symbols[j]);
      if (rank === undefined || this.merged[rank] !== becomes) continue;
      symbols[i] = becomes;
      symbols[j] = -1;
      next[i] = next[j];
      if (next[j] >= 0) before[next[j]] = i;
      consider(before[i]);
      consider(i);
    }
    for (let i = 0; i >= 0; i = next[i]) ids.push(symbols[i]);
  }
}

const POSITIONS = 2 ** 31;

/** Numbers, the least first. */
class Heap {
  values = [];

  get size() {
    return this.values.length;
  }

  push(value) {
    const { values } = this;
    let at = values.length;
    while (at) {
      const parent = (at - 1) >> 1;
      if (values[parent] <= value) break;
      values[at] = values[parent];
      at = parent;
    }
    values[at] = value;
  }

  pop() {
    const { values } = this;
    const least = values[0];
    const value = values.pop();
    if (values.length) {
      let at = 0;
      for (let child = 1; child < values.length; child = 2 * at + 1) {
        if (child + 1 < values.length && values[child + 1] < values[child]) child++;
        if (values[child] >= value) break;
        values[at] = values[child];
        at = child;
      }
      values[at] = value;
    }
    return least;
  }
}
