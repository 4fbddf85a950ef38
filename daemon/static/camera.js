// The page of one camera: its picture, its zones and rules, and the form; what is saved is in use a moment later.
import { trouble } from "./geometry.js";
import { Outlines } from "./outlines.js";
import { fillRule, newRule, readRule } from "./rules.js";
import { watchPicture } from "./times.js";

const PERIOD_MS = 2000;
const LONGEST_WAIT_MS = 15000;
const find = (id) => document.getElementById(id);
const page = document.querySelector("main");
const { camera } = page.dataset;
const address = `/api/v1/cameras/${camera}/settings`;

function watchCamera() {
  const picture = find("picture");
  watchPicture(picture);
  setInterval(() => {
    if (!document.hidden) picture.src = `/cameras/${camera}.jpg?at=${Date.now()}`;
  }, PERIOD_MS);
}

class Editor {
  constructor() {
    this.form = find("settings");
    this.state = { zones: [], rules: [], selected: -1 };
    this.past = [];
    this.locked = {};
    this.outlines = new Outlines(find("outlines"), {
      drawn: (polygon) => this.#addZone(polygon),
      changed: (index, polygon) => this.#change((state) => { state.zones[index].polygon = polygon; }),
      selected: (index) => { this.state.selected = index; this.#show(); },
      said: (words) => this.#say(words),
    });
    this.#listen();
  }

  // Take the settings as the daemon has them. Where the form shows these very ones, what was typed meanwhile stays.
  take(view) {
    const isShown = this.form.elements.revision.value === view.revision;
    this.revision = view.revision;
    document.querySelectorAll('[name="revision"]').forEach((field) => { field.value = view.revision; });
    this.locked = view.locked;
    const { settings } = view;
    for (const field of isShown ? [] : this.form.elements) {
      if (!(field.name in settings) || field.type === "hidden") continue;
      if (field.type === "checkbox") field.checked = settings[field.name];
      else field.value = settings[field.name];
    }
    const zones = Object.entries(settings.zones).map(([name, zone]) => ({ name, ...zone }));
    this.state = { zones, rules: settings.rules, selected: Math.min(this.state.selected, zones.length - 1) };
    this.past = [];
    document.querySelectorAll(".tools").forEach((tools) => { tools.hidden = false; });
    this.#show();
  }

  #listen() {
    find("draw").addEventListener("click", () => { this.outlines.begin(); this.#tools(); });
    find("finish").addEventListener("click", () => { this.outlines.finish(); this.#tools(); });
    find("cancel").addEventListener("click", () => { this.outlines.cancel(); this.#tools(); });
    find("undo").addEventListener("click", () => this.#undo());
    find("outlines").addEventListener("keyup", () => this.#tools());
    find("outlines").addEventListener("pointerup", () => this.#tools());
    find("zones").addEventListener("change", (event) => this.#changeZone(event.target));
    find("zones").addEventListener("click", (event) => this.#clickZone(event.target));
    find("rules").addEventListener("change", (event) => this.#changeRule(event.target));
    find("rules").addEventListener("click", (event) => this.#clickRule(event.target));
    find("add-rule").addEventListener("click", () => this.#change((state) => { state.rules.push(newRule("")); }));
    document.addEventListener("keydown", (event) => {
      if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || event.target.matches("input")) return;
      event.preventDefault();
      this.#undo();
    });
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.#save(); });
  }

  #change(how) {
    this.past.push(structuredClone(this.state));
    how(this.state);
    this.#show();
  }

  #undo() {
    if (!this.past.length) return;
    this.state = this.past.pop();
    this.#show();
  }

  #addZone(polygon) {
    const names = this.state.zones.map((zone) => zone.name);
    let number = names.length + 1;
    while (names.includes(`zone-${number}`)) number++;
    this.#change((state) => {
      state.zones.push({ name: `zone-${number}`, polygon, mask: false, private: false });
      state.selected = state.zones.length - 1;
    });
    const name = find("zones").lastElementChild.querySelector('[data-part="name"]');
    name.focus({ preventScroll: true });
    name.select();
    name.closest("li").scrollIntoView({ block: "nearest" }); // as little as can be: the picture is to stay in sight
  }

  #changeZone(field) {
    const index = [...find("zones").children].indexOf(field.closest("li"));
    this.#change((state) => {
      const zone = state.zones[index];
      if (["mask", "private"].includes(field.dataset.part)) zone[field.dataset.part] = field.checked;
      if (field.dataset.part !== "name") return;
      for (const rule of state.rules) if (rule.zone === zone.name) rule.zone = field.value;
      zone.name = field.value;
    });
  }

  #clickZone(button) {
    const index = [...find("zones").children].indexOf(button.closest("li"));
    const { part } = button.dataset;
    if (part === "remove") this.#change((state) => { state.zones.splice(index, 1); state.selected = -1; });
    else if (part === "watch") this.#change((state) => { state.rules.push(newRule(state.zones[index].name)); });
    else if (index >= 0 && index !== this.state.selected) {
      this.state.selected = index;
      this.#mark();
    }
  }

  #changeRule(field) {
    const row = field.closest("li");
    const index = [...find("rules").children].indexOf(row);
    this.#change((state) => { state.rules[index] = readRule(row); });
  }

  #clickRule(button) {
    const index = [...find("rules").children].indexOf(button.closest("li"));
    const { rules } = this.state;
    const moves = { up: -1, down: 1 };
    if (button.dataset.part === "remove") this.#change((state) => { state.rules.splice(index, 1); });
    const other = index + (moves[button.dataset.part] ?? 0);
    if (other === index || other < 0 || other >= rules.length) return;
    this.#change((state) => { [state.rules[index], state.rules[other]] = [state.rules[other], state.rules[index]]; });
  }

  #show() {
    const { zones, rules } = this.state;
    this.#fit(find("zones"), "zone-template", zones.length);
    this.#fit(find("rules"), "rule-template", rules.length);
    [...find("zones").children].forEach((row, index) => {
      row.querySelector(".swatch").dataset.hue = index % 6;
      row.querySelector('[data-part="name"]').value = zones[index].name;
      for (const part of ["mask", "private"]) row.querySelector(`[data-part="${part}"]`).checked = zones[index][part];
      const twin = zones.some((zone, other) => other < index && zone.name === zones[index].name);
      row.querySelector(".mistake").textContent = twin ? "there is a zone of that name" : trouble(zones[index].polygon);
    });
    [...find("rules").children].forEach((row, index) => {
      row.querySelector("legend").textContent = `Rule ${index + 1}`;
      row.querySelector(".mistake").textContent = "";
      fillRule(row, rules[index], zones.map((zone) => zone.name));
    });
    find("no-zones").hidden = zones.length > 0;
    find("no-rules").hidden = rules.length > 0;
    for (const [place, name] of [["zones", "zones"], ["rules", "rules"]]) {
      if (name in this.locked) find(place).querySelectorAll("input, select, button").forEach((part) => { part.disabled = true; });
    }
    this.#mark();
  }

  // Rows stay where they are as far as they go, so that the keyboard does.
  #fit(list, template, count) {
    const rows = list.querySelectorAll(":scope > li");
    if (rows.length && !rows[0].querySelector("[data-part]")) list.replaceChildren(); // as it is read without a script
    while (list.children.length > count) list.lastElementChild.remove();
    while (list.children.length < count) list.append(find(template).content.firstElementChild.cloneNode(true));
  }

