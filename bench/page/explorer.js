// The explorer: selects for every dimension of the cube, and one table that answers them.
// A cell of the cube is [place in each dimension ..., n at step 1, sum at step 1, n at step 2, ...].

function explorer(cube, root) {
  const all = -1;
  const most = 24;
  const form = root.querySelector("form");
  const table = root.querySelector("table");
  const note = root.querySelector("[role=status]");

  function chooser(title, options) {
    const field = document.createElement("div");
    const label = document.createElement("label");
    const select = document.createElement("select");
    select.id = `choose-${form.length}`;
    label.htmlFor = select.id;
    label.textContent = title;
    field.append(label, select);
    for (const [value, text] of options) select.append(new Option(text, value));
    form.append(field);
    select.addEventListener("change", show);
    return select;
  }

  function dimensionChooser(dimension) {
    const used = usedPlaces(cube, cube.dimensions.indexOf(dimension));
    const options = used.map((place) => [place, dimension.values[place]]);
    return chooser(dimension.title, [[all, "all"], ...options]);
  }

  function show() {
    const chosen = filters.map((select) => Number(select.value));
    const step = Number(steps.value);
    const by = Number(split.value);
    const found = means(cube, chosen, step, by);
    const columns = largestColumns(found, most);
    fillHead(table.tHead, columns.map((place) => (by === all ? "Dice" : cube.dimensions[by].values[place])));
    fillBody(table.tBodies[0], cube.models, found, columns);
    note.textContent = sentence(found, columns, cube.steps[step]);
  }

  const steps = chooser("step", cube.steps.map((step, at) => [at, String(step)]));
  steps.value = String(cube.steps.length - 1);
  const filters = cube.dimensions.map(dimensionChooser);
  const titles = cube.dimensions.map((dimension, at) => [at, dimension.title]);
  const split = chooser("columns", [[all, "all masks together"], ...titles]);
  const reset = document.createElement("button");
  reset.type = "reset";
  reset.textContent = "show all";
  form.append(reset);
  form.addEventListener("reset", () => setTimeout(() => { steps.value = String(cube.steps.length - 1); show(); }));
  root.hidden = false;
  root.parentElement.querySelector(".unscripted").hidden = true;
  show();
}

// Places of a dimension that any cell has.
function usedPlaces(cube, dimension) {
  const used = new Set();
  for (const cells of cube.cells) for (const cell of cells) used.add(cell[dimension]);
  return [...used].sort((a, b) => a - b);
}

// For each model a Map: place in the dimension `by` (or -1) -> [n, sum], over the cells that every filter takes.
function means(cube, chosen, step, by) {
  const wanted = chosen.map((place, at) => [at, place]).filter(([, place]) => place >= 0);
  const at = cube.dimensions.length + 2 * step;
  return cube.cells.map((cells) => {
    const found = new Map();
    for (const cell of cells) {
      if (cell[at] === 0 || !wanted.every(([dimension, place]) => cell[dimension] === place)) continue;
      const key = by < 0 ? -1 : cell[by];
      const sums = found.get(key) ?? [0, 0];
      found.set(key, [sums[0] + cell[at], sums[1] + cell[at + 1]]);
    }
    return found;
  });
}

// The places with most masks, in the order of the dimension.
function largestColumns(found, most) {
  const sizes = new Map();
  for (const model of found) {
    for (const [place, [n]] of model) sizes.set(place, Math.max(n, sizes.get(place) ?? 0));
  }
  const places = [...sizes.keys()].sort((a, b) => sizes.get(b) - sizes.get(a) || a - b);
  return places.slice(0, most).sort((a, b) => a - b);
}

function fillHead(head, names) {
  const row = document.createElement("tr");
  for (const name of ["Model", ...names]) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = name;
    if (row.cells.length) cell.className = "number";
    row.append(cell);
  }
  head.replaceChildren(row);
}

// Models of the best mean first; those without a mask last.
function fillBody(body, models, found, columns) {
  const whole = found.map((sums) => {
    const [n, sum] = [...sums.values()].reduce((one, other) => [one[0] + other[0], one[1] + other[1]], [0, 0]);
    return n ? sum / n : -1;
  });
  const order = models.map((_, at) => at).sort((a, b) => whole[b] - whole[a] || a - b);
  body.replaceChildren(...order.map((at) => modelRow(models[at], found[at], columns)));
}

function modelRow(name, sums, columns) {
  const row = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = name;
  row.append(head, ...columns.map((place) => meanCell(sums.get(place))));
  return row;
}

function meanCell(sums) {
  const cell = document.createElement("td");
  cell.className = "number";
  if (!sums) {
    cell.textContent = "\u2013";
    cell.title = "no mask";
    return cell;
  }
  const small = document.createElement("small");
  small.textContent = `n = ${sums[0].toLocaleString("en")}`;
  cell.append((sums[1] / sums[0]).toFixed(3), " ", small);
  return cell;
}

function sentence(found, columns, step) {
  const sizes = found.map((sums) => [...sums.values()].reduce((n, one) => n + one[0], 0));
  if (!columns.length) return "No mask is like this.";
  const [least, largest] = [Math.min(...sizes), Math.max(...sizes)];
  const n = least === largest ? `${largest.toLocaleString("en")}` : `${least.toLocaleString("en")} to ${largest.toLocaleString("en")}`;
  return `Step ${step}, ${n} masks per model.`;
}

for (const root of document.querySelectorAll(".explorer")) {
  explorer(JSON.parse(document.getElementById("cube").textContent), root);
}
