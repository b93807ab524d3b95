// What a page asks of its model: prompts, texts written on token by token, and how likely a text is.
"use strict";

const ALTERNATIVES = 5; // shown beside a token
const BREATH = 12; // milliseconds of work between two looks at what the page wants

/** Numbers in [0, 1) that a seed decides (Chris Doty-Humphrey's sfc32). */
function dice(seed) {
  let [a, b, c, d] = [0x9e3779b9, 0x243f6a88, Math.floor(seed / 0x100000000) | 0, seed | 0];
  const next = () => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 0x100000000;
  };
  for (let i = 0; i < 15; i++) next();
  return next;
}

/** The id of the next token: the likeliest at temperature 0, else drawn from the likeliest that hold `topP` together. */
function choose(logits, count, { temperature = 0, topP = 1 }, random) {
  let best = 0;
  for (let id = 1; id < count; id++) if (logits[id] > logits[best]) best = id;
  if (!(temperature > 0)) return best;
  const chance = (id) => Math.exp((logits[id] - logits[best]) / temperature);
  const ids = [];
  let total = 0;
  for (let id = 0; id < count; id++) {
    // e^-40 of the best: all of a vocabulary together is then never drawn.
    if (logits[id] - logits[best] > -40 * temperature) {
      ids.push(id);
      total += chance(id);
    }
  }
  ids.sort((one, other) => logits[other] - logits[one] || one - other);
  let kept = 0;
  let held = 0;
  while (kept < ids.length && (kept === 0 || held < topP * total)) held += chance(ids[kept++]);
  let left = random() * held;
  for (let i = 0; i < kept; i++) if ((left -= chance(ids[i])) < 0) return ids[i];
  return ids[kept - 1];
}

class Engine {
  /** @param {Uint8Array} bytes What pack.py wrote. */
  constructor(bytes) {
    const { about, tensors } = readTensors(bytes);
    this.tokenizer = new Tokenizer(about.tokenizer, tensors.get("merges").values);
    this.llama = new Llama(about.shape, tensors);
    this.prompts = about.prompts;
  }

  /**
   * The parts of a prompt (see Tokenizer.encodeParts), or ids.
   * @param {object} request One of `ids`; `translate` with `to`; `chat`, the turns' texts, the visitor's and the
   *   model's in turn; `text` to go on from.
   */
  prompt({ ids, translate, to, chat, text }) {
    const { llama, tokenizer, prompts } = this;
    const { contextLength } = llama;
    const fitting = (found) => {
      if (found.length < contextLength) return found;
      throw new ModelError("long", "this text is longer than the model reads");
    };
    if (ids) return fitting(ids);
    if (text !== undefined) {
      const read = tokenizer.encode(text);
      return [prompts.start, ...read.slice(Math.max(0, read.length - Math.floor((contextLength * 3) / 4)))];
    }
    const how = prompts.chat;
    if (!how) throw new ModelError("mute", "this model has no chat template");
    const encode = (turns) => {
      const parts = [{ text: how.open, special: true }];
      if (to) parts.push(prompts.languages[to]);
      turns.forEach((turn, i) => {
        if (i) parts.push({ text: i % 2 ? how.answer : how.again, special: true });
        parts.push({ text: turn });
      });
      const found = tokenizer.encodeParts([...parts, { text: how.answer, special: true }]);
      return prompts.begin === null || found[0] === prompts.begin ? found : [prompts.begin, ...found];
    };
    let turns = translate === undefined ? chat : [translate];
    if (!how.again) turns = turns.slice(-1);
    // The oldest turns are forgotten until an answer has room.
    let found = encode(turns);
    for (; found.length > (contextLength * 3) / 4 && turns.length > 1; found = encode(turns)) turns = turns.slice(2);
    return fitting(found);
  }

  /**
   * Write on from a prompt.
   * @param {object} request See `prompt`; and `temperature`, `topP`, `seed`, `maxTokens`, `stopIds`.
   * @param {(token: object) => void} tell Is given each token as soon as it is known: `id`, `piece`, what `text` it adds,
   *   its probability `p`, and `alternatives`, likeliest first.
   * @param {() => Promise<boolean>} goesOn Lets others work; false to stop.
   */
  async generate(request, tell, goesOn) {
    const { llama, tokenizer, prompts } = this;
    const began = performance.now();
    const prompt = this.prompt(request);
    const answers = request.translate !== undefined || request.chat !== undefined;
    const stops = new Set(request.stopIds ?? (answers ? prompts.chat.stop : prompts.stop));
    const room = llama.contextLength - prompt.length;
    const most = Math.min(room, request.maxTokens ?? (request.translate !== undefined ? 32 + 2 * prompt.length : room));
    const random = dice(request.seed ?? 0);
    const ids = [];
    let text = "";
    let [first, reason] = [0, "length"];
    for (let reading = prompt.slice(llama.rewind(prompt)); ids.length < most; ) {
      llama.read(reading.splice(0, PORTION));
      if (!(await goesOn())) {
        reason = "stopped";
        break;
      }
      if (reading.length) continue;
      const id = choose(llama.logits, llama.vocabulary, request, random);
      first ||= performance.now();
      if (stops.has(id)) {
        reason = "end";
        break;
      }
      ids.push(id);
      const settled = tokenizer.settled(ids);
      tell({ ...this.describe(id), text: settled.slice(text.length) });
      text = settled;
      reading = [id];
    }
    const ended = performance.now();
    return {
      ids,
      text: tokenizer.decode(ids),
      reason,
      promptTokens: prompt.length,
      firstTokenMs: first - began,
      tokensPerSecond: ids.length > 1 ? ((ids.length - 1) * 1000) / (ended - first) : null,
    };
  }

