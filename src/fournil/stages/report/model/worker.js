// The worker: one request at a time, answered by messages that carry the request's number.
//
// in:  {number, does: "load" | "prompt" | "pieces" | "cut" | "decode" | "translate" | "generate" | "score", ...request}, or {stop: number}
// out: {number, progress} while loading, {number, token} while writing, then {number, result} or {number, error, code}
"use strict";

let engine = null;
let last = Promise.resolve();
const stopped = new Set();

const DOES = {
  async load({ base64, url, length, sha256: digest }, tell) {
    const bytes = base64 === undefined ? await fetched(url, length, tell) : fromBase64(base64, length);
    await checkWhole(bytes, { length, sha256: digest });
    engine = new Engine(bytes);
    const { shape, prompts } = readTensors(bytes).about;
    return {
      shape,
      languages: Object.keys(prompts.languages),
      chats: Boolean(prompts.chat),
      remembers: Boolean(prompts.chat?.again),
    };
  },
  pieces: ({ text }) => ({ pieces: engine.pieces(text) }),
  prompt: (request) => ({ ids: engine.prompt(request) }),
  cut: (request) => engine.cut(request),
  decode: ({ ids, special }) => ({ text: engine.tokenizer.decode(ids, { special }) }),
  generate: (request, tell, goesOn) => engine.generate(request, (token) => tell({ token }), goesOn),
  translate: (request, tell, goesOn) => engine.translate(request, (token) => tell({ token }), goesOn),
  score: (request, tell, goesOn) => engine.score(request, (token) => tell({ token }), goesOn),
};

/** Fetch the weights where they stand beside the page, saying how much has come. */
async function fetched(url, length, tell) {
  const missing = (why) => new ModelError("missing", `${url}: ${why}`);
  const answer = await fetch(url).catch((error) => {
    throw missing(error.message);
  });
  if (!answer.ok) throw missing(answer.status);
  const bytes = new Uint8Array(length);
  let come = 0;
  for (const reader = answer.body.getReader(); ; ) {
    const { done, value } = await reader.read().catch((error) => {
      throw missing(error.message);
    });
    if (done) return bytes.subarray(0, come);
    if (come + value.length > length) throw new ModelError("altered", "the weights are longer than those that were packed");
    bytes.set(value, come);
    come += value.length;
    tell({ progress: come / length });
  }
}

/** Let messages in, at once: timers would wait four milliseconds each. */
function breath() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

async function answer({ number, does, ...request }) {
  let since = performance.now();
  const goesOn = async () => {
    if (performance.now() - since > BREATH) {
      await breath();
      since = performance.now();
    }
    return !stopped.has(number);
  };
  try {
    if (!engine && does !== "load") throw new ModelError("unloaded", "no model is loaded");
    postMessage({ number, result: await DOES[does](request, (news) => postMessage({ number, ...news }), goesOn) });
  } catch (error) {
    postMessage({ number, error: error.message, code: error.code ?? "broken" });
  }
  stopped.delete(number);
}

onmessage = ({ data }) => {
  if (data.stop !== undefined) stopped.add(data.stop);
  else last = last.then(() => answer(data));
};
