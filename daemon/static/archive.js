// Brings older events when the end of the list comes into view; without a script the link does.
import { showTimes, watchPicture } from "./times.js";
import "./verdicts.js";

const list = document.getElementById("events");

async function bringOlder(link) {
  const answer = await fetch(link.href, { signal: AbortSignal.timeout(10000) });
  if (!answer.ok) throw new Error(`${link.href}: ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  showTimes(page);
  page.querySelectorAll("#events > li").forEach((row) => {
    watchPicture(row.querySelector("img"));
    list.append(row);
  });
  const next = page.getElementById("older");
  if (next) link.href = next.getAttribute("href");
  else link.parentElement.remove();
  return Boolean(next);
}

function watchEnd(link) {
  let busy = false;
  const observer = new IntersectionObserver(async ([entry]) => {
    if (!entry.isIntersecting || busy) return;
    busy = true;
    try {
      if (!(await bringOlder(link))) observer.disconnect();
    } catch {
      observer.disconnect(); // the link is still there, and says what is wrong
      return;
    }
    busy = false;
    observer.unobserve(link);
    if (link.isConnected) observer.observe(link); // it may still be in view
  }, { rootMargin: "400px" });
  observer.observe(link);
}

document.querySelectorAll("img").forEach(watchPicture);
const older = document.getElementById("older");
if (older) watchEnd(older);
