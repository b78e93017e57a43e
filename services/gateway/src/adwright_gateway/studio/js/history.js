import { html, useEffect, useState } from "./ui.js";
import { call } from "./api.js";
import { Ad } from "./ad.js";
import { remembered } from "./fold.js";
import { Problem, moment, shortName } from "./parts.js";

const STATES = { STATE_COMPLETED: "completed", STATE_FAILED: "failed", STATE_CANCELLED: "stopped" };

export function History({ shown }) {
  const [found, setFound] = useState([]);
  const [token, setToken] = useState("");
  const [filter, setFilter] = useState("");
  const [opened, setOpened] = useState([]);
  const [problem, setProblem] = useState(null);
  const load = async (from) => {
    try {
      const query = new URLSearchParams({ pageSize: "20", pageToken: from, filter });
      const page = await call("GET", `v1/generations?${query}`);
      setFound((known) => (from ? [...known, ...page.generations] : page.generations));
      setToken(page.nextPageToken);
      setProblem(null);
    } catch (error) {
      setProblem(error);
    }
  };
  useEffect(() => {
    if (shown) load("");
  }, [shown]);
  const toggle = (name, on) => setOpened((known) => (on ? [...known, name].slice(-4) : known.filter((each) => each !== name)));
  const erase = async (name) => {
    if (!confirm("Erase this generation for good?")) return;
    try {
      await call("DELETE", `v1/${name}`);
      setFound((known) => known.filter((each) => each.name !== name));
      toggle(name, false);
    } catch (error) {
      setProblem(error);
    }
  };
  const compared = found.filter((each) => opened.includes(each.name));
  return html`<section aria-label="History">
    <form
      role="search"
      onSubmit=${(event) => {
        event.preventDefault();
        load("");
      }}
    >
      <input type="search" aria-label="Filter" placeholder='Filter, for example: format = "formats/google-rsa" AND rating >= 4' value=${filter} onInput=${(e) => setFilter(e.target.value)} />
      <button type="submit" class="secondary">Filter</button>
    </form>
    <${Problem} of=${problem} />
    ${!found.length && !problem && html`<p class="empty">Nothing is here. What you write appears here, and stays as long as your platform team decided.</p>`}
    ${found.length > 0 &&
    html`<div class="overflow-auto" tabindex="0" role="region" aria-label="Generations">
      <table>
        <thead>
          <tr><th scope="col">Compare</th><th scope="col">When</th><th scope="col">What</th><th scope="col">First text</th><th scope="col">State</th><th scope="col">Rating</th><th scope="col"><span class="hidden">Actions</span></th></tr>
        </thead>
        <tbody>
          ${found.map((each) => {
            const asked = each.request || {};
            const first = each.completed?.ads?.[0]?.fields?.[0]?.text || each.error?.message || "";
            const stars = (each.reviews || []).map((review) => review.rating).filter(Boolean);
            return html`<tr key=${each.name}>
              <td><input type="checkbox" aria-label=${`Show ${shortName(each.name)}`} checked=${opened.includes(each.name)} onChange=${(e) => toggle(each.name, e.target.checked)} /></td>
              <td>${moment(each.createTime)}</td>
              <td>${shortName(asked.brand)} · ${shortName(asked.format)}${each.started ? ` · ${each.started.language}` : ""}</td>
              <td class="first">${first}</td>
              <td>${STATES[each.state] || ""}</td>
              <td>${stars.length ? "★".repeat(Math.min(...stars)) : ""}</td>
              <td><button class="small secondary outline" onClick=${() => erase(each.name)} aria-label=${`Erase ${shortName(each.name)}`}>Erase</button></td>
            </tr>`;
          })}
        </tbody>
      </table>
    </div>`}
    ${token && html`<button class="secondary" onClick=${() => load(token)}>More</button>`}
    <div class="compared">
      ${compared.map(
        (each) => html`<section key=${each.name} aria-label=${`Generation of ${moment(each.createTime)}`}>
          <h2>${shortName(each.request.format)}, ${moment(each.createTime)}</h2>
          ${each.request.brief && html`<p><em>${each.request.brief}</em></p>`}
          <${Ad} ad=${remembered(each)} format=${{ name: each.request.format }} brand=${{ name: each.request.brand, displayName: shortName(each.request.brand) }} reviews=${each.reviews} />
        </section>`,
      )}
    </div>
  </section>`;
}
