import { html, useEffect, useState } from "./ui.js";
import { call } from "./api.js";
import { fieldOf, label, lengthOf, pathsOf } from "./fold.js";
import { Preview } from "./preview.js";
import { Problem, money, seconds, shortName } from "./parts.js";

/** An ad with all its variants, while it is written and afterwards. */
export function Ad({ ad, brand, format, reviews = [] }) {
  const said = { waiting: "Waiting for a backend…", writing: "Writing…", stopped: "Stopped.", failed: "", done: "" }[ad.state];
  return html`
    <p class="status" role="status">
      ${said && html`<span aria-busy=${ad.state === "waiting" || ad.state === "writing"}>${said} </span>`}
      ${ad.started && html`<small>${ad.started.model} on ${ad.started.backend}, prompt ${ad.started.promptVersion}</small>`}
      ${ad.completed && html`<${Totals} done=${ad.completed} />`}
    </p>
    <${Problem} of=${ad.problem} />
    <div class="variants">
      ${ad.variants.map(
        (variant, index) =>
          html`<${Variant}
            key=${index}
            ...${{ ad, variant, index, brand, format, review: reviews.find((each) => each.variant === index) }}
          />`,
      )}
    </div>
  `;
}

function Totals({ done }) {
  const { usage, timings } = done;
  const first = seconds(timings?.firstDelta);
  return html`<small>
    ${" "}· first words after ${first.toFixed(2)} s, all after ${seconds(timings?.total).toFixed(1)} s · ${usage?.outputTokens || 0}
    ${" "}tokens in ${usage?.modelCalls || 0} calls · ${money(done.cost)} · trace <code>${done.traceId?.slice(0, 8)}</code>
  </small>`;
}

function Variant({ ad, variant, index, brand, format, review }) {
  const [correcting, setCorrecting] = useState(false);
  const paths = pathsOf(ad, variant);
  const checks = (ad.completed?.checks || []).filter((check) => check.variant === index);
  const title = `Variant ${index + 1}`;
  return html`<article aria-label=${title}>
    <header>
      <strong>${title}</strong>
      ${variant.valid !== undefined &&
      html`<span class=${variant.valid ? "badge good" : "badge bad"}>${variant.valid ? "✓ valid" : "✗ not valid"}</span>`}
    </header>
    ${variant.notices.map((notice) => html`<p class="notice">${notice}</p>`)}
    ${paths.length > 0 && html`<${Preview} format=${format} brand=${brand} variant=${variant} paths=${paths} />`}
    <dl class="fields">
      ${paths.map((path) => html`<${Field} key=${path} ...${{ ad, variant, path, checks }} />`)}
    </dl>
    ${checks.length > 0 && html`<${Checks} checks=${checks} />`}
    ${ad.state === "done" &&
    html`<${Verdict} ad=${ad} index=${index} variant=${variant} paths=${paths} review=${review} correcting=${correcting} setCorrecting=${setCorrecting} />`}
  </article>`;
}

function Field({ ad, variant, path, checks }) {
  const field = fieldOf(ad, path);
  const text = variant.fields[path];
  const length = variant.lengths?.[path] ?? lengthOf(text, field);
  const most = field?.maxLength || 0;
  const broken = checks.filter((check) => check.path === path && check.outcome === "OUTCOME_FAILED");
  return html`
    <dt>
      ${label(path)}
      ${most > 0 &&
      html`<span class=${length > most ? "count over" : "count"}>
        <meter min="0" max=${most} high=${most * 0.95} value=${Math.min(length, most)} aria-label=${`Length of ${label(path)}`}></meter>
        ${length}/${most}
      </span>`}
    </dt>
    <dd class=${broken.length ? "broken" : null}>${text}</dd>
  `;
}

const SIGNS = {
  OUTCOME_PASSED: ["✓", "good", "passed"],
  OUTCOME_FAILED: ["✗", "bad", "failed"],
  OUTCOME_NOT_APPLICABLE: ["–", "calm", "not applicable"],
  OUTCOME_ERROR: ["!", "bad", "could not run"],
};

