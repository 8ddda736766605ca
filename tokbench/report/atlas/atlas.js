// Without this script the index only lacks its search box.
(() => {
  const box = document.getElementById("find");
  if (!box) return;
  const fold = (text) => text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/[_-]/g, " ").trim();
  const rows = [...document.querySelectorAll("main tbody tr")].map((row) => {
    const head = row.cells[0], other = [...row.querySelectorAll("td.name")].map((cell) => cell.textContent);
    return { row, text: fold([head.textContent, head.dataset.names ?? "", ...(head.dataset.names ? other.slice(0, 2) : [])].join("|")) };
  });
  const found = document.getElementById("found");
  const filter = () => {
    const wanted = fold(box.value);
    let shown = 0;
    for (const { row, text } of rows) {
      row.hidden = !text.includes(wanted);
      if (!row.hidden) shown += 1;
    }
    for (const region of document.querySelectorAll("main .scroll")) {
      region.hidden = ![...region.querySelectorAll("tbody tr")].some((row) => !row.hidden);
    }
    found.textContent = wanted ? `${shown} of ${rows.length} rows` : "";
  };
  box.addEventListener("input", filter);
  box.closest("[hidden]").hidden = false;
  filter();
})();
