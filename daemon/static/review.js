// Passes on what people say that events show, from the event's page and from the review.
import { watchPicture } from "./times.js";
import { ask } from "./verdicts.js";

async function settle(box, path, method) {
  const answer = await ask(path, method);
  const said = await answer.json();
  const status = box.querySelector("[role=status]");
  if (!answer.ok) {
    if (status) status.textContent = said.error;
    else box.querySelector("button").title = said.error;
    return;
  }
  if (!status) {
    box.remove();
    return;
  }
  for (const button of box.querySelectorAll("[data-label]:not(option)")) {
    const { task, label } = button.dataset;
    button.setAttribute("aria-pressed", String(task === said.task && label === said.label));
  }
  const select = box.querySelector("select");
  const chosen = [...select.options].findIndex((o) => o.dataset.task === said.task && o.value === said.label);
  select.selectedIndex = Math.max(0, chosen);
  box.querySelector(".take-back").hidden = !said.label;
  const words = `labelled: ${select.selectedOptions[0].textContent.trim()}`;
  status.textContent = said.label ? words + (said.part ? "" : "; its video comes later") : "not labelled";
}

document.querySelectorAll(".thumb img").forEach(watchPicture);

const path = (box) => `/api/v1/events/${encodeURIComponent(box.dataset.id)}/label`;

document.addEventListener("click", (click) => {
  const box = click.target.closest("[data-id]");
  if (!box) return;
  const { task, label } = click.target.dataset;
  if (task && label) settle(box, `${path(box)}?${new URLSearchParams({ task, label })}`, "POST");
  if (click.target.matches(".take-back")) settle(box, path(box), "DELETE");
});

document.addEventListener("change", (change) => {
  if (!change.target.matches(".labelling select")) return;
  const option = change.target.selectedOptions[0];
  const query = new URLSearchParams({ task: option.dataset.task, label: option.value });
  settle(change.target.closest("[data-id]"), `${path(change.target.closest("[data-id]"))}?${query}`, "POST");
});