function Checks({ checks }) {
  const failed = checks.filter((check) => check.outcome === "OUTCOME_FAILED");
  const title = failed.length ? `${failed.length} of ${checks.length} checks failed` : `All checks passed or did not apply`;
  return html`<details open=${failed.length > 0}>
    <summary>${title}</summary>
    <ul class="checks">
      ${checks.map((check) => {
        const [sign, kind, words] = SIGNS[check.outcome] || SIGNS.OUTCOME_ERROR;
        return html`<li class=${kind}>
          <span aria-label=${words} role="img">${sign}</span>
          <span><strong>${check.name.replaceAll("_", " ")}</strong>${check.required ? "" : " (advice)"}: ${check.message}</span>
        </li>`;
      })}
    </ul>
  </details>`;
}

/** Copy, rate, correct, make an exemplar. */
function Verdict({ ad, index, variant, paths, review, correcting, setCorrecting }) {
  const [rating, setRating] = useState(review?.rating || 0);
  const [texts, setTexts] = useState({});
  const [said, setSaid] = useState("");
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    setRating(review?.rating || 0);
    setTexts(Object.fromEntries((review?.corrections || []).map((field) => [field.path, field.text])));
  }, [review]);
  const name = ad.started?.generation;
  const attempt = async (work, words) => {
    setProblem(null);
    try {
      const answer = await work();
      setSaid(typeof words === "function" ? words(answer) : words);
    } catch (error) {
      setSaid("");
      setProblem(error);
    }
  };
  const corrections = () =>
    paths.filter((path) => path in texts && texts[path] !== variant.fields[path]).map((path) => ({ path, text: texts[path] }));
  const send = (stars) =>
    call("POST", `v1/${name}:review`, { review: { variant: index, rating: stars, corrections: corrections() } });
  const rate = (stars) => {
    setRating(stars);
    attempt(() => send(stars), `Rated ${stars} of 5.`);
  };
  const copy = () =>
    attempt(
      () => navigator.clipboard.writeText(paths.map((path) => texts[path] ?? variant.fields[path]).join("\n")),
      "Copied.",
    );
  const promote = () =>
    attempt(() => call("POST", `v1/${name}:promote`, { variant: index }), (made) => `Now the exemplar ${shortName(made.name)}.`);
  const addToSuite = () => {
    const suite = prompt("Add it as a case to which suite? It is made if there is none.", "feedback");
    if (!suite) return;
    attempt(
      () => call("POST", `v1/${name}:addToSuite`, { variant: index, suite: `suites/${suite.trim()}` }),
      (made) => `Now a case of the suite ${shortName(made.name)}, which has ${made.caseCount}.`,
    );
  };
  return html`<footer>
    <div class="actions">
      <button class="small secondary" onClick=${copy}>Copy</button>
      <fieldset class="stars">
        <legend>Rate variant ${index + 1}</legend>
        ${[1, 2, 3, 4, 5].map(
          (stars) => html`<label key=${stars} class=${stars <= rating ? "lit" : null}>
            <input type="radio" name=${`rating-${name}-${index}`} checked=${stars === rating} onChange=${() => rate(stars)} />
            <span aria-hidden="true">★</span><span class="hidden">${stars} of 5</span>
          </label>`,
        )}
      </fieldset>
      <button class="small secondary" aria-expanded=${correcting} onClick=${() => setCorrecting(!correcting)}>Correct</button>
      <button class="small secondary" onClick=${promote}>Make it an exemplar</button>
      <button class="small secondary" onClick=${addToSuite}>Add to a suite</button>
    </div>
    ${correcting &&
    html`<form
      onSubmit=${(event) => {
        event.preventDefault();
        attempt(() => send(rating), "The correction is kept.");
      }}
    >
      ${paths.map((path) => {
        const field = fieldOf(ad, path);
        const text = texts[path] ?? variant.fields[path];
        const over = field?.maxLength && lengthOf(text, field) > field.maxLength;
        return html`<label key=${path}>
          ${label(path)} ${field?.maxLength ? html`<span class=${over ? "count over" : "count"}>${lengthOf(text, field)}/${field.maxLength}</span>` : ""}
          <textarea rows="2" aria-invalid=${over ? "true" : null} value=${text} onInput=${(e) => setTexts({ ...texts, [path]: e.target.value })}></textarea>
        </label>`;
      })}
      <button type="submit" class="small">Keep the correction</button>
    </form>`}
    <p role="status" class="said">${said}</p>
    <${Problem} of=${problem} />
  </footer>`;
}
