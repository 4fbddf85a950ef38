// Zones drawn over the picture: by mouse, finger or keys. Tells what was drawn; whoever made it keeps it.
import { MOST_POINTS, crossing, middle, rounded, trouble } from "./geometry.js";

const SVG = "http://www.w3.org/2000/svg";
const NEAR_PX = 14;
const STEP = 0.005; // of the picture, for one press of an arrow; with shift ten times that
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// A line without length and with round ends is a dot of as many pixels as it is wide, whatever the picture's shape.
function dot([x, y], attributes) {
  return element("path", { d: `M ${x} ${y} h 0.00001`, ...attributes });
}

export class Outlines {
  // `asks` has `drawn(polygon)`, `changed(index, polygon)`, `selected(index)` and `said(words)`.
  constructor(svg, asks) {
    this.svg = svg;
    this.asks = asks;
    this.zones = [];
    this.selected = -1;
    this.drawing = null; // the points so far
    this.cursor = [0.5, 0.5];
    this.dragged = -1; // which point of the selected zone
    svg.addEventListener("pointerdown", (event) => this.#press(event));
    svg.addEventListener("pointermove", (event) => this.#move(event));
    svg.addEventListener("pointerup", () => this.#release());
    svg.addEventListener("pointercancel", () => this.#release());
    svg.addEventListener("keydown", (event) => this.#key(event));
  }

  show(zones, selected) {
    this.zones = zones.map((zone) => ({ ...zone, polygon: [...zone.polygon] }));
    this.selected = selected;
    this.#paint();
  }

  begin() {
    this.drawing = [];
    this.cursor = [0.5, 0.5];
    this.svg.tabIndex = 0;
    this.svg.focus({ preventScroll: true });
    this.asks.said("Press on the picture for each corner, and on the first one to close the outline. By keys: arrows and Enter.");
    this.#paint();
  }

  finish() {
    const points = this.drawing;
    const wrong = trouble(points);
    if (wrong) return this.asks.said(`Not yet: ${wrong}.`);
    this.#stop();
    this.asks.said("");
    this.asks.drawn(points);
  }

  cancel() {
    this.#stop();
    this.asks.said("Nothing was drawn.");
    this.#paint();
  }

  #stop() {
    this.drawing = null;
    this.svg.removeAttribute("tabindex");
  }

  #place(event) {
    const box = this.svg.getBoundingClientRect();
    return rounded([(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]);
  }

  #isNear([ax, ay], [bx, by]) {
    const box = this.svg.getBoundingClientRect();
    return Math.hypot((ax - bx) * box.width, (ay - by) * box.height) <= NEAR_PX;
  }

  #press(event) {
    if (event.button !== 0) return;
    if (this.drawing) {
      event.preventDefault();
      this.svg.focus({ preventScroll: true });
      return this.#add(this.#place(event));
    }
    const { corner, middleOf, index } = event.target.dataset;
    if (corner === undefined && middleOf === undefined) {
      if (index !== undefined) this.asks.selected(Number(index));
      return;
    }
    event.preventDefault();
    this.svg.setPointerCapture(event.pointerId);
    this.dragged = Number(corner ?? this.#insert(Number(middleOf)));
    this.#paint(this.dragged);
  }

  #move(event) {
    if (this.drawing) {
      this.cursor = this.#place(event);
      this.#paint();
    } else if (this.dragged >= 0) {
      this.zones[this.selected].polygon[this.dragged] = this.#place(event);
      this.#paint(this.dragged);
    }
  }

  #release() {
    if (this.dragged < 0) return;
    const corner = this.dragged;
    this.dragged = -1;
    this.#tell(corner);
  }

  #add(point) {
    const [first] = this.drawing;
    const last = this.drawing.at(-1);
    if (this.drawing.length >= 3 && (this.#isNear(point, first) || this.#isNear(point, last))) return this.finish();
    if (last && this.#isNear(point, last)) return;
    if (this.drawing.length === MOST_POINTS) return this.asks.said(`An outline has ${MOST_POINTS} points at most.`);
    this.drawing.push(point);
    this.cursor = point;
    const count = this.drawing.length;
    this.asks.said(`${count} ${count === 1 ? "corner" : "corners"}. ${count < 3 ? "" : "Press on the first one to close the outline."}`);
    this.#paint();
  }

  // Put a point into the middle of the edge that begins at `corner`; return which one it is.
  #insert(corner) {
    const { polygon } = this.zones[this.selected];
    if (polygon.length === MOST_POINTS) return corner;
    polygon.splice(corner + 1, 0, middle(polygon[corner], polygon[(corner + 1) % polygon.length]));
    return corner + 1;
  }

  #tell(corner) {
    this.asks.changed(this.selected, this.zones[this.selected].polygon);
    this.#paint(corner);
  }

  #key(event) {
    const arrow = ARROWS[event.key];
    const step = event.shiftKey ? 10 * STEP : STEP;
    const moved = ([x, y]) => rounded([x + arrow[0] * step, y + arrow[1] * step]);
    if (this.drawing) {
      if (arrow) this.cursor = moved(this.cursor);
      else if (event.key === "Enter" || event.key === " ") this.#add(this.cursor);
      else if (event.key === "Backspace") this.drawing.pop();
      else if (event.key === "Escape") this.cancel();
      else return;
      event.preventDefault();
      return this.#paint();
    }
    const { corner, index } = event.target.dataset;
    if (corner === undefined) {
      if (index !== undefined && (event.key === "Enter" || event.key === " ")) this.asks.selected(Number(index));
      return;
    }
    const which = Number(corner);
    const { polygon } = this.zones[this.selected];
    if (arrow) polygon[which] = moved(polygon[which]);
    else if (event.key === "Delete" || event.key === "Backspace") {
      if (polygon.length === 3) return this.asks.said("An outline keeps three points: remove the zone instead.");
      polygon.splice(which, 1);
    } else if (event.key === "Insert" || event.key === "+") {
      event.preventDefault();
      return this.#tell(this.#insert(which));
    } else if (event.key === "Escape") return this.asks.selected(-1);
    else return;
    event.preventDefault();
    this.#tell(Math.min(which, polygon.length - 1));
  }

