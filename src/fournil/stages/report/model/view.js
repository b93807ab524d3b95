// What a visitor sees and does: it hands texts to the worker and shows what comes back, token by token.
// All words come from the page (see markup.py), which knows the reader's language.
"use strict";

{
  const section = document.getElementById("model");
  const words = JSON.parse(document.getElementById("model-words")?.textContent ?? "null");
  const part = (name) => section.querySelector(`[data-part="${name}"]`);
  const locale = document.documentElement.lang;
  const say = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  const share = (p) => {
    if (p < 0.001) return say(words.less, { share: share(0.001) });
    const places = p < 0.1 || p > 0.99 ? 1 : 0;
    return say(words.percent, { figure: (100 * p).toLocaleString(locale, { maximumFractionDigits: places }) });
  };
  const figure = (value, places) =>
    value.toLocaleString(locale, { minimumFractionDigits: places, maximumFractionDigits: places });
  const shown = (piece) => piece.replaceAll(" ", "␣").replaceAll("\n", "⏎").replaceAll("\t", "⇥");
  const element = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  let client = null;
  let loading = null;

  /** The client, once the model is unpacked; the first who asks starts that. */
  const ready = () => (loading ??= load());

  async function load() {
    const state = part("state");
    state.textContent = words.loading;
    try {
      // The weights are the last of the page; some of a page that was cut is missing.
      if (document.readyState === "loading") {
        await new Promise((resolve) => document.addEventListener("DOMContentLoaded", resolve, { once: true }));
      }
      const [source, weights] = ["model-engine", "model-weights"].map((id) => document.getElementById(id));
      if (!weights) throw Object.assign(new Error("model-weights"), { code: "cut" });
      client = await ModelClient.load(source, weights, ({ progress }) => {
        state.textContent = say(words.fetching, { share: share(progress) });
      });
      weights.textContent = ""; // the worker has them
    } catch (error) {
      part("controls").hidden = true;
      state.classList.add("bad");
      fail(error);
      throw error;
    }
    state.textContent = words.ready;
    return client;
  }

  function fail(error) {
    const said = words.errors[error.code];
    part("state").textContent = said && error.code !== "broken" ? said : `${words.errors.broken} (${error.message})`;
  }

  // Tokens that were written, each of which can be pointed at or reached with the arrow keys.

  const told = new WeakMap();
  const hint = section ? part("detail")?.textContent : "";

  function tokenElement(token, label) {
    const made = element("span", { className: "token", tabIndex: -1, textContent: token.text ?? token.piece });
    made.setAttribute("role", "img");
    made.setAttribute("aria-label", label);
    told.set(made, token);
    return made;
  }

  function detail(token) {
    if (!token?.alternatives) return;
    const rows = token.alternatives.map(({ id, piece, p }) => {
      const chosen = id === token.id ? { className: "chosen" } : {};
      const meter = element("meter", { min: 0, max: 1, value: p });
      meter.setAttribute("aria-hidden", "true");
      return element("li", chosen, element("code", { textContent: shown(piece) }), meter, element("span", { textContent: share(p) }));
    });
    const lead = say(words.detail, { token: shown(token.piece), share: share(token.p) });
    part("detail").replaceChildren(element("p", { textContent: lead }), element("ol", {}, ...rows));
  }

  function explore(output) {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };
    output.addEventListener("pointerover", ({ target }) => detail(told.get(target)));
    output.addEventListener("focusin", ({ target }) => detail(told.get(target)));
    output.addEventListener("keydown", (event) => {
      if (!(event.key in step) || !told.has(event.target)) return;
      event.preventDefault();
      const all = [...output.querySelectorAll(".token")];
      const to = Math.max(0, Math.min(all.length - 1, all.indexOf(event.target) + step[event.key]));
      event.target.tabIndex = -1;
      all[to].tabIndex = 0;
      all[to].focus();
    });
  }

  /** How sure the model was, in five shades. */
  const sureness = (p) => `sure${Math.min(4, Math.floor(p * 5))}`;

  /** Ask for a text and write it into `output` as it comes; a newer one for the same panel ends it. */
  const running = new Map();
  async function write(name, does, request, output) {
    const mine = {};
    running.get(name)?.promise?.stop();
    running.set(name, mine);
    try {
      await ready();
    } catch {
      return null;
    }
    if (running.get(name) !== mine) return null;
    const stop = part(`${name}-stop`);
    let fresh = true;
    const clear = () => {
      if (fresh) {
        output.replaceChildren();
        part("detail").replaceChildren(hint);
      }
      fresh = false;
    };
    stop.disabled = false;
    output.setAttribute("aria-busy", "true");
    const temperature = Number(part(`${name}-temperature`).value);
    mine.promise = client.ask(does, { temperature, topP: 0.95, ...request }, ({ token }) => {
      if (running.get(name) !== mine) return;
      clear();
      if (token.id === undefined) return output.append(token.text);
      const made = tokenElement(token, say(words.token, { piece: shown(token.piece), share: share(token.p) }));
      made.classList.add(sureness(token.p));
      if (!output.querySelector(".token")) made.tabIndex = 0;
      output.append(made);
    });
    let result = null;
    try {
      result = await mine.promise;
      if (running.get(name) !== mine) return null;
      clear();
      if (!result.text && result.reason !== "stopped") output.append(element("span", { className: "nothing", textContent: words.empty }));
      const { tokensPerSecond: speed } = result;
      part(`${name}-speed`).textContent = speed ? say(words.speed, { speed: figure(speed, 0) }) : "";
      part("state").textContent = words.ready;
    } catch (error) {
      if (running.get(name) === mine) fail(error);
    }
    if (running.get(name) === mine) {
      stop.disabled = true;
      output.setAttribute("aria-busy", "false");
      running.delete(name);
    }
    return result;
  }

  function controls(name, output) {
    const [slider, degrees, copy] = ["temperature", "degrees", "copy"].map((each) => part(`${name}-${each}`));
    const read = () => (degrees.textContent = figure(Number(slider.value), 1));
    slider.addEventListener("input", read);
    read();
    part(`${name}-stop`).addEventListener("click", () => running.get(name)?.promise?.stop());
    copy.addEventListener("click", async () => {
      await copied(output.innerText);
      part(`${name}-speed`).textContent = words.copied;
    });
  }

  /** Put text on the clipboard; pages that are served without TLS, or not trusted, may only copy what is selected. */
  async function copied(text) {
    try {
      return await navigator.clipboard.writeText(text);
    } catch {
      // Then the old way.
    }
    const box = element("textarea", { value: text });
    document.body.append(box);
    box.select();
    document.execCommand("copy");
    box.remove();
  }

  const PANELS = {
    translate() {
      const [way, from, output, reference] = ["way", "translate-in", "translate-out", "reference"].map(part);
      let waiting;
      let chosen = false;
      /** Take the direction that the text's function words tell, until somebody chooses one. */
      const guess = () => {
        const written = from.value.toLowerCase().replaceAll("’", "'").match(/[\p{L}\p{M}]+'?/gu) ?? [];
        const [[source, most], [, next]] = Object.entries(words.common)
          .map(([language, common]) => [language, written.filter((word) => common.includes(word)).length])
          .sort(([, one], [, other]) => other - one);
        const option = [...way.options].find(({ value }) => value.startsWith(`${source} `));
        if (!chosen && most > next && !way.value.startsWith(`${source} `)) way.value = option.value;
      };
      const languages = () => {
        const [source, target] = way.value.split(" ");
        from.lang = source;
        output.lang = target;
        return target;
      };
      const translate = () => {
        clearTimeout(waiting);
        if (from.value.trim()) return write("translate", "translate", { text: from.value, to: languages() }, output);
        running.get("translate")?.promise?.stop();
        running.delete("translate");
        return output.replaceChildren();
      };
      from.addEventListener("input", () => {
        reference.hidden = true;
        guess();
        clearTimeout(waiting);
        waiting = setTimeout(translate, 150);
      });
      way.addEventListener("change", () => {
        chosen = true;
        reference.hidden = true;
        translate();
      });
      part("translate-temperature").addEventListener("change", translate);
      let next = 0;
      part("sample")?.addEventListener("click", async () => {
        const sample = words.samples[next++ % words.samples.length];
        way.value = `${sample.from} ${sample.to}`;
        from.value = sample.source;
        reference.hidden = true;
        if (!(await translate())) return;
        const quote = element("q", { lang: sample.to, dir: "auto", textContent: sample.reference });
        const [before, after] = words.reference.split("{text}");
        reference.replaceChildren(before, quote, after);
        reference.hidden = false;
      });
      languages();
      controls("translate", output);
      explore(output);
    },

    chat() {
      const [log, form, box] = ["chat-out", "chat-form", "chat-in"].map(part);
      const turns = [];
      const turn = (who, kind) => {
        const text = element("div", { className: "written", dir: "auto" });
        log.append(element("li", { className: kind }, element("b", { textContent: who }), text));
        return text;
      };
      form.addEventListener("submit", async (event) => {
        event.preventDefault();
        const message = box.value.trim();
        if (!message || running.has("chat")) return;
        box.value = "";
        turn(words.you, "mine").textContent = message;
        turns.push(message);
        const result = await write("chat", "generate", { chat: turns, seed: turns.length }, turn(words.model, "its"));
        if (result) turns.push(result.text);
        else turns.pop();
      });
      box.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
        event.preventDefault();
        form.requestSubmit();
      });
      controls("chat", log);
      explore(log);
    },

    continue() {
      const [box, go, output] = ["continue-in", "continue-go", "continue-out"].map(part);
      let seed = 0;
      go.addEventListener("click", () =>
        write("continue", "generate", { text: box.value, seed: seed++, maxTokens: 120 }, output));
      controls("continue", output);
      explore(output);
    },

    tokens() {
      const boxes = section.querySelectorAll('[data-part^="tokens-"]');
      for (const box of boxes) {
        const language = box.dataset.part.slice("tokens-".length);
        const output = part(`cut-${language}`);
        const cut = async () => {
          const text = box.value;
          try {
            await ready();
          } catch {
            return;
          }
          const { ids, pieces, bytes } = await client.ask("cut", { text });
          if (text !== box.value) return;
          output.replaceChildren(...ids.map((id, i) => {
            const piece = shown(pieces[i]);
            const made = tokenElement({ piece }, say(words.cut, { piece, id }));
            made.title = say(words.cut, { piece, id });
            made.classList.add(/^<0x..>$/.test(piece) ? "byte" : words.shades[language], i % 2 ? "odd" : "even");
            return made;
          }));
          if (output.firstChild) output.firstChild.tabIndex = 0;
          const num = text.match(/[\p{L}\p{M}\p{N}]+(?:['’-][\p{L}\p{M}\p{N}]+)*/gu)?.length;
          const [perWord, perByte] = [num && ids.length / num, bytes && ids.length / bytes];
          const counts = say(words.counts, {
            tokens: figure(ids.length, 0),
            perWord: perWord ? figure(perWord, 2) : "–",
            perByte: perByte ? figure(perByte, 3) : "–",
          });
          part(`count-${language}`).textContent = [counts, words.shares[language]].filter(Boolean).join("\n");
        };
        box.addEventListener("input", cut);
        explore(output);
        const sample = words.samples.find(({ source }) => source.length > 20) ?? words.samples[0];
        if (sample) box.value = { [sample.from]: sample.source, [sample.to]: sample.reference }[language] ?? "";
        section.querySelector('[data-tab="tokens"]').addEventListener("click", cut, { once: true });
      }
    },
  };

  function tabs() {
    const all = [...section.querySelectorAll("[data-tab]")];
    const open = (tab) => {
      for (const other of all) {
        other.setAttribute("aria-selected", String(other === tab));
        other.tabIndex = other === tab ? 0 : -1;
        section.querySelector(`[data-panel="${other.dataset.tab}"]`).hidden = other !== tab;
      }
      part("detail").hidden = tab.dataset.tab === "tokens";
    };
    all.forEach((tab, i) => {
      tab.addEventListener("click", () => open(tab));
      tab.addEventListener("keydown", ({ key }) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
        if (!step) return;
        const other = all[(i + step + all.length) % all.length];
        other.focus();
        other.click();
      });
    });
  }

  if (section && words) {
    tabs();
    for (const panel of section.querySelectorAll("[data-panel]")) PANELS[panel.dataset.panel]();
    part("controls").hidden = false;
    part("state").textContent = "";
    const begin = () => ready().catch(() => {});
    if (part("controls").dataset.beside === undefined) {
      // Whoever comes near wants it soon.
      const near = new IntersectionObserver(([{ isIntersecting }]) => {
        if (!isIntersecting) return;
        near.disconnect();
        begin();
      }, { rootMargin: "400px" });
      near.observe(section);
    } else {
      // Nobody pays for megabytes that nobody asked for.
      for (const asked of ["focusin", "pointerdown"]) section.addEventListener(asked, begin, { once: true });
    }
  }
}
