"use strict";
(() => {
  const WAIT = 120;
  const MOST_IN_URL = 4000;
  const PIECES = 2000;
  const LISTED = 200;
  const at = (id) => document.getElementById(id);
  const form = at("question"), text = at("text"), second = at("second"), model = at("model"), marked = at("marked");
  const shown = new Map();
  let names = [], timer = 0, running = null;

  const make = (tag, content, attributes = {}) => {
    const element = document.createElement(tag);
    if (content !== undefined) element.textContent = content;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const write = (number, digits) =>
    number === null ? "\u2013" : number.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const chosen = () => names.filter((name) => at(`tokenizer-${names.indexOf(name)}`).checked);

  // The page keeps its state in the URL fragment, which browsers never send.
  const keepState = () => {
    const state = new URLSearchParams();
    const short = text.value.length + second.value.length <= MOST_IN_URL;
    if (short && text.value) state.set("text", text.value);
    if (short && second.value) state.set("second", second.value);
    state.set("tokenizers", chosen().join("\n"));
    state.set("model", model.value);
    if (!marked.checked) state.set("marked", "no");
    history.replaceState(null, "", `#${state}`);
    return short;
  };
  const readState = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    text.value = state.get("text") ?? "";
    second.value = state.get("second") ?? "";
    const wanted = state.has("tokenizers") ? state.get("tokenizers").split("\n") : names.slice(0, 2);
    names.forEach((name, i) => { at(`tokenizer-${i}`).checked = wanted.includes(name); });
    if (state.has("model")) model.value = state.get("model");
    marked.checked = state.get("marked") !== "no";
  };

  const showPieces = (result) => {
    const box = make("div", undefined, { class: "tokens", dir: "auto", tabindex: "0", role: "region",
      "aria-label": `Tokens of ${result.tokenizer}` });
    result.pieces.forEach(([id, piece, hex], i) => {
      const differs = result.differs !== null && result.differs[i];
      const token = make("bdi", piece, { class: differs ? `c${i % 4} differs` : `c${i % 4}`, title: `${id}  ${hex ?? "special"}` });
      if (piece.includes("\\")) token.dir = "ltr";
      box.append(token);
      if (hex !== null && /^(?:..)*0a/.test(hex)) box.append(make("br"));
    });
    return box;
  };
  const listPieces = (result) => {
    const details = make("details");
    details.append(make("summary", "Ids and bytes"));
    details.addEventListener("toggle", () => {
      if (!details.open || details.children.length > 1) return;
      const table = make("table"), body = make("tbody"), head = make("tr");
      for (const title of ["id", "token", "bytes"]) head.append(make("th", title, { scope: "col", class: "name" }));
      table.append(make("caption", `The first ${Math.min(LISTED, result.pieces.length)} tokens`), make("thead"), body);
      table.tHead.append(head);
      for (const [id, piece, hex] of result.pieces.slice(0, LISTED)) {
        const row = make("tr");
        row.append(make("th", id, { scope: "row", class: "name" }), make("td", undefined, { class: "name" }), make("td", hex ?? "special", { class: "name" }));
        row.cells[1].append(make("bdi", piece));
        body.append(row);
      }
      details.append(table);
    });
    return details;
  };
  const showResult = (result) => {
    const article = make("article");
    if (result.error) {
      article.append(make("h2", result.tokenizer), make("div", result.error, { class: "soft", role: "alert" }));
      return article;
    }
    article.append(make("h2", result.tokenizer), make("div", `${write(result.tokens, 0)} tokens`, { class: "soft" }));
    article.append(showPieces(result));
    const rest = result.tokens - result.pieces.length;
    if (rest > 0) {
      const more = make("button", `${write(rest, 0)} more tokens`, { type: "button" });
      more.addEventListener("click", () => {
        shown.set(result.tokenizer, true);
        ask();
      });
      article.append(more);
    }
    article.append(listPieces(result));
    return article;
  };
  const showCounts = (answer) => {
    const rows = answer.results.filter((result) => !result.error).map((result) => {
      const row = make("tr");
      row.append(make("th", result.tokenizer, { scope: "row", class: "name" }));
      const cells = [write(result.tokens, 0), write(result.tokens ? answer.bytes / result.tokens : null, 2),
        write(result.second_tokens, 0), write(result.premium, 2), write(result.gflop, 1),
        write(result.kv_mib, 1) + (result.fits ? "" : " (beyond the context)")];
      row.append(...cells.map((cell) => make("td", cell)));
      return row;
    });
    at("counts").tBodies[0].replaceChildren(...rows);
  };

  const ask = async () => {
    const short = keepState();
    running?.abort();
    running = new AbortController();
    const tokenizers = chosen();
    const share = Math.max(200, Math.floor(PIECES / Math.max(tokenizers.length, 1)));
    const question = { text: text.value.toWellFormed?.() ?? text.value, second: second.value.toWellFormed?.() ?? second.value,
      tokenizers, model: model.value, pieces: shown.size ? 20000 : share };
    try {
      const started = performance.now();
      const reply = await fetch("api/encode", { method: "POST", signal: running.signal,
        headers: { "Content-Type": "application/json" }, body: JSON.stringify(question) });
      const answer = await reply.json();
      at("problem").textContent = reply.ok ? "" : answer.error;
      if (!reply.ok) return;
      showCounts(answer);
      at("results").replaceChildren(...answer.results.map(showResult));
      at("status").textContent = `${write(answer.chars, 0)} characters, ${write(answer.bytes, 0)} bytes` +
        (short ? "" : "; too long to be kept in the address");
      document.documentElement.dataset.milliseconds = Math.round(performance.now() - started);
      document.documentElement.dataset.asked = Number(document.documentElement.dataset.asked ?? 0) + 1;
    } catch (error) {
      if (error.name !== "AbortError") at("problem").textContent = "The server does not answer: is tokbench view still running?";
    }
  };
  const askSoon = () => {
    shown.clear();
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT);
  };
  const mark = () => at("results").classList.toggle("marked", marked.checked);

  const start = async () => {
    const setup = await (await fetch("api/setup")).json();
    names = setup.tokenizers.map((tokenizer) => tokenizer.name);
    setup.tokenizers.forEach((tokenizer, i) => {
      const label = make("label", undefined, { title: `${tokenizer.engine}, ${write(tokenizer.vocabulary, 0)} ids` });
      label.append(make("input", undefined, { type: "checkbox", id: `tokenizer-${i}` }), make("span", tokenizer.name));
      at("tokenizers").append(label);
    });
    model.append(...setup.models.map((size) => make("option", size)));
    model.value = "1.4B";
    readState();
    mark();
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", askSoon);
    marked.addEventListener("change", mark);
    window.addEventListener("hashchange", () => { readState(); mark(); ask(); });
    await ask();
  };
  start();
})();
