// What all pages' scripts share: sending forms, telling the outcome, running clocks.

const token = document.querySelector("meta[name=csrf]").content;
const toast = document.getElementById("toast");
let hiding;

export function tell(text, wrong = false) {
  toast.textContent = text;
  toast.className = wrong ? "shown wrong" : "shown";
  clearTimeout(hiding);
  hiding = setTimeout(() => { toast.className = ""; }, 6000);
}

// Send a form's fields; return the answer's text. A refusal is told, and gives null.
export async function send(url, fields = {}) {
  try {
    const body = fields instanceof FormData ? new URLSearchParams(fields) : new URLSearchParams(fields);
    const answer = await fetch(url, { method: "POST", body, headers: { "X-CSRF-Token": token } });
    const text = await answer.text();
    if (answer.ok) return text;
    if (answer.status === 401) location.assign("/login");
    tell(text.slice(0, 200), true);
  } catch {
    tell("网络不通，请稍后再试。", true);
  }
  return null;
}

export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

// Elements that say since when they count are kept running here; the server need not send.
setInterval(() => {
  for (const one of document.querySelectorAll("[data-since]")) {
    const since = Number(one.dataset.since);
    one.textContent = since ? clock(Date.now() / 1000 - since) : "";
  }
}, 1000);
