// A rule's row in the page: filled from a rule, and read back into one.

const PLAIN = ["do", "zone", "severity", "begin", "end"];

export function fillRule(row, rule, zones) {
  const part = (name) => row.querySelector(`[data-part="${name}"]`);
  const places = ["", ...zones].map((name) => new Option(name || "everywhere", name));
  if (rule.zone && !zones.includes(rule.zone)) places.push(new Option(`${rule.zone} (gone)`, rule.zone));
  part("zone").replaceChildren(...places);
  for (const name of PLAIN) part(name).value = ["begin", "end"].includes(name) ? rule[name].slice(0, 5) : rule[name];
  part("labels").value = rule.labels.join(", ");
  row.querySelectorAll("[data-list]").forEach((box) => { box.checked = rule[box.dataset.list].includes(box.value); });
  row.querySelectorAll("[data-not]").forEach((place) => { place.hidden = place.dataset.not === rule.do; });
}

export function readRule(row) {
  const part = (name) => row.querySelector(`[data-part="${name}"]`).value;
  const ticked = (list) => [...row.querySelectorAll(`[data-list="${list}"]:checked`)].map((box) => box.value);
  const rule = Object.fromEntries(PLAIN.map((name) => [name, part(name)]));
  const labels = part("labels").split(",").map((label) => label.trim()).filter(Boolean);
  const isWatch = rule.do === "watch"; // it makes events of its own: of these there is none to choose
  return { ...rule, days: ticked("days"), kinds: isWatch ? [] : ticked("kinds"), labels: isWatch ? [] : labels };
}

export function newRule(zone) {
  const days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
  return { do: zone ? "watch" : "ignore", zone, severity: "alert", begin: "00:00", end: "00:00", days, kinds: [], labels: [] };
}
