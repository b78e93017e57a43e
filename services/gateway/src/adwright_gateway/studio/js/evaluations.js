import { html, useEffect, useRef, useState } from "./ui.js";
import { call, lines } from "./api.js";
import { Matrix, columnsOf } from "./matrix.js";
import { Problem, counted, moment, shortName, useLoaded } from "./parts.js";

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
    counted(each.cases || 0, "case"),
    each.leftOut && `${each.leftOut} left out`,
    each.onlyInBaseline && `${each.onlyInBaseline} only before`,
    each.onlyInCandidate && `${each.onlyInCandidate} only after`,
    each.cellsLeftOut && `${counted(each.cellsLeftOut, "cell")} left out`,
  ].filter(Boolean).join(", ");

const addressOf = (name) => `#evaluations/${shortName(name)}`;

/** The runs, and the one whose id is `place` with its matrix. */
export function Evaluations({ shown, place }) {
  const [runs, setRuns] = useState([]);
  const [linked, setLinked] = useState(null);
  const [problem, setProblem] = useState(null);
  const heading = useRef(null);
  const opened = place && `evaluations/${place}`;
  const load = async () => {
    try {
      const { evaluations = [] } = await call("GET", "v1/evaluations?pageSize=50");
      // A link may lead to one that is too old for the list.
      const old = opened && !evaluations.some((each) => each.name === opened);
      let missing = null;
      const found = old ? await call("GET", `v1/evaluations/${encodeURIComponent(place)}`).catch((error) => void (missing = error)) : null;
      setRuns(evaluations);
      setLinked((known) => found || known);
      setProblem(missing);
    } catch (error) {
      setProblem(error);
    }
  };
  const run = [...runs, linked].find((each) => each && each.name === opened);
  const running = [...runs, run].some((each) => each?.state === "STATE_RUNNING");
  useEffect(() => {
    if (!shown) return undefined;
    load();
    // What runs is looked at again; what is done stays as it is.
    const timer = running ? setInterval(load, 1000) : null;
    return () => clearInterval(timer);
  }, [shown, running, place]);
  // It stands below the list, on a phone out of sight.
  const bring = () => {
    heading.current?.scrollIntoView({ block: "start" });
    heading.current?.focus({ preventScroll: true });
  };
  useEffect(bring, [run?.name]);
  return html`<section aria-label="Evaluations">
    <${Begin} onBegun=${(name) => (location.hash = addressOf(name))} />
    <${Problem} of=${problem} />
    ${!runs.length && !problem && html`<p class="empty">No run yet. Begin one above, or with <code>adwright eval run</code>.</p>`}
    ${runs.length > 0 &&
    html`<div class="overflow-auto" tabindex="0" role="region" aria-label="Runs">
      <table>
        <thead><tr><th scope="col">Run</th><th scope="col">When</th><th scope="col">State</th><th scope="col">Passed</th><th scope="col">Cost</th></tr></thead>
        <tbody>
          ${runs.map(
            (each) => html`<tr key=${each.name}>
              <td><a href=${addressOf(each.name)} aria-current=${each.name === opened ? "true" : null} onClick=${() => each.name === opened && bring()}>${each.description || shortName(each.name)}</a></td>
              <td>${moment(each.createTime)}</td>
              <td>${STATES[each.state]}${each.state === "STATE_RUNNING" ? html` <progress aria-label="Done" value=${each.counts.done || 0} max=${each.counts.cells}></progress>` : ""}</td>
              <td>${each.counts.passed || 0} of ${each.counts.cells}${each.counts.errors ? html`, <span class="bad">${counted(each.counts.errors, "error")}</span>` : ""}</td>
              <td>${each.counts.costUsd ? `$${each.counts.costUsd.toPrecision(2)}` : "–"}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>`}
    ${run && html`<${Run} key=${run.name} run=${run} runs=${runs} heading=${heading} onChange=${load} />`}
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

function Run({ run, runs, heading, onChange }) {
  const [problem, setProblem] = useState(null);
  const attempt = (work) => work().then(() => onChange(), setProblem);
  const columns = columnsOf(run);
  const metrics = [...new Set((run.columns || []).flatMap((each) => Object.keys(each.metrics || {})))];
  return html`<section class="run" aria-label=${`Run ${run.description}`}>
    <h2 ref=${heading} tabindex="-1">${run.description || shortName(run.name)}</h2>
    ${(run.warnings || []).map((warning) => html`<p class="notice">${warning}</p>`)}
    <${Problem} of=${problem} />
    <div class="actions">
      <a href="#evaluations">All runs</a>
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
  const [chosen, setChosen] = useState(null);
  const others = runs.filter((each) => each.name !== run.name && each.state !== "STATE_RUNNING");
  // They come newest first.
  const before = others.find(
    (each) => each.suite === run.suite && each.description === run.description && new Date(each.createTime) < new Date(run.createTime),
  );
  const baseline = chosen ?? before?.name ?? "";
  if (!others.length) return null;
  const compare = async (event) => {
    event.preventDefault();
    try {
      setSaid(await call("POST", "v1/evaluations:compare", { baseline, candidate: run.name }));
      setProblem(null);
    } catch (error) {
      setProblem(error);
    }
  };
  return html`<form onSubmit=${compare} aria-label="Compare">
    <label>Compare with
      <select required value=${baseline} onChange=${(event) => setChosen(event.target.value)}><option value="">none</option>${others.map((each) => html`<option key=${each.name} value=${each.name}>${each.description}, ${moment(each.createTime)}</option>`)}</select>
    </label>
    <button type="submit" class="small secondary">Compare</button>
    <${Problem} of=${problem} />
    ${said &&
    html`<p role="status">${said.summary}</p>
    <ul>
      ${said.columns.map((each) => {
        const [word, tone] = VERDICTS[each.verdict] || ["", "calm"];
        return html`<li key=${`${each.candidate}${each.metric}`}><span class=${`badge ${tone}`}>${word}</span> ${each.metric} of ${each.candidate}: ${interval(each.difference, (value) => ((value || 0) >= 0 ? "+" : "") + number(value))}, ${compared(each)}${each.casesNeeded && each.casesNeeded < AS_GOOD_AS_NEVER ? `; about ${counted(each.casesNeeded, "case")} would show it` : ""}</li>`;
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