  #mark() {
    [...find("zones").children].forEach((row, index) => row.classList.toggle("selected", index === this.state.selected));
    this.outlines.show(this.state.zones, this.state.selected);
    this.#tools();
  }

  #tools() {
    const isDrawing = Boolean(this.outlines.drawing);
    find("draw").hidden = isDrawing;
    find("draw").disabled = "zones" in this.locked;
    find("finish").hidden = !isDrawing;
    find("cancel").hidden = !isDrawing;
    find("undo").disabled = !this.past.length;
  }

  #say(words) {
    find("hint").textContent = words;
    find("hint").hidden = !words;
  }

  #wish() {
    const { zones, rules } = this.state;
    const wish = {};
    for (const field of this.form.elements) {
      if (!field.name || field.name === "revision" || field.type === "hidden" || field.disabled) continue;
      if (field.type === "checkbox") wish[field.name] = field.checked;
      else wish[field.name] = field.type === "number" && field.value !== "" ? Number(field.value) : field.value;
    }
    if (!("zones" in this.locked)) wish.zones = Object.fromEntries(zones.map(({ name, ...zone }) => [name, zone]));
    if (!("rules" in this.locked)) wish.rules = rules;
    return wish;
  }

  async #save() {
    const names = this.state.zones.map((zone) => zone.name);
    this.#blame({});
    if (new Set(names).size < names.length) return this.#blame({ "": "two zones have one name" });
    find("save").disabled = true;
    find("outcome").textContent = "Saving …";
    try {
      const answer = await fetch(address, {
        method: "PUT",
        headers: { "x-videobertd": "1", "content-type": "application/json", "if-match": `"${this.revision}"` },
        body: JSON.stringify(this.#wish()),
        signal: AbortSignal.timeout(10000),
      });
      await this.#conclude(answer);
    } catch {
      this.#blame({ "": "The daemon does not answer. Load the page again to see whether it was saved." });
      find("outcome").textContent = "";
    }
    find("save").disabled = false;
  }

  async #conclude(answer) {
    if (answer.status === 401) return location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
    const body = await answer.json();
    if (answer.ok) {
      this.take(body);
      return this.#awaitUse();
    }
    this.#blame(body.problems ?? { "": body.error });
  }

  // Say what is wrong beside the field that it is about.
  #blame(problems) {
    document.querySelectorAll(".mistake").forEach((place) => { place.textContent = ""; });
    find("outcome").textContent = Object.keys(problems).length ? "Nothing was saved." : "";
    for (const [field, words] of Object.entries(problems)) {
      const [table, which] = field.split(".");
      const zone = this.state.zones.findIndex((each) => each.name === which);
      const row = table === "zones" ? find("zones").children[zone] : table === "rules" ? find("rules").children[which] : null;
      const place = row?.querySelector(".mistake") ?? this.form.querySelector(`[data-problem-of="${CSS.escape(field)}"]`) ?? find("problem");
      place.textContent = words;
    }
    document.querySelector(".mistake:not(:empty)")?.scrollIntoView({ block: "nearest" });
  }

  async #awaitUse() {
    const until = Date.now() + LONGEST_WAIT_MS;
    find("outcome").textContent = "Saved. The camera takes it up …";
    while (Date.now() < until) {
      const view = await load();
      if (view.in_use) {
        find("outcome").textContent = "Saved, and in use.";
        return;
      }
      await new Promise((done) => { setTimeout(done, 300); });
    }
    find("outcome").textContent = "Saved, but not in use yet: the log says why.";
  }
}

async function load() {
  const answer = await fetch(address, { signal: AbortSignal.timeout(10000) });
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer.json();
}

watchCamera();
if ("editable" in page.dataset) new Editor().take(await load());
