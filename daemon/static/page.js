// Keeps the page current: asks for events every second, for the rest every other, and only while somebody looks.
import { localTime, watchPicture } from "./times.js";
import { tell } from "./verdicts.js";

const PERIOD_MS = 1000;
const MOST_EVENTS = 100;
const ALARM = 0.5; // where the threshold lies in a score
const TOLD_MINUTES = 1000; // as in pages.py: rarer is an extrapolated tail, and not told as a number
const find = (id) => document.getElementById(id);

const cameras = find("cameras");
const events = find("events");
let lastSeq = Number(document.body.dataset.lastSeq);

function fill(element, field, text) {
  const place = element.querySelector(`[data-field="${field}"]`);
  if (place.textContent !== text) place.textContent = text;
}

function rarity(pValue) {
  const minutes = Math.round(1 / pValue);
  const howOften = minutes <= TOLD_MINUTES ? "once" : "less than once";
  return `· ${howOften} in ${Math.min(minutes, TOLD_MINUTES)} normal minutes`;
}

function durationText(seconds) {
  const whole = Math.floor(seconds);
  const parts = [
    [Math.floor(whole / 86400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "min"],
    [whole % 60, "s"],
  ];
  const first = parts.findIndex(([number]) => number > 0);
  if (first < 0) return "0 s";
  return parts.slice(first, first + 2).filter(([number]) => number > 0).map((part) => part.join(" ")).join(" ");
}

function percent(ratio) {
  return `${Math.round(100 * ratio)} %`;
}

// The curve of the last scores, null where there was none, and what it says: as in recent_scores.py.
function showCurve(curve, scores) {
  const width = curve.viewBox.baseVal.width;
  const isKnown = (score) => score !== null && score !== undefined;
  const steps = scores.map((score, index) => {
    const verb = isKnown(scores[index - 1]) ? "L" : "M";
    return isKnown(score) ? `${verb}${width + 1 - scores.length + index} ${Math.round(100 * (1 - score))}` : "";
  });
  curve.querySelector(".scores").setAttribute("d", steps.join(""));
  const known = scores.filter(isKnown);
  const alarms = known.filter((score, index) => score >= ALARM && (known[index - 1] ?? 0) < ALARM).length;
  const times = ["never", "once"][alarms] ?? `${alarms} times`;
  const words = known.length
    ? `How unusual in the last 5 minutes: ${percent(known.at(-1))} now, ${percent(Math.max(...known))} at most, ${times} over the alarm's threshold.`
    : "No score in the last 5 minutes.";
  if (curve.getAttribute("aria-label") !== words) curve.setAttribute("aria-label", words);
}

function clone(id) {
  return find(id).content.firstElementChild.cloneNode(true);
}

function showCamera(camera) {
  let card = cameras.querySelector(`[data-name="${CSS.escape(camera.name)}"]`);
  if (!card) {
    card = clone("camera-template");
    card.dataset.name = camera.name;
    card.querySelector(".settings-link").href = `/cameras/${camera.name}`;
    watchPicture(card.querySelector("img"));
    cameras.append(card);
  }
  card.dataset.status = camera.status;
  fill(card, "name", camera.name);
  fill(card, "status", camera.status);
  fill(card, "description", camera.description || camera.source);
  fill(card, "reason", camera.reason);
  const learned = camera.calibration_ratio >= 1;
  const budget = `${percent(camera.budget_used_ratio)} of alarm budget`;
  fill(card, "calibration_words", learned ? budget : `learned ${percent(camera.calibration_ratio)}`);
  card.querySelector('[data-field="calibration_ratio"]').value = learned ? camera.budget_used_ratio : camera.calibration_ratio;
  const expected = camera.expected_per_day === null ? "not known yet" : camera.expected_per_day.toFixed(1);
  fill(card, "rates", `a day: ${expected} expected, ${camera.actual_per_day.toFixed(1)} in the last week`);
  const budget_input = card.querySelector(".budget");
  if (document.activeElement !== budget_input) budget_input.value = camera.budget_per_day;
  const score = card.querySelector('[data-field="anomaly_score"]');
  showCurve(card.querySelector(".curve"), camera.recent_scores);
  score.value = camera.anomaly_score;
  score.classList.toggle("high", camera.anomaly_score >= ALARM);
  card.querySelector("img").src = `/cameras/${camera.name}.jpg?at=${Date.now()}`;
}

function showCameras(list) {
  const names = new Set(list.map((camera) => camera.name));
  for (const card of [...cameras.children]) if (!names.has(card.dataset.name)) card.remove();
  list.forEach(showCamera);
  find("no-cameras").hidden = list.length > 0;
  const online = list.filter((camera) => camera.status === "online").length;
  const summary = `${online} of ${list.length} ${list.length === 1 ? "camera" : "cameras"} online`;
  if (find("summary").textContent !== summary) find("summary").textContent = summary;
}

function showEvent(event) {
  let row = events.querySelector(`[data-id="${CSS.escape(event.id)}"]`);
  const isNew = !row;
  if (isNew) {
    row = clone("event-template");
    row.dataset.id = event.id;
    row.querySelectorAll("a:not(.clip)").forEach((link) => { link.href = `/events/${event.id}`; });
    if (event.kind !== "camera") {
      row.querySelector("img").src = `/thumbnails/${event.id}.jpg`;
    }
    watchPicture(row.querySelector("img"));
    events.prepend(row);
  }
  Object.assign(row.dataset, { kind: event.kind, severity: event.severity, type: event.type });
  for (const field of ["label", "camera"]) fill(row, field, event[field]);
  if (isNew || event.type !== "end") { // an end only says that all is as usual again
    fill(row, "explanation", event.explanation);
    fill(row, "rarity", event.p_value ? rarity(event.p_value) : "");
  }
  fill(row, "duration", event.end_utc ? durationText((new Date(event.end_utc) - new Date(event.start_utc)) / 1000) : "now");
  fill(row, "start", localTime(event.start_utc));
  const clip = row.querySelector(".clip");
  clip.hidden = !event.clip_url || !event.end_utc; // it is written when the event has ended
  if (!clip.hidden) clip.href = `/clips/${event.id}.mp4`;
}

function showEvents(answer) {
  answer.events.forEach(showEvent);
  lastSeq = answer.last_seq;
  while (events.children.length > MOST_EVENTS) events.lastElementChild.remove();
  find("no-events").hidden = events.children.length > 0;
}

function showSystem(system) {
  const problems = [system.broker_problem, system.storage_problem].filter(Boolean);
  find("problems").replaceChildren(...problems.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  find("version").textContent = `videobertd ${system.version}`;
  find("model").textContent = `${system.model}, ${system.runtime}`;
  find("broker").textContent = system.broker;
  find("uptime").textContent = durationText(system.uptime_s);
}

async function ask(path) {
  const answer = await fetch(path, { signal: AbortSignal.timeout(10000) });
  if (answer.status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function refresh(everything) {
  try {
    const news = ask(`/api/v1/events?after=${lastSeq}`);
    const rest = everything ? [ask("/api/v1/cameras"), ask("/api/v1/system")] : [];
    const [, list, system] = await Promise.all([news.then(showEvents), ...rest]);
    if (everything) {
      showCameras(list.cameras);
      showSystem(system);
    }
    find("connection").hidden = true;
  } catch {
    find("connection").hidden = false;
  }
}

async function run(everything) {
  if (!document.hidden) await refresh(everything);
  setTimeout(run, PERIOD_MS, !everything);
}

find("reload")?.addEventListener("click", () => tell("/api/v1/reload"));
cameras.addEventListener("change", async (change) => {
  if (!change.target.matches(".budget")) return;
  const name = change.target.closest(".camera").dataset.name;
  const answer = await tell(`/api/v1/cameras/${name}/budget?value=${encodeURIComponent(change.target.value)}`);
  change.target.setCustomValidity(answer.ok ? "" : (await answer.json()).error);
  change.target.reportValidity();
});
document.querySelectorAll("img").forEach(watchPicture);
run(true);
