// The forward pass of a Llama (or of a Qwen3, which normalises queries and keys), one text at a time.
//
// A sum runs over its terms in the same order however many tokens are read at once, so what was read before in other
// portions changes no bit of what follows. Weights are 32-bit floats, sums 64-bit ones.
"use strict";

const ROWS = 4; // that stand interleaved: one load of an input serves four sums, and their weights are neighbours
const PORTION = 16; // tokens that go through the layers together

/** Rows of weights, and their products with columns of inputs. */
class Matrix {
  /** @param {{values, shape}} tensor Floats, or 8-bit integers with a `scale` for each row. */
  constructor({ values, shape: [rows, columns] }, scale) {
    this.columns = columns;
    this.rows = Math.ceil(rows / ROWS) * ROWS; // what is added is zero
    this.weights = new Float32Array(this.rows * columns);
    for (let row = 0; row < rows; row++) {
      const factor = scale ? scale.values[row] : 1;
      let to = (row - (row % ROWS)) * columns + (row % ROWS);
      for (let from = row * columns; from < (row + 1) * columns; from++, to += ROWS) {
        this.weights[to] = values[from] * factor;
      }
    }
  }

  /** Copy a row to where `into` begins. */
  copyRow(row, into) {
    let from = (row - (row % ROWS)) * this.columns + (row % ROWS);
    for (let i = 0; i < this.columns; i++, from += ROWS) into[i] = this.weights[from];
  }

  /** Products with `count` inputs that stand one behind the other; so do the outputs, `rows` apart. */
  times(inputs, outputs, count) {
    for (let row = 0; row < this.rows; row += ROWS) {
      let i = 0;
      for (; i + 1 < count; i += 2) this.#two(row, inputs, i * this.columns, outputs, i * this.rows + row);
      if (i < count) this.#one(row, inputs, i * this.columns, outputs, i * this.rows + row);
    }
  }

  #one(row, inputs, from, outputs, to) {
    const { weights, columns } = this;
    let a = 0, b = 0, c = 0, d = 0;
    for (let i = 0, at = row * columns; i < columns; i++, at += 4) {
      const x = inputs[from + i];
      a += weights[at] * x;
      b += weights[at + 1] * x;
      c += weights[at + 2] * x;
      d += weights[at + 3] * x;
    }
    outputs[to] = a;
    outputs[to + 1] = b;
    outputs[to + 2] = c;
    outputs[to + 3] = d;
  }

  #two(row, inputs, from, outputs, to) {
    const { weights, columns, rows } = this;
    let a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
    for (let i = 0, at = row * columns; i < columns; i++, at += 4) {
      const x = inputs[from + i];
      const y = inputs[from + columns + i];
      const p = weights[at];
      const q = weights[at + 1];
      const r = weights[at + 2];
      const s = weights[at + 3];
      a += p * x;
      b += q * x;
      c += r * x;
      d += s * x;
      e += p * y;
      f += q * y;
      g += r * y;
      h += s * y;
    }
    outputs[to] = a;
    outputs[to + 1] = b;
    outputs[to + 2] = c;
    outputs[to + 3] = d;
    outputs[to + rows] = e;
    outputs[to + rows + 1] = f;
    outputs[to + rows + 2] = g;
    outputs[to + rows + 3] = h;
  }
}

class Llama {
  /**
   * @param {object} shape Names as in config.json, `context_length` for the most tokens that are read.
   * @param {Map} tensors See pack.py.
   */
  constructor(shape, tensors) {
    const matrix = (name) => new Matrix(tensors.get(name), tensors.get(`${name}.scale`));
    const vector = (name) => tensors.get(name)?.values;
    const { hidden_size: width, num_attention_heads: heads, num_key_value_heads: keys, head_dim: size } = shape;
    Object.assign(this, { width, heads, keys, size, feed: shape.intermediate_size });
    this.eps = shape.rms_norm_eps;
    this.contextLength = shape.context_length;
    this.vocabulary = shape.vocab_size;
    this.embedding = matrix("embedding");
    this.output = tensors.has("output") ? matrix("output") : this.embedding;
    this.norm = vector("norm");
    this.frequencies = vector("frequencies");
    this.layers = Array.from({ length: shape.num_hidden_layers }, (_, i) => ({
      attentionNorm: vector(`${i}.attention_norm`),
      qkv: matrix(`${i}.qkv`),
      queryNorm: vector(`${i}.query_norm`),
      keyNorm: vector(`${i}.key_norm`),
      attentionOut: matrix(`${i}.attention_out`),
      feedNorm: vector(`${i}.feed_norm`),
      gateUp: matrix(`${i}.gate_up`),
      down: matrix(`${i}.down`),
      pastKeys: new Float32Array(this.contextLength * keys * size),
      pastValues: new Float32Array(this.contextLength * keys * size),
    }));
    const [{ qkv, gateUp, attentionOut, down }] = this.layers;
    const room = (rows) => new Float64Array(PORTION * rows);
    this.stream = room(width);
    this.normed = room(width);
    this.heard = room(qkv.rows);
    this.seen = room(heads * size);
    this.fed = room(gateUp.rows);
    this.gated = room(this.feed);
    this.added = room(Math.max(attentionOut.rows, down.rows));
    this.logits = new Float64Array(this.output.rows);
    this.scores = new Float64Array(this.contextLength);
    this.cos = new Float64Array(size / 2);
    this.sin = new Float64Array(size / 2);
    /** Ids that were read and are remembered. */
    this.ids = [];
  }

