// A practice call: shows what the server pushes, sends what the trainee decides.

import { clock, send, tell } from "./common.js";
import { BrowserPhone } from "./phone.js";

const $ = (id) => document.getElementById(id);
const at = `/training/practice/${encodeURIComponent($("practice").dataset.practice)}`;
let stage = $("practice").dataset.stage;

// --- what the server pushes -------------------------------------------------------------

const events = new EventSource(`${at}/events`);
events.addEventListener("state", ({ data }) => show(JSON.parse(data)));
events.addEventListener("signed_out", () => location.assign("/login"));
events.onerror = () => {
  if (stage === "scored" || stage === "failed") return;
  $("trouble").textContent = "连接中断，正在重连……";
  $("trouble").hidden = false;
};
events.onopen = () => { $("trouble").hidden = true; };

function show(state) {
  stage = state.stage;
  $("practice").dataset.stage = stage;
  $("told").textContent = state.told;
  $("since").dataset.since = state.since ?? 0;
  $("since").textContent = state.since ? clock(Date.now() / 1000 - state.since) : "";
  $("claim").disabled = stage !== "waiting";
  $("hang-up").disabled = stage !== "talking";
  $("give-up").disabled = stage === "scored" || stage === "failed";
  if (state.filed) $("ticket").querySelector("button.main").disabled = true;
  if (stage === "scored" || stage === "failed") events.close();
  if (stage === "scored") location.assign(`/training/result/${state.result}`);
}

// --- what the trainee decides -----------------------------------------------------------

async function move(name) {
  const told = await send(`${at}/${name}`);
  if (told) tell(told);
  return told;
}

async function claim() {
  $("claim").disabled = true;
  await move("claim");
  $("claim").disabled = stage !== "waiting";
}

$("claim").addEventListener("click", claim);
$("hang-up").addEventListener("click", () => move("hang-up"));
$("give-up").addEventListener("click", async () => {
  if (await move("give-up")) location.assign("/training");
});
$("ticket").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.target.querySelector("button.main");
  button.disabled = true;
  const told = await send(event.target.action, new FormData(event.target));
  button.disabled = told !== null;
  if (told) tell(told);
});

const KEYS = {
  KeyJ: () => !$("claim").disabled && claim(),
  KeyH: () => !$("hang-up").disabled && move("hang-up"),
  KeyS: () => $("ticket").requestSubmit(),
};
document.addEventListener("keydown", (event) => {
  if (!event.altKey || event.ctrlKey || event.metaKey || !KEYS[event.code]) return;
  event.preventDefault();
  KEYS[event.code]();
});

// --- the telephone in the browser -------------------------------------------------------

const phone = new BrowserPhone($("sound"), (state, text) => {
  $("phone").dataset.state = state;
  $("phone").textContent = text;
}, () => $("auto-answer").checked);
const wish = $("browser-phone");
wish.checked = localStorage.getItem("browser-phone") !== "off";
wish.addEventListener("change", () => {
  localStorage.setItem("browser-phone", wish.checked ? "on" : "off");
  if (wish.checked) phone.connect();
  else phone.disconnect();
});
if (wish.checked) phone.connect();
else phone.disconnect();
