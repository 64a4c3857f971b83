// The list's live rows and the reader's own time of day. Everything can be read without this script.
"use strict";
(() => {
  const MAX_ROWS = 500;
  const REFRESH_MS = 2000;
  const byId = (id) => document.getElementById(id);
  let source = null;      // the open EventSource, and the address it was opened with
  let address = "";
  let paused = false;
  let missed = 0;         // calls that came while paused
  let waiting = [];       // rows that came since the last frame
  let grown = 0;          // rows added since the list was loaded
  let refreshing = false; // the sums are being asked for, or were a moment ago …
  let stale = false;      // … and calls came since

  document.documentElement.classList.add("js");

  function localTimes(root) {
    for (const element of root.querySelectorAll("time[datetime]:not([data-local])")) {
      const moment = new Date(element.dateTime);
      if (Number.isNaN(moment.getTime())) continue;
      element.dataset.local = "";
      element.title = element.title || element.textContent;
      const today = moment.toDateString() === new Date().toDateString();
      if ("full" in element.dataset) element.textContent = moment.toLocaleString();
      else if (today) element.textContent = moment.toLocaleTimeString([], { hour12: false });
      else element.textContent = moment.toLocaleDateString([], { day: "numeric", month: "short" }) + " "
        + moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
    }
  }

  function say(state, text) {
    const place = byId("live");
    if (!place) return;
    place.hidden = false;
    place.dataset.state = state;
    byId("live-text").textContent = text;
  }

  function reload() {
    grown = 0;
    window.htmx.ajax("GET", location.href, { target: "#board", select: "#board", swap: "outerHTML" });
  }

  function refreshTotals() {
    const board = byId("board");
    if (!board || !board.dataset.totals) return;
    if (refreshing) { stale = true; return; }
    refreshing = true;
    stale = false;
    const started = performance.now();
    window.htmx.ajax("GET", board.dataset.totals, { target: "#totals", swap: "outerHTML" }).finally(() => {
      // A slow answer means a large store: ask it less often.
      const rest = Math.max(REFRESH_MS, 5 * (performance.now() - started));
      setTimeout(() => { refreshing = false; if (stale) refreshTotals(); }, rest);
    });
  }

  const startOf = (row) => Date.parse(row.querySelector("time").dateTime);

  // Newest first by when calls began: one that took long comes late, and stands where a new page would have it.
  function insert(rows, row) {
    const began = startOf(row);
    let next = rows.firstElementChild;
    while (next && startOf(next) > began) next = next.nextElementSibling;
    if (!next && document.querySelector("#more [hx-get]")) return false;  // it is further down, behind the link
    rows.insertBefore(row, next);
    return true;
  }

  function showWaiting() {
    const board = byId("board");
    const rows = byId("rows");
    const fresh = waiting;
    waiting = [];
    if (!board || board.dataset.live !== address) return;  // for the list before this one; its own stream is coming
    if (!rows) { reload(); return; }
    let added = 0;
    for (const html of fresh) {
      const template = document.createElement("template");
      template.innerHTML = html;
      const row = template.content.querySelector("tr");
      if (!row || byId(row.id)) continue;
      localTimes(row);
      row.classList.add("fresh");
      if (insert(rows, row)) added += 1;
    }
    grown += added;
    if (grown > MAX_ROWS) reload();  // a fresh first page, before the list outgrows the browser
    else if (added) refreshTotals();
  }

  function onRow(event) {
    if (byId(`x-${event.lastEventId}`)) return;
    if (paused) {
      missed += 1;
      say("paused", `${missed} new`);
      return;
    }
    if (waiting.push(event.data) === 1) setTimeout(showWaiting, 50);
    if (waiting.length > MAX_ROWS) waiting.shift();
  }

  function close() {
    if (source) source.close();
    source = null;
    waiting = [];
    address = "";
  }

  function connect() {
    const board = byId("board");
    const wanted = board && board.dataset.live;
    if (!wanted) { close(); const place = byId("live"); if (place) place.hidden = true; return; }
    if (source && address === wanted) return;
    close();
    address = wanted;
    source = new EventSource(wanted);
    source.addEventListener("hello", () => {
      say(paused ? "paused" : "on", paused ? "paused" : "live");
    });
    source.addEventListener("exchange", onRow);
    source.addEventListener("error", () => {
      say("off", "reconnecting");
      // A refusal closes for good; a lost line the browser reopens by itself.
      if (source && source.readyState === EventSource.CLOSED) { close(); setTimeout(connect, 3000); }
    });
  }

  function onPause(event) {
    paused = !paused;
    event.currentTarget.setAttribute("aria-pressed", String(paused));
    event.currentTarget.textContent = paused ? "Resume" : "Pause";
    say(paused ? "paused" : "on", paused ? "paused" : "live");
    if (!paused && missed) { missed = 0; reload(); }
  }

  // On a narrow screen the sections are a row, wider than the screen: the one that is open must be in sight.
  function showSection() {
    const here = document.querySelector(".sections [aria-current]");
    const row = here && here.closest(".sections");
    if (row) row.scrollLeft = here.offsetLeft - (row.clientWidth - here.offsetWidth) / 2;
  }

  // A link to a finding or a call opens the folds it is in.
  function unfold() {
    const target = location.hash && byId(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    target.scrollIntoView({ block: "center" });
  }

  document.addEventListener("htmx:configRequest", (event) => {
    const { parameters } = event.detail;
    for (const name of Object.keys(parameters)) if (parameters[name] === "") delete parameters[name];
    if (parameters.period === "7d") delete parameters.period;
  });
  // A session that is over answers with the form to sign in: that is a page, and no part of this one.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    if (!xhr.responseURL || new URL(xhr.responseURL).pathname !== "/signin") return;
    event.detail.shouldSwap = false;
    location.reload();
  });
  document.addEventListener("htmx:afterSettle", () => { localTimes(document); connect(); });
  window.addEventListener("hashchange", unfold);
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
  const pause = byId("live-pause");
  if (pause) pause.addEventListener("click", onPause);
  localTimes(document);
  showSection();
  unfold();
  connect();
})();
