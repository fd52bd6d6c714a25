// The page is whole without this: it only adds sorting, filtering and copying.
"use strict";

function sortBy(table, position, header) {
  const descending = header.getAttribute("aria-sort") === "ascending";
  const isNumber = [...table.tBodies[0].rows].every(
    (row) => row.cells[position].classList.contains("number"));
  const key = (row) => row.cells[position].dataset.sort;
  // What is not defined stands last, whichever way the others are sorted.
  const rank = (row) => (Number.isNaN(Number(key(row).replace("inf", "Infinity"))) ? 1 : 0);
  const value = (row) => Number(key(row).replace("inf", "Infinity"));
  const rows = [...table.tBodies[0].rows].sort((one, other) => {
    const sign = descending ? -1 : 1;
    if (!isNumber) return sign * key(one).localeCompare(key(other));
    return rank(one) - rank(other) || sign * (value(one) - value(other)) || 0;
  });
  for (const other of header.parentNode.cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", descending ? "descending" : "ascending");
  table.tBodies[0].append(...rows);
}

for (const table of document.querySelectorAll("figure.table table")) {
  [...table.tHead.rows[0].cells].forEach((header, position) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    button.title = "Sort";
    button.addEventListener("click", () => sortBy(table, position, header));
    header.replaceChildren(button);
  });
}

function addFilter(before, items, text, label) {
  const input = document.createElement("input");
  input.type = "search";
  input.className = "filter";
  input.placeholder = label;
  input.setAttribute("aria-label", label);
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    for (const item of items) item.hidden = !text(item).toLowerCase().includes(wanted);
  });
  before.before(input);
}

for (const figure of document.querySelectorAll("figure.filtered")) {
  addFilter(figure.querySelector(".scroll"), [...figure.querySelectorAll("tbody tr")],
    (row) => row.textContent, "Filter rows");
}
const panels = [...document.querySelectorAll(".panel")];
if (panels.length > 2) {
  addFilter(document.querySelector(".panels"), panels, (panel) => panel.dataset.name, "Filter columns");
}

const paragraph = document.getElementById("paragraph");
if (navigator.clipboard) {
  const copy = document.createElement("button");
  copy.type = "button";
  copy.className = "copy";
  copy.textContent = "Copy the paragraph";
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(paragraph.textContent);
    copy.textContent = "Copied";
  });
  paragraph.after(copy);
}
