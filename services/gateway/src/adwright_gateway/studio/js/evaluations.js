import { html, useEffect, useRef, useState } from "./ui.js";
import { call, lines } from "./api.js";
import { Matrix, columnsOf } from "./matrix.js";
import { Problem, moment, shortName, useLoaded } from "./parts.js";

const STATES = { STATE_RUNNING: "running", STATE_SUCCEEDED: "done", STATE_CANCELLED: "cancelled", STATE_OUT_OF_BUDGET: "out of budget" };
const VERDICTS = { VERDICT_BETTER: ["better", "good"], VERDICT_WORSE: ["worse", "bad"], VERDICT_NO_DIFFERENCE_SHOWN: ["no difference shown", "calm"] };
const SAMPLE = `description: A first comparison
prompts: ["{{brief}}", "In few words: {{brief}}"]
providers:
  - id: adwright
    config: {brand: nordlys, product: aurora-trail-2, format: push}
tests:
  - vars: {brief: [a light tent, warm nights]}
    assert: [{type: ad-limits}, {type: ad-facts}]
`;

const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
const percent = (value) => `${(100 * (value || 0)).toFixed(0)} %`;
const interval = (of, show) => (of?.low === undefined ? show(of?.value) : `${show(of.value)} (${show(of.low)} to ${show(of.high)})`);
const number = (value) => (value || 0).toFixed(3);
const money = (value) => (value == null ? "–" : `$${value ? value.toPrecision(2) : 0}`);
const AS_GOOD_AS_NEVER = 1_000_000;

/** `40 cases, 2 left out`. */
const compared = (each) =>
  [
    `${each.cases || 0} cases`,
    each.leftOut && `${each.leftOut} left out`,
    each.onlyInBaseline && `${each.onlyInBaseline} only before`,
    each.onlyInCandidate && `${each.onlyInCandidate} only after`,
    each.cellsLeftOut && `${each.cellsLeftOut} cells left out`,
  ].filter(Boolean).join(", ");

