import { html, render, useEffect, useState } from "./ui.js";
import { Refused, call, key } from "./api.js";
import { Brands } from "./brands.js";
import { Evaluations } from "./evaluations.js";
import { History } from "./history.js";
import { Problem } from "./parts.js";
import { Write } from "./write.js";

const ROOMS = {
  write: ["Write", Write],
  history: ["History", History],
  brands: ["Brands", Brands],
  evaluations: ["Evaluations", Evaluations],
};

/** Where the address leads, `#ROOM` or `#ROOM/PLACE`; each room keeps the place it was left at. */
const arrived = (places) => {
  const [name, place = ""] = location.hash.slice(1).split("/");
  const room = Object.hasOwn(ROOMS, name) ? name : "write";
  return { room, places: { ...places, [room]: place } };
};

function Door({ onOpen, said }) {
  const [problem, setProblem] = useState(said);
  const [busy, setBusy] = useState(false);
  const open = async (event) => {
    event.preventDefault();
    const given = new FormData(event.target).get("key").trim();
    setBusy(true);
    key.set(given);
    try {
      await call("GET", "v1/formats?pageSize=1");
      onOpen();
    } catch (error) {
      key.forget();
      setProblem(error);
    } finally {
      setBusy(false);
    }
  };
  return html`<main class="container door">
    <form onSubmit=${open}>
      <h1>adwright studio</h1>
      <label>
        API key
        <input name="key" type="password" required autocomplete="off" spellcheck="false" placeholder="adw_…" autofocus />
      </label>
      <small>It stays in this tab, and is gone when the tab is closed. <code>make up</code> prints one to try with.</small>
      <${Problem} of=${problem} />
      <button type="submit" aria-busy=${busy}>Open the studio</button>
    </form>
  </main>`;
}

function Studio() {
  const [open, setOpen] = useState(Boolean(key.get()));
  const [said, setSaid] = useState(null);
  const [{ room, places }, setAt] = useState(() => arrived({}));
  useEffect(() => {
    const onHash = () => setAt((known) => arrived(known.places));
    // A key that opens nothing any more leads back to the door, whoever noticed it.
    const onRefused = (event) => {
      if (!(event.reason instanceof Refused) || event.reason.problem.status !== 401) return;
      event.preventDefault();
      leave(event.reason);
    };
    addEventListener("hashchange", onHash);
    addEventListener("unhandledrejection", onRefused);
    return () => {
      removeEventListener("hashchange", onHash);
      removeEventListener("unhandledrejection", onRefused);
    };
  }, []);
  const leave = (why = null) => {
    key.forget();
    setSaid(why);
    setOpen(false);
  };
  if (!open) return html`<${Door} said=${said} onOpen=${() => setOpen(true)} />`;
  return html`<header class="container-fluid">
      <nav aria-label="Studio">
        <ul>
          <li><strong>adwright</strong></li>
          ${Object.entries(ROOMS).map(
            ([name, [title]]) => html`<li key=${name}>
              <a href=${name !== room && places[name] ? `#${name}/${places[name]}` : `#${name}`} aria-current=${name === room ? "page" : null}>${title}</a>
            </li>`,
          )}
        </ul>
        <ul>
          <li><a href="docs">API</a></li>
          <li><button class="link" onClick=${() => leave()}>Leave</button></li>
        </ul>
      </nav>
    </header>
    ${Object.entries(ROOMS).map(
      // Rooms are kept while others are visited: what streams goes on.
      ([name, [, Room]]) => html`<main class="container-fluid" key=${name} hidden=${name !== room}>
        <${Room} shown=${name === room} place=${places[name] || ""} />
      </main>`,
    )}`;
}

const root = document.getElementById("app");
root.replaceChildren();
render(html`<${Studio} />`, root);
