// Retrains and changes the model from the page; how far it is comes from the daemon.
import "./review.js";
import { ask } from "./verdicts.js";

const WAIT_MS = 1000;
const section = document.querySelector("#models");

document.addEventListener("click", async (click) => {
  const { method, path } = click.target.dataset;
  if (!path) return;
  click.target.disabled = true;
  const answer = await ask(path, method);
  if (answer.ok) {
    location.reload();
    return;
  }
  click.target.disabled = false;
  const problem = document.querySelector("#retrain-problem");
  problem.textContent = (await answer.json()).error;
  problem.hidden = false;
});

async function watch() {
  const answer = await fetch("/api/v1/models");
  if (answer.ok) {
    const { retraining } = await answer.json();
    if (!retraining.is_running) {
      location.reload();
      return;
    }
    const { done, total, doing } = retraining.progress;
    document.querySelector("#doing").textContent = doing || "beginning";
    Object.assign(document.querySelector("#progress"), { max: total || 1, value: done });
  }
  setTimeout(watch, WAIT_MS);
}

if (section.dataset.running === "true") setTimeout(watch, WAIT_MS);