/** The runs, and one of them with its matrix. */
export function Evaluations({ shown }) {
  const [runs, setRuns] = useState([]);
  const [opened, setOpened] = useState(null);
  const [problem, setProblem] = useState(null);
  const load = () =>
    call("GET", "v1/evaluations?pageSize=50").then((page) => {
      setRuns(page.evaluations || []);
      setProblem(null);
    }, setProblem);
  const running = runs.some((run) => run.state === "STATE_RUNNING");
  useEffect(() => {
    if (!shown) return undefined;
    load();
    // What runs is looked at again; what is done stays as it is.
    const timer = running ? setInterval(load, 1000) : null;
    return () => clearInterval(timer);
  }, [shown, running]);
  const run = runs.find((each) => each.name === opened);
  return html`<section aria-label="Evaluations">
    <${Begin} onBegun=${(name) => load().then(() => setOpened(name))} />
    <${Problem} of=${problem} />
    ${!runs.length && !problem && html`<p class="empty">No run yet. Begin one above, or with <code>adwright eval run</code>.</p>`}
    ${runs.length > 0 &&
    html`<div class="overflow-auto" tabindex="0" role="region" aria-label="Runs">
      <table>
        <thead><tr><th scope="col">Run</th><th scope="col">When</th><th scope="col">State</th><th scope="col">Passed</th><th scope="col">Cost</th></tr></thead>
        <tbody>
          ${runs.map(
            (each) => html`<tr key=${each.name}>
              <td><button class="link" aria-expanded=${each.name === opened} onClick=${() => setOpened(each.name === opened ? null : each.name)}>${each.description || shortName(each.name)}</button></td>
              <td>${moment(each.createTime)}</td>
              <td>${STATES[each.state]}${each.state === "STATE_RUNNING" ? html` <progress aria-label="Done" value=${each.counts.done || 0} max=${each.counts.cells}></progress>` : ""}</td>
              <td>${each.counts.passed || 0} of ${each.counts.cells}${each.counts.errors ? html`, <span class="bad">${each.counts.errors} errors</span>` : ""}</td>
              <td>${each.counts.costUsd ? `$${each.counts.costUsd.toPrecision(2)}` : "–"}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>`}
    ${run && html`<${Run} key=${run.name} run=${run} runs=${runs} onChange=${load} />`}
  </section>`;
}

function Begin({ onBegun }) {
  const [open, setOpen] = useState(false);
  const begun = (name) => {
    setOpen(false);
    onBegun(name);
  };
  return html`<details open=${open} onToggle=${(event) => setOpen(event.target.open)}>
    <summary>New run</summary>
    ${open && html`<${NewRun} onBegun=${begun} />`}
  </details>`;
}

function NewRun({ onBegun }) {
  const [suites] = useLoaded(() => call("GET", "v1/suites?pageSize=200"), []);
  const [kept, setKept] = useState("");
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const begin = async (event) => {
    event.preventDefault();
    const given = new FormData(event.target);
    const options = { repeat: Number(given.get("repeat")) || 0, budgetUsd: Number(given.get("budget")) || 0, judge: given.get("judge") };
    const files = [{ path: "promptfooconfig.yaml", data: base64(given.get("yaml") || "") }];
    for (const file of given.getAll("files")) if (file.name) files.push({ path: file.name, data: base64(await file.text()) });
    setBusy(true);
    try {
      const what = kept ? { suite: kept } : { source: { main: "promptfooconfig.yaml", files } };
      const operation = await call("POST", "v1/evaluations:run", { ...what, options });
      setProblem(null);
      onBegun(operation.name.replace("operations/evaluator-", "evaluations/"));
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  };
  return html`<form onSubmit=${begin} aria-label="New run">
      <label>Suite
        <select value=${kept} onChange=${(event) => setKept(event.target.value)}>
          <option value="">written below</option>
          ${(suites?.suites || []).map((suite) => html`<option key=${suite.name} value=${suite.name}>${shortName(suite.name)}: ${suite.description}</option>`)}
        </select>
      </label>
      ${!kept &&
      html`<label>Suite in promptfoo’s YAML <textarea name="yaml" rows="12" spellcheck="false" required>${SAMPLE}</textarea></label>
        <label>Files that it names <input type="file" name="files" multiple /></label>`}
      <div class="pair">
        <label>Repeats <input type="number" name="repeat" min="0" max="100" placeholder="as the suite says" /></label>
        <label>Budget in USD <input type="number" name="budget" min="0" step="any" placeholder="any" /></label>
      </div>
      <label>Judge <input name="judge" placeholder="backend:NAME; empty: the server’s" autocomplete="off" /></label>
      <${Problem} of=${problem} />
      <button type="submit" aria-busy=${busy}>Run</button>
    </form>`;
}

function Run({ run, runs, onChange }) {
  const [problem, setProblem] = useState(null);
  const attempt = (work) => work().then(() => onChange(), setProblem);
  const columns = columnsOf(run);
  const metrics = [...new Set((run.columns || []).flatMap((each) => Object.keys(each.metrics || {})))];
  return html`<section aria-label=${`Run ${run.description}`}>
    <h2>${run.description || shortName(run.name)}</h2>
    ${(run.warnings || []).map((warning) => html`<p class="notice">${warning}</p>`)}
    <${Problem} of=${problem} />
    <div class="actions">
      ${run.state === "STATE_RUNNING" && html`<button class="small secondary" onClick=${() => attempt(() => call("POST", `v1/operations/evaluator-${shortName(run.name)}:cancel`, {}))}>Stop</button>`}
      ${["STATE_CANCELLED", "STATE_OUT_OF_BUDGET"].includes(run.state) && html`<button class="small" onClick=${() => attempt(() => call("POST", `v1/${run.name}:resume`, {}))}>Go on</button>`}
      ${["json", "csv", "html"].map((format) => html`<button key=${format} class="small secondary outline" onClick=${() => save(run, format).catch(setProblem)}>Save ${format}</button>`)}
    </div>
    ${(run.columns || []).length > 0 &&
    html`<div class="overflow-auto" tabindex="0" role="region" aria-label="Columns">
      <table>
        <thead><tr><th scope="col">Prompt × provider</th><th scope="col">Passed (95 %)</th><th scope="col">Score (95 %)</th>${metrics.map((name) => html`<th scope="col" key=${name}>${name}</th>`)}<th scope="col">Errors</th><th scope="col">Cost</th><th scope="col">p50</th></tr></thead>
        <tbody>
          ${run.columns.map((each) => {
            const column = columns.find(({ p, q }) => p === (each.provider || 0) && q === (each.prompt || 0));
            return html`<tr key=${column.label}>
              <th scope="row">${column.label}${each.pareto && run.columns.length > 1 ? html` <span class="badge good" title="No other column is better in quality, cost and latency">●</span>` : ""}</th>
              <td>${each.scored ? html`<meter min="0" max="1" value=${each.passRate?.value || 0} aria-label="Share that passed"></meter> ${interval(each.passRate, percent)}` : "–"}</td>
              <td>${each.scored ? interval(each.score, number) : "–"}</td>
              ${metrics.map((name) => html`<td key=${name}>${each.metrics?.[name] ? interval(each.metrics[name], number) : "–"}</td>`)}
              <td>${each.errors || 0}</td>
              <td>${money(each.costUsd)}</td>
              <td>${each.latencyP50Ms == null ? "–" : `${Math.round(each.latencyP50Ms)} ms`}</td>
            </tr>`;
          })}
        </tbody>
      </table>
    </div>`}
    <${Compare} run=${run} runs=${runs} />
    <${Matrix} run=${run} />
  </section>`;
}

function Compare({ run, runs }) {
  const [said, setSaid] = useState(null);
  const [problem, setProblem] = useState(null);
  const others = runs.filter((each) => each.name !== run.name && each.state !== "STATE_RUNNING");
  const chosen = useRef(null);
  if (!others.length) return null;
  const compare = async (event) => {
    event.preventDefault();
    try {
      setSaid(await call("POST", "v1/evaluations:compare", { baseline: chosen.current.value, candidate: run.name }));
      setProblem(null);
    } catch (error) {
      setProblem(error);
    }
  };
  return html`<form onSubmit=${compare} aria-label="Compare">
    <label>Compare with
      <select ref=${chosen}>${others.map((each) => html`<option key=${each.name} value=${each.name}>${each.description}, ${moment(each.createTime)}</option>`)}</select>
    </label>
    <button type="submit" class="small secondary">Compare</button>
    <${Problem} of=${problem} />
    ${said &&
    html`<p role="status">${said.summary}</p>
    <ul>
      ${said.columns.map((each) => {
        const [word, tone] = VERDICTS[each.verdict] || ["", "calm"];
        return html`<li key=${`${each.candidate}${each.metric}`}><span class=${`badge ${tone}`}>${word}</span> ${each.metric} of ${each.candidate}: ${interval(each.difference, (value) => ((value || 0) >= 0 ? "+" : "") + number(value))}, ${compared(each)}${each.casesNeeded && each.casesNeeded < AS_GOOD_AS_NEVER ? `; about ${each.casesNeeded} cases would show it` : ""}</li>`;
      })}
    </ul>`}
  </form>`;
}

async function save(run, format) {
  const parts = [];
  for await (const line of lines(`v1/${run.name}:export?format=${format}`)) {
    parts.push(Uint8Array.from(atob(line.data), (character) => character.charCodeAt(0)));
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts));
  link.download = `${shortName(run.name)}.${format}`;
  link.click();
  URL.revokeObjectURL(link.href);
}
