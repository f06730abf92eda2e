// Filters the scoreboard. Without this script the whole table is there, and no form.
"use strict";

function startFilter(board) {
  const form = board.querySelector("form");
  const count = board.querySelector("[role=status]");
  const fields = [...form.elements].filter((field) => field.name);
  const rows = [...board.querySelectorAll("tbody tr")];
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));

  function fits(row, { name, value }) {
    if (name !== "words") return value === "" || row.dataset[name] === value;
    return value.toLowerCase().split(/\s+/).every((word) => texts.get(row).includes(word));
  }

  function keepInAddress() {
    const asked = fields.filter((field) => field.value).map((field) => [field.name, field.value]);
    const query = asked.length ? `?${new URLSearchParams(asked)}` : "";
    history.replaceState(null, "", location.pathname + query + location.hash);
  }

  function show() {
    for (const row of rows) row.hidden = !fields.every((field) => fits(row, field));
    const shown = rows.filter((row) => !row.hidden).length;
    count.textContent = `${shown} of ${rows.length} claims`;
    keepInAddress();
  }

  const asked = new URLSearchParams(location.search);
  for (const field of fields) field.value = asked.get(field.name) ?? "";
  form.addEventListener("input", show);
  form.addEventListener("reset", () => setTimeout(show)); // after the fields are empty
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  show();
}

document.querySelectorAll(".scoreboard").forEach(startFilter);
