"use strict";
// Column headers become buttons; numbers sort best first, rows without a number stay last, groups stay apart.

function makeSortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = "sort by this column";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sortBy(table, heads, at));
  });
}

function sortBy(table, heads, at) {
  const head = heads[at];
  const isNumber = head.classList.contains("number");
  const first = isNumber ? "descending" : "ascending";
  const second = isNumber ? "ascending" : "descending";
  const order = head.getAttribute("aria-sort") === first ? second : first;
  heads.forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", order);
  const sign = order === "ascending" ? 1 : -1;
  for (const body of table.tBodies) {
    const rows = [...body.rows].filter((row) => !row.classList.contains("group"));
    rows.sort((one, other) => compare(key(one.cells[at], isNumber), key(other.cells[at], isNumber), sign));
    body.append(...rows);
  }
}

function key(cell, isNumber) {
  if (!isNumber) return cell.textContent.trim();
  return "order" in cell.dataset ? Number(cell.dataset.order) : null;
}

function compare(a, b, sign) {
  if (a === null || b === null) return (a === null) - (b === null);
  return sign * (typeof a === "number" ? a - b : a.localeCompare(b));
}

for (const table of document.querySelectorAll("table.sortable")) makeSortable(table);
