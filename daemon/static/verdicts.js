// Passes people's word on an alarm to the daemon, from wherever its two buttons stand.

// The header shows that a page of ours asks: no other site's page can send it.
export function ask(path, method) {
  return fetch(path, { method, headers: { "x-videobertd": "1" } });
}

export function tell(path) {
  return ask(path, "POST");
}

async function say(button, verdict, eventId) {
  const answer = await tell(`/api/v1/events/${encodeURIComponent(eventId)}/feedback?verdict=${verdict}`);
  for (const each of button.parentElement.querySelectorAll("[data-verdict]")) {
    each.setAttribute("aria-pressed", String(answer.ok && each === button));
  }
  button.title = answer.ok ? "" : (await answer.json()).error;
}

document.addEventListener("click", (click) => {
  const { verdict } = click.target.dataset;
  const event = click.target.closest("[data-id]");
  if (verdict && event) say(click.target, verdict, event.dataset.id);
});
