import { html, useEffect, useRef, useState } from "./ui.js";
import { all, call, generate } from "./api.js";
import { Ad } from "./ad.js";
import { begun, fold } from "./fold.js";
import { Problem, shortName, useLoaded } from "./parts.js";

const DRAFT = "adwright.draft";

const recalled = () => {
  try {
    return JSON.parse(sessionStorage.getItem(DRAFT)) || {};
  } catch {
    return {};
  }
};

export function Write() {
  const [brands, brandsProblem] = useLoaded(() => all("v1/brands", "brands"), []);
  const [formats, formatsProblem] = useLoaded(() => all("v1/formats", "formats"), []);
  const [draft, setDraft] = useState({ variants: 2, products: [], ...recalled() });
  const [ad, setAd] = useState(null);
  const [connection, setConnection] = useState("");
  const stopping = useRef(null);
  const ads = useRef(null);

  const change = (more) => {
    setDraft((known) => {
      const next = { ...known, ...more };
      sessionStorage.setItem(DRAFT, JSON.stringify(next));
      return next;
    });
  };
  const brand = brands?.find((each) => each.name === draft.brand) || brands?.find(speaksHere) || brands?.[0];
  const format = formats?.find((each) => each.name === (draft.format || "formats/google-rsa")) || formats?.[0];
  const working = ad !== null && (ad.state === "waiting" || ad.state === "writing");

  const write = async (event) => {
    event.preventDefault();
    const request = {
      brand: brand.name,
      format: format.name,
      products: draft.products.filter((name) => name.startsWith(`${brand.name}/`)),
      language: brand.languages.includes(draft.language) ? draft.language : "",
      brief: draft.brief || "",
      tone: draft.tone || "",
      audience: draft.audience || "",
      variantCount: Number(draft.variants),
    };
    const abort = new AbortController();
    stopping.current = abort;
    let known = begun(request);
    setAd(known);
    // On a phone the ads stand below the form.
    if (matchMedia("(max-width: 899px)").matches) ads.current.scrollIntoView({ block: "start" });
    try {
      for await (const happened of generate(request, { signal: abort.signal, onState: setConnection })) {
        known = fold(known, happened);
        setAd(known);
      }
    } catch (error) {
      const stopped = abort.signal.aborted;
      // Leaving alone would let it go on for a minute.
      if (stopped && known.started) call("POST", `v1/${known.started.generation}:cancel`).catch(() => {});
      known = { ...known, state: stopped ? "stopped" : "failed", problem: stopped ? null : error };
      setAd(known);
    } finally {
      stopping.current = null;
      setConnection("");
    }
  };
  useEffect(() => () => stopping.current?.abort(), []);

  if (brandsProblem || formatsProblem) return html`<${Problem} of=${brandsProblem || formatsProblem} />`;
  if (!brands || !formats) return html`<p role="status" aria-busy="true">Brands and formats are coming…</p>`;
  if (!brands.length) return html`<p>There is no brand yet. <a href="#brands">Make one</a> first.</p>`;
  return html`<div class="desk">
    <form onSubmit=${write} aria-label="What to write">
      <label>
        Brand
        <select value=${brand.name} onChange=${(e) => change({ brand: e.target.value, products: [] })}>
          ${brands.map((each) => html`<option value=${each.name}>${each.displayName || shortName(each.name)}</option>`)}
        </select>
      </label>
      <${Products} brand=${brand} chosen=${draft.products} onChange=${(products) => change({ products })} />
      <div class="pair">
        <label>
          Format
          <select value=${format.name} onChange=${(e) => change({ format: e.target.value })}>
            ${formats.map((each) => html`<option value=${each.name}>${each.displayName}</option>`)}
          </select>
        </label>
        <label>
          Language
          <select value=${draft.language || brand.languages[0]} onChange=${(e) => change({ language: e.target.value })}>
            ${brand.languages.map((tag) => html`<option value=${tag}>${languageName(tag)}</option>`)}
          </select>
        </label>
      </div>
      <label>
        Brief
        <textarea
          rows="3"
          maxlength="4000"
          placeholder="What should the ad say? Optional when a product is chosen."
          value=${draft.brief || ""}
          onInput=${(e) => change({ brief: e.target.value })}
        ></textarea>
      </label>
      <div class="pair">
        <label>
          Tone
          <input maxlength="200" placeholder="As the brand" value=${draft.tone || ""} onInput=${(e) => change({ tone: e.target.value })} />
        </label>
        <label>
          Audience
          <input list="audiences" maxlength="500" placeholder="Anyone" value=${draft.audience || ""} onInput=${(e) => change({ audience: e.target.value })} />
          <datalist id="audiences">${(brand.audiences || []).map((each) => html`<option value=${each}></option>`)}</datalist>
        </label>
      </div>
      <div class="go">
        <label>
          Variants
          <input type="number" min="1" max="8" required value=${draft.variants} onInput=${(e) => change({ variants: e.target.value })} />
        </label>
        ${working
          ? html`<button key="stop" type="button" class="secondary" onClick=${() => stopping.current?.abort()}>Stop</button>`
          : html`<button key="write" type="submit">Write</button>`}
      </div>
    </form>
    <section aria-label="Ads" ref=${ads}>
      ${connection === "reconnecting" && html`<p class="notice" role="status">The connection broke; it is being made again. Nothing is lost.</p>`}
      ${ad ? html`<${Ad} ad=${ad} brand=${brand} format=${format} />` : html`<p class="empty">Choose what to write about, then press Write. Variants appear here, side by side, while they are being written.</p>`}
    </section>
  </div>`;
}

function Products({ brand, chosen, onChange }) {
  const [products, problem] = useLoaded(() => all(`v1/${brand.name}/products`, "products"), [brand.name]);
  const [wanted, setWanted] = useState("");
  // A brand that is tried out has something to write about at once.
  useEffect(() => {
    if (products?.length && !chosen.some((name) => name.startsWith(`${brand.name}/`))) onChange([products[0].name]);
  }, [products]);
  if (problem) return html`<${Problem} of=${problem} />`;
  const part = wanted.toLowerCase();
  const found = (products || []).filter((each) => each.displayName.toLowerCase().includes(part)).slice(0, 50);
  const toggle = (name, on) => onChange(on ? [...chosen, name].slice(-20) : chosen.filter((each) => each !== name));
  return html`<fieldset class="products">
    <legend>Products</legend>
    ${(products || []).length > 8 &&
    html`<input type="search" aria-label="Find a product" placeholder="Find a product" value=${wanted} onInput=${(e) => setWanted(e.target.value)} />`}
    <div class="choices">
      ${found.map(
        (each) => html`<label key=${each.name}>
          <input type="checkbox" checked=${chosen.includes(each.name)} onChange=${(e) => toggle(each.name, e.target.checked)} />
          ${each.displayName || shortName(each.name)}
        </label>`,
      )}
      ${products && !products.length && html`<small>This brand has no products: the brief says what the ad is about.</small>`}
    </div>
  </fieldset>`;
}

/** Whether a brand speaks the visitor's language first. */
const speaksHere = (brand) => navigator.language.split("-")[0] === brand.languages[0]?.split("-")[0];

const languages = new Intl.DisplayNames(undefined, { type: "language" });

const languageName = (tag) => {
  try {
    return languages.of(tag);
  } catch {
    return tag;
  }
};
