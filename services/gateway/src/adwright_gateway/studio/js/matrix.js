import { html, useEffect, useRef, useState } from "./ui.js";
import { all, call } from "./api.js";
import { Problem, counted } from "./parts.js";

export const STATUSES = { STATUS_PASSED: ["passed", "good"], STATUS_FAILED: ["failed", "bad"], STATUS_ERROR: ["error", "calm"] };
const PAGE = 50;

export const columnsOf = (run) =>
  run.providers.flatMap((provider, p) => run.prompts.map((prompt, q) => ({ p, q, label: `${prompt.label} × ${provider}` })));

const columnOf = (cell) => `${cell.cell?.provider || 0}/${cell.cell?.prompt || 0}`;
// What could not be told is no zero, and where there was nothing to look at nothing passed.
const OUTCOMES = { OUTCOME_FAILED: ["could not be told", "calm"], OUTCOME_NOT_APPLICABLE: ["not applicable", "calm"] };
const outcomeOf = (said) => OUTCOMES[said.outcome] || [`${said.pass ? "✓" : "✗"} ${(said.score || 0).toFixed(2)}`, said.pass ? "good" : "bad"];
const scoreOf = (cell) => (cell.status === "STATUS_ERROR" ? "" : ` ${(cell.score || 0).toFixed(2)}`);
const factsOf = (cell) => [cell.latencyMs && `${Math.round(cell.latencyMs)} ms`, cell.costUsd && `$${cell.costUsd.toPrecision(2)}`, cell.cached && "from the cache", cell.model].filter(Boolean).join(" · ");
const failedReason = (cell) => cell.error || cell.assertions?.find((each) => !each.pass)?.reason || "";

/** Cases × columns of a run; a cell opens with everything that was said of it. */
export function Matrix({ run }) {
  const [cells, setCells] = useState([]);
  const [show, setShow] = useState("");
  const [search, setSearch] = useState("");
  const [most, setMost] = useState(PAGE);
  const [opened, setOpened] = useState(null);
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    all(`v1/${run.name}/results`, "results", 20_000).then(setCells, setProblem);
  }, [run.name, run.state]);
  const columns = columnsOf(run).filter(({ p, q }) => cells.some((cell) => columnOf(cell) === `${p}/${q}`));
  const rows = new Map();
  for (const cell of cells) {
    const key = `${cell.cell?.case || 0}/${cell.cell?.repeat || 0}`;
    if (!rows.has(key)) rows.set(key, { key, cell, cells: new Map() });
    rows.get(key).cells.set(columnOf(cell), cell);
  }
  const wanted = search.trim().toLowerCase();
  const found = [...rows.values()].filter((row) => {
    const own = [...row.cells.values()];
    if (show === "differs" && new Set(own.map((cell) => cell.status)).size < 2) return false;
    if (show && show !== "differs" && !own.some((cell) => cell.status === show)) return false;
    return !wanted || own.some((cell) => `${cell.description} ${cell.output} ${failedReason(cell)}`.toLowerCase().includes(wanted));
  });
  return html`<section aria-label="Cells">
    <${Problem} of=${problem} />
    <div class="pair">
      <label>Show
        <select value=${show} onChange=${(event) => setShow(event.target.value)}>
          <option value="">all cases</option>
          <option value="STATUS_FAILED">with a failure</option>
          <option value="STATUS_ERROR">with an error</option>
          <option value="differs">where columns differ</option>
        </select>
      </label>
      <label>Search <input type="search" value=${search} onInput=${(event) => setSearch(event.target.value)} /></label>
    </div>
    <p class="calm" role="status">${found.length} of ${counted(rows.size, "case")}</p>
    ${rows.size > 0 &&
    html`<div class="overflow-auto" tabindex="0" role="region" aria-label="Matrix">
      <table class="matrix">
        <thead><tr><th scope="col">Case</th>${columns.map(({ label }) => html`<th scope="col" key=${label}>${label}</th>`)}</tr></thead>
        <tbody>
          ${found.slice(0, most).map(
            (row) => html`<tr key=${row.key}>
              <th scope="row">#${(row.cell.cell?.case || 0) + 1} ${row.cell.description}</th>
              ${columns.map(({ p, q }) => {
                const cell = row.cells.get(`${p}/${q}`);
                if (!cell) return html`<td key=${`${p}/${q}`} class="calm">not asked</td>`;
                const [word, tone] = STATUSES[cell.status] || ["", "calm"];
                return html`<td key=${`${p}/${q}`}>
                  <button class="cell" onClick=${() => setOpened(cell)}>
                    <span class=${`badge ${tone}`}>${word}${scoreOf(cell)}</span>
                    <span class="said">${cell.error || cell.output}</span>
                  </button>
                </td>`;
              })}
            </tr>`,
          )}
        </tbody>
      </table>
    </div>`}
    ${found.length > most && html`<button class="secondary" onClick=${() => setMost(most + PAGE)}>More</button>`}
    ${opened && html`<${Details} run=${run} cell=${opened} cells=${found.flatMap((row) => [...row.cells.values()])} onOpen=${setOpened} />`}
  </section>`;
}