  /** Forget all but what `ids` begins with as well; how many that are. The last of `ids` is always read again. */
  rewind(ids) {
    let same = 0;
    while (same < this.ids.length && same < ids.length - 1 && this.ids[same] === ids[same]) same++;
    this.ids.length = same;
    return same;
  }

  /**
   * Read at most PORTION more ids.
   * @param {(logits: Float64Array, i: number) => void} [each] Is given what follows each id; else see `logits` after.
   */
  read(ids, each) {
    const count = ids.length;
    const past = this.ids.length;
    const { width } = this;
    if (past + count > this.contextLength) throw new ModelError("full", "the model's context is full");
    ids.forEach((id, i) => this.embedding.copyRow(id, this.stream.subarray(i * width, (i + 1) * width)));
    for (const layer of this.layers) {
      this.#attend(layer, past, count);
      this.#feed(layer, count);
    }
    this.#normalise(this.stream, this.norm, count);
    for (let i = each ? 0 : count - 1; i < count; i++) {
      this.output.times(this.normed.subarray(i * width), this.logits, 1);
      each?.(this.logits, i);
    }
    this.ids.push(...ids);
  }

  #attend(layer, past, count) {
    const { heads, keys, size, heard, seen, scores } = this;
    const { pastKeys, pastValues } = layer;
    const all = layer.qkv.rows;
    const wide = keys * size;
    this.#normalise(this.stream, layer.attentionNorm, count);
    layer.qkv.times(this.normed, heard, count);
    for (let i = 0; i < count; i++) {
      this.#angles(past + i);
      for (let head = 0; head < heads + keys; head++) {
        const at = i * all + head * size;
        const norm = head < heads ? layer.queryNorm : layer.keyNorm;
        if (norm) this.#scale(heard, at, heard, at, norm);
        this.#turn(heard, at);
      }
      const at = i * all + heads * size;
      pastKeys.set(heard.subarray(at, at + wide), (past + i) * wide);
      pastValues.set(heard.subarray(at + wide, at + 2 * wide), (past + i) * wide);
    }
    const root = 1 / Math.sqrt(size);
    for (let i = 0; i < count; i++) {
      for (let head = 0; head < heads; head++) {
        const query = i * all + head * size;
        const group = Math.floor((head * keys) / heads) * size;
        let most = -Infinity;
        for (let s = 0; s <= past + i; s++) {
          const key = s * wide + group;
          let sum = 0;
          for (let c = 0; c < size; c++) sum += heard[query + c] * pastKeys[key + c];
          scores[s] = sum * root;
          if (scores[s] > most) most = scores[s];
        }
        let total = 0;
        for (let s = 0; s <= past + i; s++) total += scores[s] = Math.exp(scores[s] - most);
        const to = (i * heads + head) * size;
        seen.fill(0, to, to + size);
        for (let s = 0; s <= past + i; s++) {
          const share = scores[s] / total;
          const value = s * wide + group;
          for (let c = 0; c < size; c++) seen[to + c] += share * pastValues[value + c];
        }
      }
    }
    this.#add(layer.attentionOut, seen, count);
  }

  #feed(layer, count) {
    const { feed, fed, gated } = this;
    this.#normalise(this.stream, layer.feedNorm, count);
    layer.gateUp.times(this.normed, fed, count);
    for (let i = 0; i < count; i++) {
      const at = i * layer.gateUp.rows;
      for (let f = 0; f < feed; f++) {
        const gate = fed[at + f];
        gated[i * feed + f] = (gate / (1 + Math.exp(-gate))) * fed[at + feed + f];
      }
    }
    this.#add(layer.down, gated, count);
  }

  /** Add a matrix's products to the stream. */
  #add(matrix, inputs, count) {
    const { stream, added, width } = this;
    matrix.times(inputs, added, count);
    for (let i = 0; i < count; i++) for (let d = 0; d < width; d++) stream[i * width + d] += added[i * matrix.rows + d];
  }

  #normalise(stream, weight, count) {
    for (let i = 0; i < count; i++) this.#scale(stream, i * this.width, this.normed, i * this.width, weight);
  }

  /** RMSNorm. */
  #scale(from, at, to, start, weight) {
    const { length } = weight;
    let sum = 0;
    for (let i = 0; i < length; i++) sum += from[at + i] * from[at + i];
    const root = 1 / Math.sqrt(sum / length + this.eps);
    for (let i = 0; i < length; i++) to[start + i] = from[at + i] * root * weight[i];
  }

  #angles(position) {
    for (let i = 0; i < this.frequencies.length; i++) {
      const angle = Math.fround(position * this.frequencies[i]); // as those who trained it: in 32 bits
      this.cos[i] = Math.cos(angle);
      this.sin[i] = Math.sin(angle);
    }
  }

  /** Turn a head by its position: its first half against its second, as Hugging Face lays them out. */
  #turn(values, at) {
    const { cos, sin } = this;
    const half = cos.length;
    for (let i = 0; i < half; i++) {
      const one = values[at + i];
      const other = values[at + half + i];
      values[at + i] = one * cos[i] - other * sin[i];
      values[at + half + i] = other * cos[i] + one * sin[i];
    }
  }
}
