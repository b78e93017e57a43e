// What a stream of AdEvents amounts to: a pure function from what was known and one event to what is known now.

export const begun = (request) => ({
  request,
  state: "waiting",
  started: null,
  variants: [],
  completed: null,
  problem: null,
  beganAt: Date.now(),
});

const variantOf = (ad, index) => ad.variants[index] || { fields: {}, notices: [] };

const withVariant = (ad, index, variant) => {
  const variants = ad.variants.slice();
  variants[index] = variant;
  return { ...ad, variants };
};

export function fold(ad, event) {
  if (event.started) {
    const variants = Array.from({ length: event.started.variantCount }, () => ({ fields: {}, notices: [] }));
    return { ...ad, state: "writing", started: event.started, variants };
  }
  if (event.delta) {
    const { variant, path, text } = event.delta;
    const known = variantOf(ad, variant);
    const fields = { ...known.fields, [path]: (known.fields[path] || "") + text };
    return withVariant(ad, variant, { ...known, fields });
  }
  if (event.switched) {
    const { variant, from, to, reason, resume } = event.switched;
    const known = variantOf(ad, variant);
    const restarted = resume === "RESUME_RESTARTED";
    const notice =
      reason === "repair"
        ? "A check failed, so it was written again."
        : `${to} goes on for ${from} (${reason})${restarted ? " and begins anew" : ""}.`;
    return withVariant(ad, variant, {
      fields: restarted ? {} : known.fields,
      notices: [...known.notices, notice],
    });
  }
  if (event.withheld) {
    const { variant, path, rule } = event.withheld;
    const known = variantOf(ad, variant);
    return withVariant(ad, variant, {
      ...known,
      notices: [...known.notices, `Something was held back in ${label(path)}: ${rule.replaceAll("_", " ")}.`],
    });
  }
  if (event.completed) {
    const done = event.completed;
    const variants = ad.variants.slice();
    for (const each of done.ads) {
      const fields = Object.fromEntries(each.fields.map((field) => [field.path, field.text]));
      variants[each.variant] = { ...variantOf(ad, each.variant), fields, valid: each.valid, lengths: lengths(each) };
    }
    return { ...ad, state: "done", variants, completed: done };
  }
  return ad;
}

/** A generation of the history in the same form. */
export function remembered(generation) {
  let ad = begun(generation.request || {});
  if (generation.started) ad = fold(ad, { started: generation.started });
  if (generation.completed) ad = fold(ad, { completed: generation.completed });
  return { ...ad, state: generation.completed ? "done" : "failed", problem: generation.error || null };
}

const lengths = (ad) => Object.fromEntries(ad.fields.map((field) => [field.path, field.length]));

/** `headlines[2]` as people say it: `headline 3`. */
export function label(path) {
  const [, name, index] = /^([a-z0-9_]+)(?:\[(\d+)\])?$/.exec(path) || [null, path];
  const words = name.replaceAll("_", " ");
  return index === undefined ? words : `${words.replace(/s$/, "")} ${Number(index) + 1}`;
}

/** The paths of an ad in the order of its format. */
export function pathsOf(ad, variant) {
  const order = (ad.started?.fields || []).map((field) => field.field);
  const place = (path) => order.indexOf(path.replace(/\[.*/, ""));
  const index = (path) => Number(/\[(\d+)\]/.exec(path)?.[1] || 0);
  return Object.keys(variant.fields).sort((a, b) => place(a) - place(b) || index(a) - index(b));
}

const WIDE = /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{1F300}-\u{1FAFF}\u{20000}-\u{3FFFD}]/u;

/** How long a text is as its platform counts, while it is being written; in the end the server says it exactly. */
export function lengthOf(text, field) {
  const points = [...text];
  if (field?.counting !== "COUNTING_EAST_ASIAN_WIDE_AS_TWO") return points.length;
  return points.reduce((sum, point) => sum + (WIDE.test(point) ? 2 : 1), 0);
}

export const fieldOf = (ad, path) =>
  (ad.started?.fields || []).find((field) => field.field === path.replace(/\[.*/, ""));
