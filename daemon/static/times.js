// Shows times as a clock on the wall would; the server sends them in UTC, which is what stands there without a script.

export function localTime(text) {
  const time = new Date(text);
  const today = time.toDateString() === new Date().toDateString();
  return time.toLocaleString([], today ? { timeStyle: "medium" } : { dateStyle: "medium", timeStyle: "medium" });
}

export function showTimes(root) {
  root.querySelectorAll("time").forEach((time) => { time.textContent = localTime(time.dateTime); });
}

// A picture that is not there leaves its place empty, without the browser's broken image.
export function watchPicture(image) {
  const settle = () => image.classList.toggle("missing", !(image.complete && image.naturalWidth));
  image.addEventListener("load", settle);
  image.addEventListener("error", settle);
  settle();
}

showTimes(document);
