// Live parts, keyboard arrows, and a confirmation before what cannot be undone. Every page works without this file.
"use strict";

const main = document.getElementById("main");
const liveParts = document.querySelectorAll("[data-live]");
const refreshes = main && main.dataset.refresh;

if ((liveParts.length > 0 || refreshes) && "EventSource" in window) {
  const stream = new EventSource("/live");
  liveParts.forEach(part => stream.addEventListener(part.dataset.live, event => replace(part, event.data)));
  if (refreshes) stream.addEventListener("changed", event => refreshIfNew(event.data));
  window.addEventListener("pagehide", () => stream.close());
}

// The server escapes everything it renders; only elements it sent itself come in here.
function replace(part, html) {
  const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  part.innerHTML = html;
  if (focused) part.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
}

// The stream says first how things stand, after every reconnection too. The page may be older than that: it is compared once,
// then after every change.
let known = null;
function refreshIfNew(state) {
  if (state === known) return;
  known = state;
  refreshSoon();
}

let pending = 0;
function refreshSoon() {
  if (!pending) pending = setTimeout(refresh, 1500);
}

let shown = main && contentOf(main);
async function refresh() {
  pending = 0;
  // Somebody is typing or choosing: their input matters more than fresh numbers.
  if (main.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")) { refreshSoon(); return; }
  if (main.querySelector("input[type=checkbox]:checked, details[open] form")) { refreshSoon(); return; }
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
    if (!fresh || contentOf(fresh) === shown) return;
    shown = contentOf(fresh);
    main.replaceChildren(...fresh.childNodes);
  } catch { /* The next change tries again. */ }
}

// As the server sent it, without the tokens of its forms, which differ each time.
function contentOf(element) {
  return element.innerHTML.replace(/(name="__RequestVerificationToken"[^>]* value=)"[^"]*"/g, "$1");
}

document.addEventListener("keydown", event => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.matches("input, select, textarea")) return;
  const rel = { ArrowLeft: "prev", ArrowRight: "next", Escape: "up" }[event.key];
  const link = rel && document.querySelector(`a[rel="${rel}"]`);
  if (link) { event.preventDefault(); link.click(); }
});

document.addEventListener("submit", event => {
  const question = event.submitter?.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

document.addEventListener("change", event => {
  if (event.target.matches("[data-check-all]")) document.querySelectorAll("input[name=ids]").forEach(box => { box.checked = event.target.checked; });
});
