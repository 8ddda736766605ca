"use strict";
// Without this script the page only lacks sortable tables and the filter of languages, and opens no tables for print.
(() => {
  const number = (text) => {
    const found = text.replace(/,/g, "").match(/^[(~<]*\s*([-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?)/);
    return found ? Number(found[1]) : null;
  };
  const key = (row, column) => {
    const text = row.cells[column].textContent.trim();
    return { text, value: number(text), absent: text === "\u2013" };
  };
  const compare = (a, b, numeric, sign) => {
    if (a.absent !== b.absent) return a.absent ? 1 : -1;
    if (numeric) return sign * (a.value - b.value);
    return sign * a.text.localeCompare(b.text);
  };
  const sort = (table, header, column) => {
    const current = header.getAttribute("aria-sort");
    const first = header.textContent.includes("\u2191") ? "descending" : "ascending";
    const other = first === "ascending" ? "descending" : "ascending";
    const order = current === first ? other : first;
    for (const cell of header.parentElement.cells) cell.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", order);
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => ({ row, key: key(row, column) }));
    const numeric = rows.every((r) => r.key.absent || r.key.value !== null);
    rows.sort((a, b) => compare(a.key, b.key, numeric, order === "ascending" ? 1 : -1));
    body.append(...rows.map((r) => r.row));
  };
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  for (const heat of document.querySelectorAll("[data-filter]")) {
    const rows = [...heat.querySelectorAll("tbody tr")].map((row) => ({ row, tags: plain(row.dataset.tags) }));
    if (rows.length < 8) continue;
    const box = document.createElement("p"), label = document.createElement("label"), found = document.createElement("span");
    const input = document.createElement("input");
    box.className = "filter";
    input.type = "search";
    input.id = `filter-${heat.dataset.filter}`;
    input.placeholder = "Thai, hin, Arabic, ...";
    label.htmlFor = input.id;
    label.textContent = "Find languages or scripts";
    found.className = "count";
    found.setAttribute("role", "status");
    box.append(label, input, found);
    heat.before(box);
    input.addEventListener("input", () => {
      const words = plain(input.value).split(/[\s,;]+/).filter(Boolean);
      let shown = 0;
      for (const { row, tags } of rows) {
        row.hidden = words.length > 0 && !words.some((word) => tags.includes(word));
        shown += row.hidden ? 0 : 1;
      }
      for (const table of heat.querySelectorAll("table")) table.hidden = ![...table.tBodies[0].rows].some((row) => !row.hidden);
      found.textContent = words.length ? `${shown} of ${rows.length}` : "";
    });
  }
  for (const table of document.querySelectorAll("table")) {
    if (table.closest(".heat")) continue;
    [...table.tHead.rows[0].cells].forEach((header, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      header.append(button);
      button.addEventListener("click", () => sort(table, header, column));
    });
  }
  window.addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
})();
