import { html } from "./ui.js";

const HEADLINE = /headline|title|subject/;
const BUTTON = /cta|action|button/;

/** The texts of a variant by what they are for. */
function parts(variant, paths) {
  const found = { headlines: [], bodies: [], button: "" };
  for (const path of paths) {
    const text = variant.fields[path];
    if (BUTTON.test(path)) found.button = text;
    else (HEADLINE.test(path) ? found.headlines : found.bodies).push(text);
  }
  return found;
}

function Search({ host, headlines, bodies }) {
  return html`<div class="preview search">
    <small><strong>Sponsored</strong> · ${host}</small>
    <p class="headline">${headlines.slice(0, 3).join(" | ")}</p>
    <p>${bodies.slice(0, 2).join(" ")}</p>
  </div>`;
}

function Feed({ name, headlines, bodies, button }) {
  return html`<div class="preview feed">
    <p class="who"><span class="face" aria-hidden="true">${name.slice(0, 1)}</span><span><strong>${name}</strong><br /><small>Sponsored</small></span></p>
    <p>${bodies[0]}</p>
    <div class="picture" aria-hidden="true"></div>
    <p class="below"><span><strong>${headlines[0] || ""}</strong>${bodies[1] ? html`<br /><small>${bodies[1]}</small>` : ""}</span>${button && html`<span class="cta">${button}</span>`}</p>
  </div>`;
}

function Note({ name, headlines, bodies, when }) {
  return html`<div class="preview note">
    <span class="face" aria-hidden="true">${name.slice(0, 1)}</span>
    <p><small>${name} · ${when}</small><br /><strong>${headlines[0] || ""}</strong>${headlines.length ? html`<br />` : ""}${bodies.join(" ")}</p>
  </div>`;
}

/** The ad about as people will see it. */
export function Preview({ format, brand, variant, paths }) {
  const id = (format?.name || "").replace("formats/", "");
  const name = brand?.displayName || "Brand";
  const given = { name, host: `${(brand?.name || "brands/brand").split("/")[1]}.example`, ...parts(variant, paths) };
  if (/rsa|search/.test(id)) return html`<${Search} ...${given} />`;
  if (/feed|linkedin|meta|tiktok|^x-/.test(id)) return html`<${Feed} ...${given} />`;
  if (/push/.test(id)) return html`<${Note} ...${given} when="now" />`;
  if (/email/.test(id)) return html`<${Note} ...${given} when="09:41" />`;
  return null;
}
