"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const PAGE = 100;
const byId = (id) => document.getElementById(id);
const node = (tag, props = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== false && value !== undefined) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
};
const percent = (value) => `${(100 * value).toFixed(1)} %`;
const money = (value) => (value === null ? "–" : `$${value ? value.toPrecision(2) : 0}`);
const time = (value) => (value !== null ? (value >= 1000 ? `${(value / 1000).toFixed(2)} s` : `${Math.round(value)} ms`) : "–");
const columnKey = (each) => `${each.p}/${each.q}`;
const columnName = (each) => `${data.prompts[each.q].label} × ${data.providers[each.p]}`;

const rows = new Map();
for (const cell of data.cells) {
  const key = `${cell.c}/${cell.r}`;
  if (!rows.has(key)) rows.set(key, { c: cell.c, r: cell.r, d: cell.d, cells: new Map() });
  rows.get(key).cells.set(columnKey(cell), cell);
}
const ordered = [...rows.values()];

function bar([value, low, high]) {
  const made = node("span", { class: "bar", "aria-hidden": "true" });
  const at = (number) => `${Math.max(0, Math.min(100, 100 * number))}%`;
  if (low !== null) {
    const range = node("i");
    range.style.left = at(low);
    range.style.right = `calc(100% - ${at(high)})`;
    made.append(range);
  }
  const point = node("b");
  point.style.left = at(value);
  made.append(point);
  return made;
}

const interval = ([value, low, high], show) =>
  low === null ? show(value) : `${show(value)} (${show(low)} to ${show(high)})`;

function drawColumns() {
  const score = (value) => value.toFixed(3);
  const metrics = [...new Set(data.columns.flatMap((each) => Object.keys(each.metrics)))];
  const heads = ["Prompt × provider", "Passed (95 %)", "Score (95 %)", "Errors", "Cost a cell", "p50", "p95", ...metrics];
  byId("columns").append(
    node("thead", {}, node("tr", {}, ...heads.map((head) => node("th", { scope: "col" }, head)))),
    node("tbody", {}, ...data.columns.map((each) => node("tr", {},
      node("th", { scope: "row" }, columnName(each),
        each.pareto && data.columns.length > 1
          ? node("small", { title: "in quality, cost and latency together" }, " ● no other is better") : null),
      node("td", {}, ...(each.scored ? [bar(each.rate), `${interval(each.rate, percent)}, ${each.passed} of ${each.scored}`] : ["–"])),
      node("td", {}, ...(each.scored ? [bar(each.score), interval(each.score, score)] : ["–"])),
      node("td", { class: "number" }, String(each.errors)),
      node("td", { class: "number" }, money(each.cost)),
      node("td", { class: "number" }, time(each.p50)),
      node("td", { class: "number" }, time(each.p95)),
      ...metrics.map((name) => node("td", {}, each.metrics[name] ? interval(each.metrics[name], score) : "–")),
    ))),
  );
}

let shown = PAGE;
function matching() {
  const status = byId("status").value;
  const wanted = byId("search").value.trim().toLowerCase();
  return ordered.filter((row) => {
    const cells = [...row.cells.values()];
    if (status === "differs" && new Set(cells.map((cell) => cell.s)).size < 2) return false;
    if (status && status !== "differs" && !cells.some((cell) => cell.s === status)) return false;
    return !wanted || row.d.toLowerCase().includes(wanted)
      || cells.some((cell) => cell.o.toLowerCase().includes(wanted) || cell.a.some((said) => said[4].toLowerCase().includes(wanted)));
  });
}

function drawMatrix() {
  const found = matching();
  const table = byId("matrix");
  table.replaceChildren(
    node("thead", {}, node("tr", {}, node("th", { scope: "col" }, "Case"),
      ...data.columns.map((each) => node("th", { scope: "col" }, columnName(each))))),
    node("tbody", {}, ...found.slice(0, shown).map((row) => node("tr", {},
      node("th", { scope: "row" }, `#${row.c + 1} ${row.d}${row.r ? ` (repeat ${row.r + 1})` : ""}`),
      ...data.columns.map((column) => {
        const cell = row.cells.get(columnKey(column));
        if (!cell) return node("td", {}, node("span", { class: "soft" }, "not asked"));
        return node("td", {}, node("button", { type: "button", class: "cell", onclick: () => open(found.indexOf(row), found) },
          node("span", { class: `tag ${cell.s}` }, cell.s), cell.s === "error" ? null : ` ${cell.v.toFixed(2)}`,
          node("span", { class: "said" }, cell.e || cell.o)));
      }),
    ))),
  );
  byId("count").textContent = `${found.length} of ${ordered.length} cases`;
  byId("more").hidden = found.length <= shown;
}

