// The control bar: what the server says is possible, by mouse or by Alt and a key.

import { send, tell } from "./common.js";

const bar = () => document.getElementById("controls");
const picker = () => document.getElementById("party");
// Kept here too, because the call's page may come after them.
let shown = { controls: "", parties: "" };

export function showControls(html) {
  shown.controls = html;
  const place = bar();
  if (!place) return;
  const key = place.contains(document.activeElement) ? document.activeElement.dataset.key : "";
  place.innerHTML = html;
  // The button under the hand may have become another one, but its key stays.
  if (key) place.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}

export function showParties(html) {
  shown.parties = html;
  const list = picker();
  // Never under somebody's hands: a list that is open stays as it is.
  if (!list || list === document.activeElement) return;
  const chosen = list.value;
  list.innerHTML = html;
  list.value = chosen;
  if (list.selectedIndex < 0) list.value = "";
}

// The call's page has been put into the desk: fill in what was pushed before it came.
export function fillControls() {
  showControls(shown.controls);
  showParties(shown.parties);
}

async function make(entry, move) {
  const to = move === "consult" || move === "transfer" ? picker()?.value ?? "" : "";
  if ((move === "consult" || move === "transfer") && !to) {
    picker()?.focus();
    tell("请先选择对方，再按一次。", true);
    return;
  }
  const told = await send(`/desk/call/${encodeURIComponent(entry)}/talk`, { move, to });
  if (told) tell(told);
}

// entry(): id of the call on the desk, "" for none.
export function startControls(entry) {
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("button[data-talk]");
    if (button && entry()) make(entry(), button.dataset.talk);
  });
  document.addEventListener("focusout", ({ target }) => {
    if (target === picker()) setTimeout(() => showParties(shown.parties));
  });
  document.addEventListener("keydown", (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey) return;
    const button = bar()?.querySelector(`[data-key="${CSS.escape(event.code)}"]`);
    const chooses = event.code === "KeyG" && picker();
    if (!button && !chooses) return;
    event.preventDefault();
    if (chooses) picker().focus();
    else if (!button.disabled) button.click();
  });
}
