// Calls to the gateway. The key lives in this tab's session storage and in headers, never in an address.

const KEY = "adwright.key";
const PATIENCE = 60_000;

export const key = {
  get: () => sessionStorage.getItem(KEY) || "",
  set: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

/** What the gateway refused, in its own words: `problem` is problem+json. */
export class Refused extends Error {
  constructor(problem) {
    super(problem.detail || problem.title || "The gateway refused this.");
    this.problem = problem;
  }
}

/** The connection did not hold. */
export class Unreachable extends Error {}

const headers = (more) => ({ authorization: `Bearer ${key.get()}`, ...more });

async function send(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable("The gateway does not answer. Is it running?");
  }
}

async function refusal(answer) {
  const problem = await answer.json().catch(() => ({ title: answer.statusText, status: answer.status }));
  return new Refused(problem);
}

/** One call; `body` is sent as JSON. Throws Refused or Unreachable. */
export async function call(method, path, body, signal) {
  const answer = await send(path, {
    method,
    signal,
    headers: headers(body === undefined ? {} : { "content-type": "application/json" }),
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!answer.ok) throw await refusal(answer);
  return answer.json();
}

/** All pages of a list, at most `most` entries. */
export async function all(path, field, most = 1000) {
  const found = [];
  let token = "";
  do {
    const sign = path.includes("?") ? "&" : "?";
    const page = await call("GET", `${path}${sign}pageSize=200&pageToken=${encodeURIComponent(token)}`);
    found.push(...page[field]);
    token = page.nextPageToken;
  } while (token && found.length < most);
  return found;
}

/** The lines of an answer that is a stream of JSON, as objects. */
export async function* lines(path) {
  const answer = await send(path, { headers: headers() });
  if (!answer.ok) throw await refusal(answer);
  for (const line of (await answer.text()).split("\n")) if (line) yield JSON.parse(line);
}

/**
 * The events of an ad, as `{event: object}`. A connection that breaks is made again, behind the last event that came.
 * `onState` hears "streaming" and "reconnecting". Throws Refused or Unreachable.
 */
export async function* generate(request, { signal, onState = () => {} }) {
  let last = null;
  let lostAt = 0;
  for (;;) {
    try {
      const answer = await send("v1/ads:generate", {
        method: "POST",
        signal,
        headers: headers({
          accept: "text/event-stream",
          "content-type": "application/json",
          ...(last === null ? {} : { "last-event-id": last }),
        }),
        body: JSON.stringify(request),
      });
      if (!answer.ok) throw await refusal(answer);
      onState("streaming");
      for await (const event of events(answer.body)) {
        lostAt = 0;
        if (event.id) last = event.id;
        if (event.name === "error") throw new Refused(JSON.parse(event.data));
        yield JSON.parse(event.data);
        if (event.name === "completed") return;
      }
      throw new Unreachable("The stream broke off.");
    } catch (error) {
      if (signal?.aborted || error instanceof Refused) throw error;
      // Without an event nothing tells what would be resumed.
      if (last === null) throw error;
      lostAt ||= Date.now();
      if (Date.now() - lostAt > PATIENCE) throw error;
      onState("reconnecting");
      await new Promise((resolve) => setTimeout(resolve, Math.min(4000, 250 + (Date.now() - lostAt))));
    }
  }
}

/** Server-sent events of a body, as `{name, id, data}`. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(() => {
        throw new Unreachable("The connection broke.");
      });
      if (done) return;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const event = { name: "message", id: "", data: "" };
        for (const line of block.split("\n")) {
          const [, field, text] = /^(event|id|data): ?(.*)$/.exec(line) || [];
          if (field === "event") event.name = text;
          else if (field === "id") event.id = text;
          else if (field === "data") event.data += text;
        }
        if (event.data) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
