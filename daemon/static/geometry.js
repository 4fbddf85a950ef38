// Polygons as lists of [x, y] in fractions of the picture; pipeline/zones.py has the last word on them.

export const MOST_POINTS = 64;

function side([ax, ay], [bx, by], [cx, cy]) {
  return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
}

function between(a, b, c) {
  return [0, 1].every((axis) => Math.min(a[axis], b[axis]) <= c[axis] && c[axis] <= Math.max(a[axis], b[axis]));
}

function meet([a, b], [c, d]) {
  const corners = [[a, b, c], [a, b, d], [c, d, a], [c, d, b]];
  const sides = corners.map((corner) => side(...corner));
  if (sides[0] * sides[1] < 0 && sides[2] * sides[3] < 0) return true;
  return corners.some((corner, i) => sides[i] === 0 && between(...corner));
}

// Which two edges meet that should not; the last point is joined to the first one only where the outline is closed.
export function crossing(points, { closed }) {
  const all = points.map((point, i) => [point, points[(i + 1) % points.length]]);
  const edges = closed ? all : all.slice(0, -1);
  for (let i = 0; i < edges.length; i++) {
    for (let j = i + 2; j < edges.length; j++) {
      const neighbours = closed && i === 0 && j === edges.length - 1;
      if (!neighbours && meet(edges[i], edges[j])) return [i + 1, j + 1];
    }
  }
  return null;
}

// What is wrong with an outline, in words; empty where nothing is.
export function trouble(points) {
  if (points.length < 3) return "an outline has three points at least";
  if (points.length > MOST_POINTS) return `an outline has ${MOST_POINTS} points at most`;
  const meeting = crossing(points, { closed: true });
  if (meeting) return `the outline crosses itself: edges ${meeting.join(" and ")} meet`;
  const edges = points.map((point, i) => [point, points[(i + 1) % points.length]]);
  const area = edges.reduce((sum, [[ax, ay], [bx, by]]) => sum + ax * by - bx * ay, 0) / 2;
  return Math.abs(area) < 1e-6 ? "the outline encloses nothing" : "";
}

export function middle([ax, ay], [bx, by]) {
  return rounded([(ax + bx) / 2, (ay + by) / 2]);
}

// A thousandth of the picture is finer than a finger, and short in the file.
export function rounded(point) {
  return point.map((value) => Math.round(1000 * Math.min(1, Math.max(0, value))) / 1000);
}