// The longest common run of words, by dynamic programming over at most some hundred words a side.
function difference(before, after) {
  const a = before.split(/(\s+)/).slice(0, 800);
  const b = after.split(/(\s+)/).slice(0, 800);
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] = a[i] === b[j] ? lengths[(i + 1) * width + j + 1] + 1
        : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
    }
  }
  const made = node("pre");
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) { made.append(a[i]); i += 1; j += 1; }
    else if (j < b.length && (i === a.length || lengths[i * width + j + 1] >= lengths[(i + 1) * width + j])) {
      made.append(node("ins", {}, b[j])); j += 1;
    } else { made.append(node("del", {}, a[i])); i += 1; }
  }
  return made;
}

function side(cell, first) {
  const said = cell.a.map(([name, outcome, passed, score, reason, metric]) => node("li", {},
    node("span", { class: `tag ${outcome === "scored" ? (passed ? "passed" : "failed") : outcome === "failed" ? "error" : outcome}` },
      `${name}${metric ? ` · ${metric}` : ""} ${outcome === "scored" ? score.toFixed(2) : outcome.replace("_", " ")}`),
    ` ${reason}`));
  const facts = [["latency", time(cell.l)], ["cost", money(cell.u)], ["tokens", cell.k || ""], ["model", cell.m], ["trace", cell.t]]
    .filter(([, value]) => value && value !== "–");
  return node("article", {},
    node("h3", {}, columnName(cell)),
    node("p", {}, node("span", { class: `tag ${cell.s}` }, cell.s), cell.s === "error" ? null : ` score ${cell.v.toFixed(3)}`),
    cell.e ? node("p", {}, cell.e) : null,
    first && first !== cell && first.o && cell.o ? difference(first.o, cell.o) : node("pre", {}, cell.o),
    cell.b[0] ? node("div", {}, node("small", {}, `In ${cell.b[1]}, for reviewers; not judged:`), node("pre", {}, cell.b[0])) : null,
    node("ul", { class: "reasons" }, ...said),
    node("details", {}, node("summary", {}, "Prompt"), node("pre", {}, cell.i)),
    node("dl", {}, ...facts.flatMap(([name, value]) => [node("dt", {}, name), node("dd", {}, String(value))])));
}

function open(index, found) {
  const row = found[index];
  const dialog = byId("details");
  const cells = data.columns.map((column) => row.cells.get(columnKey(column))).filter(Boolean);
  const step = (by) => { if (found[index + by]) open(index + by, found); };
  const compare = node("input", { type: "checkbox", id: "diff", checked: dialog.dataset.diff === "1" });
  compare.addEventListener("change", () => { dialog.dataset.diff = compare.checked ? "1" : ""; open(index, found); });
  dialog.replaceChildren(
    node("div", { class: "top" },
      node("h2", { id: "details-title" }, `#${row.c + 1} ${row.d}`),
      node("span", {},
        cells.length > 1 ? node("label", {}, compare, " differences to the first ") : null,
        node("button", { type: "button", onclick: () => step(-1), disabled: index === 0 }, "Previous"), " ",
        node("button", { type: "button", onclick: () => step(1), disabled: index === found.length - 1 }, "Next"), " ",
        node("button", { type: "button", onclick: () => dialog.close() }, "Close"))),
    node("dl", {}, ...Object.entries(cells[0].vars).flatMap(([name, value]) =>
      [node("dt", {}, name), node("dd", {}, typeof value === "string" ? value : JSON.stringify(value))])),
    node("div", { class: "sides" }, ...cells.map((cell) => side(cell, dialog.dataset.diff === "1" ? cells[0] : null))));
  dialog.onkeydown = (event) => {
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  };
  if (!dialog.open) dialog.showModal();
}

byId("title").textContent = data.description || data.name;
byId("about").textContent = `${data.name} · ${data.time} · ${data.cells.length} cells`;
byId("filters").addEventListener("submit", (event) => event.preventDefault());
for (const id of ["status", "search"]) byId(id).addEventListener("input", () => { shown = PAGE; drawMatrix(); });
byId("more").addEventListener("click", () => { shown += PAGE; drawMatrix(); });
drawColumns();
drawMatrix();
