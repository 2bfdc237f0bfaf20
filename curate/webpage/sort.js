"use strict";
// Column headers become buttons; numbers sort largest first, rows without a value stay last, groups stay apart.

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
    const keyed = rows.map((row) => [key(row.cells[at], isNumber), row]);
    keyed.sort(([one], [other]) => compare(one, other, sign));
    body.append(...keyed.map(([, row]) => row));
  }
}

function key(cell, isNumber) {
  if (isNumber) return "order" in cell.dataset ? Number(cell.dataset.order) : null;
  return cell.querySelector(".none") ? null : cell.textContent.trim();
}

function compare(a, b, sign) {
  if (a === null || b === null) return (a === null) - (b === null);
  return sign * (typeof a === "number" ? a - b : a.localeCompare(b));
}

for (const table of document.querySelectorAll("table.sortable")) makeSortable(table);