  // Draw all anew; the keyboard stays at a corner.
  #paint(corner = -1) {
    const parts = this.zones.flatMap((zone, index) => this.#zone(zone, index));
    this.svg.replaceChildren(...parts, ...this.#sketch());
    this.svg.toggleAttribute("data-drawing", Boolean(this.drawing));
    if (corner >= 0) this.svg.querySelector(`[data-corner="${corner}"]`)?.focus({ preventScroll: true });
  }

  #zone(zone, index) {
    const { polygon } = zone;
    const isSelected = index === this.selected && !this.drawing;
    const outline = element("polygon", {
      class: "outline", points: polygon.map((point) => point.join()).join(" "), "data-index": index, "data-hue": index % 6,
      role: "button", tabindex: 0, "aria-label": `zone ${zone.name}`, "aria-pressed": isSelected,
    });
    outline.toggleAttribute("data-mask", zone.mask);
    outline.toggleAttribute("data-wrong", Boolean(trouble(polygon)));
    if (!isSelected) return [outline];
    const middles = polygon.map((point, i) => dot(middle(point, polygon[(i + 1) % polygon.length]), { class: "middle", "data-middle-of": i }));
    const corners = polygon.map((point, i) => dot(point, {
      class: "corner", "data-corner": i, tabindex: 0, role: "button", "aria-label": `corner ${i + 1} of ${polygon.length} of ${zone.name}`,
    }));
    return [outline, ...(polygon.length < MOST_POINTS ? middles : []), ...corners];
  }

  #sketch() {
    if (!this.drawing) return [];
    const points = [...this.drawing, this.cursor];
    const line = element("polyline", { class: "sketch", points: points.map((point) => point.join()).join(" ") });
    // At the first corner the outline is about to be closed.
    const open = this.drawing.length > 2 && this.#isNear(this.cursor, points[0]) ? this.drawing : points;
    line.toggleAttribute("data-wrong", crossing(open, { closed: false }) !== null);
    return [
      line,
      ...this.drawing.map((point) => dot(point, { class: "corner" })),
      dot(this.cursor, { class: "cursor" }),
    ];
  }
}
