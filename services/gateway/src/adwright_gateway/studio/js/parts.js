import { html, useEffect, useState } from "./ui.js";

/** What went wrong, in the gateway's words, with the fields it named. */
export function Problem({ of }) {
  if (!of) return null;
  const problem = of.problem || (of.detail ? of : { detail: of.message });
  return html`<div class="problem" role="alert">
    <strong>${problem.detail}</strong>
    ${problem.reason && html`<small>${problem.reason}</small>`}
  </div>`;
}

/** The result of a promise-making function, made again when `deps` change: `[value, error, again]`. */
export function useLoaded(load, deps) {
  const [found, setFound] = useState([null, null]);
  const [round, setRound] = useState(0);
  useEffect(() => {
    let wanted = true;
    load().then(
      (value) => wanted && setFound([value, null]),
      (error) => {
        if (wanted) setFound([null, error]);
        if (error.problem?.status === 401) throw error;
      },
    );
    return () => {
      wanted = false;
    };
  }, [...deps, round]);
  return [...found, () => setRound((number) => number + 1)];
}

export const shortName = (name) => (name || "").split("/").pop();

/** `1 case`, `2 cases`. */
export const counted = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;

export const seconds = (duration) => (duration ? Number.parseFloat(duration) : 0);

/** Money as it is said: `$0.0012`. */
export function money(cost) {
  const usd = Number(cost?.units || 0) + (cost?.nanos || 0) / 1e9;
  if (!usd) return "no API cost";
  return `$${usd < 0.01 ? usd.toPrecision(2) : usd.toFixed(2)}`;
}

export const moment = (time) =>
  new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
