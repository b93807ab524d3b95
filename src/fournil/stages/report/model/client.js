// The page's side: starts the worker from the sources that the page holds, and hands it requests.
"use strict";

class ModelClient {
  #waiting = new Map();
  #number = 0;
  #worker;

  /** @param {string} source The worker's script, whole. */
  constructor(source) {
    this.#worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    this.#worker.onmessage = ({ data: { number, result, error, code, ...news } }) => {
      const waiting = this.#waiting.get(number);
      if (!waiting) return;
      if (result === undefined && error === undefined) return waiting.hear?.(news);
      this.#waiting.delete(number);
      if (error === undefined) waiting.resolve(result);
      else waiting.reject(Object.assign(new Error(error), { code }));
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#waiting.forEach(({ reject }) => reject(Object.assign(new Error(event.message), { code: "broken" })));
      this.#waiting.clear();
    };
  }

  /**
   * Ask the worker for something.
   * @param {string} does "load", "prompt", "pieces", "cut", "decode", "translate", "generate" or "score".
   * @param {object} request See worker.js and engine.js.
   * @param {(news: {progress?: number, token?: object}) => void} [hear] Is told what comes before the end.
   * @returns {Promise & {stop: () => void}} The result; `stop` makes it come at once.
   */
  ask(does, request, hear) {
    const number = ++this.#number;
    const promise = new Promise((resolve, reject) => this.#waiting.set(number, { resolve, reject, hear }));
    this.#worker.postMessage({ number, does, ...request });
    promise.stop = () => this.#worker.postMessage({ stop: number });
    return promise;
  }

  /** Start from a page's blocks (see embed.py): the element of the weights, or the address that stands in its `data-src`. */
  static async load(sourceElement, weightsElement, hear) {
    const client = new ModelClient(sourceElement.textContent);
    const { src, length, sha256 } = weightsElement.dataset;
    const where = src ? { url: new URL(src, document.baseURI).href } : { base64: weightsElement.textContent };
    client.about = await client.ask("load", { ...where, length: Number(length), sha256 }, hear);
    return client;
  }

  close() {
    this.#worker.terminate();
  }
}
