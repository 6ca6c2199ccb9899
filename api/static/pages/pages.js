// What a keyboard and a clipboard add. Every page does its work without this file.
(() => {
  "use strict";

  const typing = (element) => element.closest("input, textarea, select, [contenteditable]");

  // Copy buttons: <button hidden data-copy="id-of-what-is-copied">Copy</button>
  const offerCopies = (root) => {
    if (!navigator.clipboard) return;
    root.querySelectorAll("[data-copy]").forEach((button) => { button.hidden = false; });
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    if (!source) return;
    const label = button.textContent;
    try {
      await navigator.clipboard.writeText(source.value ?? source.textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select and copy by hand";
    }
    setTimeout(() => { button.textContent = label; }, 1500);
  });

  // What only a script can offer: <button hidden data-print>Print</button>
  document.querySelectorAll("[data-print]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  });

  // Rows: j and k choose, Enter opens what the row's first link leads to.
  const rows = () => [...document.querySelectorAll("tbody tr")].filter((row) => row.querySelector("a"));
  const choose = (step) => {
    const all = rows();
    if (!all.length) return;
    const now = all.findIndex((row) => row.classList.contains("chosen"));
    const next = Math.min(all.length - 1, Math.max(0, now + step));
    all.forEach((row) => row.classList.remove("chosen"));
    all[next].classList.add("chosen");
    all[next].querySelector("a").focus();
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === "/") {
      const search = document.getElementById("search");
      if (search) { event.preventDefault(); search.focus(); search.select(); }
    } else if (event.key === "j") choose(1);
    else if (event.key === "k") choose(-1);
    else if (event.key === "?") {
      const dialog = document.getElementById("shortcuts");
      if (dialog && !dialog.open) dialog.showModal();
    }
  });

  // A form is sent once; what it does is idempotent in any case.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    setTimeout(() => form.querySelectorAll("button").forEach((button) => { button.disabled = true; }), 0);
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => {
      delete form.dataset.sent;
      form.querySelectorAll("button").forEach((button) => { button.disabled = false; });
    });
  });

  // "3 min ago" goes on while the page is open.
  const STEPS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const span = (seconds) => {
    if (seconds < 10) return `${seconds.toFixed(1)} s`;
    const [size, unit] = STEPS.find(([least]) => seconds >= least);
    return `${Math.round(seconds / size)} ${unit}`;
  };
  const passed = { ago: (told) => `${told} ago`, due: (told) => `due for ${told}`, for: (told) => `for ${told}` };
  const age = () => {
    document.querySelectorAll("[data-moment]").forEach((element) => {
      const way = element.dataset.moment;
      const seconds = (Date.parse(element.closest("time").dateTime) - Date.now()) / 1000;
      if (Math.abs(seconds) < 1) element.textContent = way === "due" ? "due now" : "now";
      else element.textContent = seconds > 0 ? `in ${span(seconds)}` : passed[way](span(-seconds));
    });
  };
  setInterval(age, 5000);

  // A live list holds still while it is in use, and says so when what is new cannot be had.
  const live = (event) => event.target.closest?.("[data-live]");
  const failed = (is) => {
    const note = document.getElementById("load-failed");
    if (note) note.hidden = !is;
  };
  const inUse = (list) => {
    const selection = document.getSelection();
    const selecting = selection && !selection.isCollapsed && list.contains(selection.anchorNode);
    return selecting || list.contains(document.activeElement);
  };
  document.addEventListener("htmx:beforeRequest", (event) => {
    const list = live(event);
    if (list && inUse(list)) event.preventDefault();
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const list = live(event);
    if (!list) return;
    // A login page, say, has no such list.
    const whole = event.detail.serverResponse.includes('id="rows"');
    failed(!whole);
    if (!whole || inUse(list)) event.detail.shouldSwap = false;
  });
  ["htmx:responseError", "htmx:sendError", "htmx:timeout"].forEach((name) => {
    document.addEventListener(name, (event) => { if (live(event)) failed(true); });
  });

  offerCopies(document);
  document.addEventListener("htmx:load", (event) => offerCopies(event.target));
})();
