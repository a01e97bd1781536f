// The wallboard: shows the board as it is pushed, sends what the supervisor decides.

import { send, tell } from "./common.js";

const board = document.getElementById("board");
const events = new EventSource("/wallboard/events");
events.addEventListener("board", ({ data }) => {
  // Never under somebody's hands: what they are choosing from stays until they have chosen.
  if (!board.contains(document.activeElement)) board.innerHTML = data;
});
events.addEventListener("signed_out", () => location.assign("/login"));

async function act(url, fields) {
  const told = await send(url, fields);
  document.activeElement?.blur();
  if (told) tell(told);
}

board.addEventListener("click", ({ target }) => {
  const button = target.closest("button[data-act]");
  if (button && (!button.dataset.sure || confirm(button.dataset.sure))) act(button.dataset.act);
});
board.addEventListener("submit", (event) => {
  event.preventDefault();
  act(event.target.dataset.act, new FormData(event.target));
});