  /** Translate a text of any length: see `pieces`; a token's `text` brings the white space before it. */
  async translate({ text, to, ...request }, tell, goesOn) {
    const all = { ids: [], text: "", reason: "end" };
    let [first, seconds, counted] = [null, 0, 0];
    for (const [before, piece] of this.pieces(text)) {
      all.text += before;
      let space = before;
      if (!piece) {
        if (space) tell({ text: space });
        continue;
      }
      const found = await this.generate({ ...request, translate: piece, to }, (token) => {
        tell({ ...token, text: space + token.text });
        space = "";
      }, goesOn);
      all.ids.push(...found.ids);
      all.text += found.text.trim();
      first ??= found.firstTokenMs;
      if (found.tokensPerSecond) {
        counted += found.ids.length - 1;
        seconds += (found.ids.length - 1) / found.tokensPerSecond;
      }
      if (found.reason !== "end") all.reason = found.reason;
      if (found.reason === "stopped") break;
    }
    return { ...all, firstTokenMs: first, tokensPerSecond: seconds ? counted / seconds : null };
  }

  /** A text as [white space, what the model reads at a time]: lines, their sentences, and parts of what is too long. */
  pieces(text) {
    const { llama, tokenizer, prompts } = this;
    const room = Math.max(1, Math.floor(llama.contextLength / (prompts.chat?.again ? 2 : 3)) - 10);
    const found = [];
    let space = "";
    const add = (part) => {
      const [, before, inner, after] = /^(\s*)(.*?)(\s*)$/s.exec(part);
      if (inner) found.push([space + before, inner]);
      space = inner ? after : space + part;
    };
    for (const line of text.split(/(?<=\n)/)) {
      const whole = prompts.chat?.again && tokenizer.encode(line).length <= room;
      for (const sentence of whole ? [line] : line.split(/(?<=[.!?…][»”"')\]]*)(?=\s+\S)(?!\s+\p{Ll})/u)) {
        const ids = tokenizer.encode(sentence);
        for (let at = 0, end; at < ids.length; at = end) {
          end = Math.min(at + room, ids.length);
          let word = end;
          while (end < ids.length && word > at && !tokenizer.pieces[ids[word]].startsWith(SPACE)) word--;
          if (word > at) end = word;
          add(tokenizer.decode(ids.slice(at, end)));
        }
      }
    }
    return space ? [...found, [space, ""]] : found;
  }

  /** How likely each token of a text is, from what stands before a text on; long ones by windows. */
  async score({ text, overlap = this.llama.contextLength >> 1 }, tell, goesOn) {
    const { llama, tokenizer, prompts } = this;
    const ids = tokenizer.encode(text);
    const { contextLength } = llama;
    let nats = 0;
    for (let done = 0; done < ids.length; ) {
      const from = Math.max(-1, done - 1 - (done ? overlap : 0));
      const window = [...(from < 0 ? [prompts.start] : []), ...ids.slice(Math.max(from, 0), from + contextLength)];
      llama.rewind([]);
      for (let at = 0; at < window.length; at += PORTION) {
        llama.read(window.slice(at, at + PORTION), (logits, i) => {
          const target = from + at + i + 1;
          if (target < done || target >= ids.length) return;
          const found = this.describe(ids[target]);
          nats -= Math.log(found.p);
          tell(found);
        });
        if (!(await goesOn())) return { stopped: true };
      }
      done = Math.min(ids.length, from + contextLength + 1);
    }
    const bytes = tokenizer.utf8.encode(text).length;
    return { tokens: ids.length, bytes, bitsPerByte: bytes ? nats / Math.LN2 / bytes : null };
  }

  /** A token where the model stands now: `id`, `piece`, its probability `p`, the likeliest in its place. */
  describe(id) {
    const { logits, vocabulary } = this.llama;
    const best = [];
    for (let other = 0; other < vocabulary; other++) {
      if (best.length === ALTERNATIVES && logits[other] <= logits[best[ALTERNATIVES - 1]]) continue;
      let place = best.length;
      while (place && logits[best[place - 1]] < logits[other]) place--;
      best.splice(place, 0, other);
      best.length = Math.min(best.length, ALTERNATIVES);
    }
    let total = 0;
    for (let other = 0; other < vocabulary; other++) total += Math.exp(logits[other] - logits[best[0]]);
    const p = (other) => Math.exp(logits[other] - logits[best[0]]) / total;
    const piece = (other) => (this.tokenizer.pieces[other] ?? "").replaceAll(SPACE, " ");
    return { id, piece: piece(id), p: p(id), alternatives: best.map((other) => ({ id: other, piece: piece(other), p: p(other) })) };
  }

  /** A text cut into tokens: `ids`, `pieces`, and its bytes. */
  cut({ text, special = false }) {
    const ids = this.tokenizer.encode(text, { special });
    const pieces = ids.map((id) => this.tokenizer.pieces[id].replaceAll(SPACE, " "));
    return { ids, pieces, bytes: this.tokenizer.utf8.encode(text).length };
  }
}
