import { html, useEffect, useState } from "./ui.js";
import { all, call } from "./api.js";
import { Problem, shortName, useLoaded } from "./parts.js";

const LISTS = {
  languages: ["Languages", "BCP-47 tags, one a line; the first is the default"],
  audiences: ["Audiences", "One a line"],
  bannedTerms: ["Banned terms", "One a line; they never reach an ad"],
  competitors: ["Competitors", "One a line; they are never named"],
  requiredDisclaimers: ["Required disclaimers", "One a line"],
};

export function Brands({ shown }) {
  const [brands, problem, again] = useLoaded(() => all("v1/brands", "brands"), [shown]);
  const [chosen, setChosen] = useState(null);
  if (problem) return html`<${Problem} of=${problem} />`;
  if (!brands) return html`<p role="status" aria-busy="true">Brands are coming…</p>`;
  const brand = brands.find((each) => each.name === chosen) || brands[0];
  return html`<section aria-label="Brands">
    ${brands.length > 0 &&
    html`<label>
      Brand
      <select value=${brand?.name} onChange=${(e) => setChosen(e.target.value)}>
        ${brands.map((each) => html`<option value=${each.name}>${each.displayName || shortName(each.name)}</option>`)}
      </select>
    </label>`}
    ${brand && html`<${Editor} key=${brand.name} brand=${brand} onSaved=${again} />`}
    <${NewBrand}
      onMade=${(name) => {
        setChosen(name);
        again();
      }}
    />
  </section>`;
}

function Editor({ brand, onSaved }) {
  const [text, setText] = useState({});
  const [said, setSaid] = useState("");
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    setText({
      displayName: brand.displayName,
      voice: brand.voice,
      styleGuide: brand.styleGuide,
      ...Object.fromEntries(Object.keys(LISTS).map((name) => [name, (brand[name] || []).join("\n")])),
    });
  }, [brand.etag]);
  const save = async (event) => {
    event.preventDefault();
    const lists = Object.fromEntries(
      Object.keys(LISTS).map((name) => [name, text[name].split("\n").map((line) => line.trim()).filter(Boolean)]),
    );
    const { displayName, voice, styleGuide } = text;
    const mask = ["displayName", "voice", "styleGuide", ...Object.keys(LISTS)].join(",");
    try {
      // The etag tells when somebody else was faster.
      await call("PATCH", `v1/${brand.name}?updateMask=${mask}`, { displayName, voice, styleGuide, ...lists, etag: brand.etag });
      setProblem(null);
      setSaid("Saved. The next ad is written with it.");
      onSaved();
    } catch (error) {
      setSaid("");
      setProblem(error);
    }
  };
  const input = (name) => ({ value: text[name] ?? "", onInput: (e) => setText({ ...text, [name]: e.target.value }) });
  return html`<form onSubmit=${save} aria-label=${`Brand ${brand.displayName}`}>
    <label>Name <input required ...${input("displayName")} /></label>
    <label>Voice <textarea rows="3" ...${input("voice")}></textarea></label>
    <label>Style guide <textarea rows="5" ...${input("styleGuide")}></textarea></label>
    <div class="lists">
      ${Object.entries(LISTS).map(
        ([name, [title, hint]]) => html`<label key=${name}>${title} <small>${hint}</small><textarea rows="4" ...${input(name)}></textarea></label>`,
      )}
    </div>
    <button type="submit">Save</button>
    <p role="status" class="said">${said}</p>
    <${Problem} of=${problem} />
  </form>`;
}

function NewBrand({ onMade }) {
  const [problem, setProblem] = useState(null);
  const make = async (event) => {
    event.preventDefault();
    const form = event.target;
    const given = new FormData(form);
    try {
      const made = await call("POST", `v1/brands?brandId=${encodeURIComponent(given.get("id"))}`, {
        displayName: given.get("name"),
        languages: [given.get("language")],
      });
      form.reset();
      setProblem(null);
      onMade(made.name);
    } catch (error) {
      setProblem(error);
    }
  };
  return html`<details>
    <summary>New brand</summary>
    <form onSubmit=${make} aria-label="New brand">
      <label>Name <input name="name" required /></label>
      <label>Id <input name="id" required pattern="[a-z0-9]([a-z0-9\\-]*[a-z0-9])?" maxlength="63" title="Lower-case letters, digits and hyphens" /></label>
      <label>Language <input name="language" required value="en" /></label>
      <button type="submit" class="secondary">Make it</button>
      <${Problem} of=${problem} />
    </form>
  </details>`;
}