function Details({ run, cell, cells, onOpen }) {
  const dialog = useRef(null);
  const [said, setSaid] = useState("");
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    if (!dialog.current.open) dialog.current.showModal();
    setSaid("");
    setProblem(null);
  }, [cell]);
  const at = cells.indexOf(cell);
  const step = (by) => cells[at + by] && onOpen(cells[at + by]);
  const label = async (pass) => {
    try {
      await call("POST", `v1/${run.name}/labels`, { labels: [{ cell: cell.cell, labeler: "studio", pass }] });
      setSaid(pass ? "Marked as good." : "Marked as not good.");
    } catch (error) {
      setProblem(error);
    }
  };
  const keys = (event) => {
    if (event.target.closest("input, textarea, select")) return;
    if (event.key === "ArrowRight") step(1);
    if (event.key === "ArrowLeft") step(-1);
  };
  return html`<dialog ref=${dialog} onClose=${() => onOpen(null)} onKeyDown=${keys} aria-labelledby="cell-title">
    <article>
      <header>
        <strong id="cell-title">#${(cell.cell?.case || 0) + 1} ${cell.description}</strong>
        <button class="small secondary" onClick=${() => dialog.current.close()}>Close</button>
      </header>
      <p class="calm">${run.prompts[cell.cell?.prompt || 0].label} × ${run.providers[cell.cell?.provider || 0]}</p>
      <pre>${cell.output || cell.error}</pre>
      ${cell.backTranslation && html`<p class="calm">In ${cell.backTranslationLanguage}, for reviewers; not judged:</p><pre>${cell.backTranslation}</pre>`}
      <ul class="checks">
        ${(cell.assertions || []).map((each) => {
          const [word, tone] = outcomeOf(each);
          return html`<li><span class=${tone}>${each.type}${each.metric ? ` · ${each.metric}` : ""} ${word}</span><span>${each.reason}</span></li>`;
        })}
      </ul>
      <details><summary>Prompt</summary><pre>${cell.prompt}</pre></details>
      <p class="calm">${factsOf(cell)} ${cell.traceId && html`· trace <code>${cell.traceId}</code>`}</p>
      <${Problem} of=${problem} />
      <footer class="actions">
        <button class="small" onClick=${() => label(true)}>Good</button>
        <button class="small secondary" onClick=${() => label(false)}>Not good</button>
        <span role="status">${said}</span>
        <button class="small secondary outline" disabled=${at <= 0} onClick=${() => step(-1)}>Previous</button>
        <button class="small secondary outline" disabled=${at >= cells.length - 1} onClick=${() => step(1)}>Next</button>
      </footer>
    </article>
  </dialog>`;
}
