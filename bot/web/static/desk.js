// The desk: shows what the server pushes, sends what the agent decides. No rule lives here.

import { clock, send, tell } from "./common.js";
import { fillControls, showControls, showParties, startControls } from "./controls.js";
import { BrowserPhone } from "./phone.js";

const $ = (id) => document.getElementById(id);
const call = $("call");
let me = { entry: "", phase: "" };
let said = { entry: "" };

// --- what the server pushes -------------------------------------------------------------

const events = new EventSource("/desk/events");
events.addEventListener("queue", ({ data }) => {
  const focused = document.activeElement?.dataset?.claim;
  $("queue").innerHTML = data;
  if (focused) $("queue").querySelector(`[data-claim="${CSS.escape(focused)}"]`)?.focus();
});
events.addEventListener("controls", ({ data }) => showControls(data));
events.addEventListener("parties", ({ data }) => showParties(data));
events.addEventListener("me", ({ data }) => show(JSON.parse(data)));
events.addEventListener("talk", ({ data }) => { said = JSON.parse(data); showTalk(); });
events.addEventListener("trouble", ({ data }) => {
  $("trouble").textContent = data;
  $("trouble").hidden = !data;
});
events.addEventListener("signed_out", () => location.assign("/login"));
events.onerror = () => { $("trouble").textContent = "连接中断，正在重连……"; $("trouble").hidden = false; };
events.onopen = () => { $("trouble").hidden = true; };

async function show(fresh) {
  const before = me;
  me = fresh;
  $("state").textContent = me.label;
  $("state").dataset.state = me.state;
  $("since").dataset.since = me.since;
  $("since").textContent = me.since ? clock(Date.now() / 1000 - me.since) : "";
  for (const button of document.querySelectorAll("[data-duty]"))
    button.setAttribute("aria-pressed", String(button.dataset.duty === me.duty));
  $("claim").disabled = Boolean(me.entry);
  // With a caller on the line nobody else can be taken.
  $("queue").inert = Boolean(me.entry);
  call.dataset.phase = me.phase;
  if (me.entry === before.entry) return;
  if (!me.entry) {
    call.innerHTML = '<p class="empty">没有来电。上岗后按“接听下一个”。</p>';
    $("claim").focus();
    return;
  }
  const wanted = me.entry;
  const answer = await fetch(`/desk/call/${encodeURIComponent(wanted)}`);
  if (answer.ok && wanted === me.entry) {
    call.innerHTML = await answer.text();
    // More may have been said while the page was on its way.
    showTalk();
    const talk = $("talk")?.closest(".scroll");
    if (talk) talk.scrollTop = talk.scrollHeight;
    fillControls();
  } else if (!answer.ok) tell(await answer.text(), true);
}

// What is new is added at the end, and seen, unless the agent is reading further up.
function showTalk() {
  const talk = $("talk");
  if (!talk || said.entry !== me.entry) return;
  const box = talk.closest(".scroll");
  const below = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  const fresh = document.createElement("template");
  fresh.innerHTML = said.talk;
  const turns = [...fresh.content.querySelectorAll(".turn")];
  if (turns.length < talk.children.length) talk.replaceChildren();
  talk.append(...turns.slice(talk.children.length));
  if (below) box.scrollTop = box.scrollHeight;
  // Nothing moves under the eyes of who reads an answer out, until it is about something else.
  const heard = $("heard");
  if (heard.dataset.best === said.best) return;
  heard.dataset.best = said.best;
  heard.innerHTML = `<h3>刚才说到</h3>${said.heard}`;
}

// --- what the agent decides -------------------------------------------------------------

const phone = new BrowserPhone($("sound"), (state, text) => {
  $("phone").dataset.state = state;
  $("phone").textContent = text;
}, () => $("auto-answer").checked);

async function claim(entry) {
  $("claim").disabled = true;
  const told = await send("/desk/claim", { entry });
  $("claim").disabled = Boolean(me.entry);
  if (told) tell(told);
}

const duty = (state) => send("/desk/duty", { state }).then((told) => told && tell(told));

startControls(() => me.entry);

document.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (!button) return;
  if (button.id === "claim") claim("");
  else if (button.dataset.claim) claim(button.dataset.claim);
  else if (button.dataset.duty) duty(button.dataset.duty);
  else if (button.dataset.sound) listen(button);
});

// --- what the caller said to the bot, to be heard again ---------------------------------

const recording = $("recording");
let listening = null;

async function listen(button) {
  const again = listening === button;
  stopListening();
  if (again) return;
  const answer = await fetch(`/desk/call/${encodeURIComponent(me.entry)}/sound/${button.dataset.sound}`);
  if (!answer.ok) return tell(await answer.text(), true);
  listening = button;
  button.setAttribute("aria-pressed", "true");
  recording.src = URL.createObjectURL(await answer.blob());
  recording.play().catch(stopListening);
}

function stopListening() {
  recording.pause();
  if (recording.src) URL.revokeObjectURL(recording.src);
  recording.removeAttribute("src");
  listening?.setAttribute("aria-pressed", "false");
  listening = null;
}
recording.addEventListener("ended", stopListening);

call.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector("button.main");
  button.disabled = true;
  const answer = await send(form.action, new FormData(form));
  button.disabled = form.id === "ticket" && answer !== null;
  if (answer === null) return;
  if (form.id === "ticket") form.querySelector(".result").innerHTML = answer;
  else tell(answer);
});

call.addEventListener("change", ({ target }) => {
  if (target.name !== "category") return;
  const chosen = target.selectedOptions[0];
  target.form.unit.value = chosen.dataset.unit ?? "";
  if (chosen.dataset.urgency) target.form.urgency.value = chosen.dataset.urgency;
});

// --- keys -------------------------------------------------------------------------------

const KEYS = {
  KeyJ: () => !$("claim").disabled && claim(""),
  KeyO: () => duty("on_duty"),
  KeyB: () => duty("break"),
  KeyL: () => duty("off"),
  KeyT: () => call.querySelector("#ticket select")?.focus(),
  KeyS: () => call.querySelector("#ticket")?.requestSubmit(),
  KeyW: () => {
    const wrap = call.querySelector("#wrap");
    if (wrap?.outcome.value) wrap.requestSubmit();
    else wrap?.outcome.focus();
  },
};
document.addEventListener("keydown", (event) => {
  if (!event.altKey || event.ctrlKey || event.metaKey || !KEYS[event.code]) return;
  event.preventDefault();
  KEYS[event.code]();
});

// --- the telephone in the browser -------------------------------------------------------

const wish = $("browser-phone");
wish.checked = localStorage.getItem("browser-phone") !== "off";
wish.addEventListener("change", () => {
  localStorage.setItem("browser-phone", wish.checked ? "on" : "off");
  if (wish.checked) phone.connect();
  else phone.disconnect();
});
if (wish.checked) phone.connect();
else phone.disconnect();
