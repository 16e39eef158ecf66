// Own manners around Streamlit's page: own words for its fixed English ones, buttons that lock while a run goes on,
// what is said when the line is cut, the warning before the session ends, and the lock of a shared desk.
// Loaded before Streamlit's own script; its words come from the page (data-words), so that no text stands here.
"use strict";
(() => {
  const root = document.documentElement;
  const words = JSON.parse(root.dataset.words || "{}");
  const english = words.english || {};
  const patterns = Object.entries(english).filter(([text]) => text.includes("*")).map(([text, own]) => [...text.split("*"), own]);

  // One address for everything: without this Streamlit also asks below the page's own path (/plan/_stcore/…).
  window.__streamlit = {
    BACKEND_BASE_URL: location.origin,
    MAIN_PAGE_BASE_URL: location.origin,
    HOST_CONFIG: { allowedOrigins: [location.origin], useExternalAuthToken: false, blockErrorDialogs: true },
  };

  // ---- own words ------------------------------------------------------------------------------------------------
  const ATTRIBUTES = ["aria-label", "title", "placeholder"];
  const translated = (text) => {
    const bare = text.trim();
    if (Object.hasOwn(english, bare)) return english[bare];
    const found = patterns.find(([start, end]) => bare.startsWith(start) && bare.endsWith(end));
    return found ? found[2].replace("{}", bare.slice(found[0].length, bare.length - found[1].length)) : null;
  };
  const isOurs = (element) => element.closest(".stHtml, .stMarkdown, #rt-notes") !== null;
  const speak = (element) => {
    for (const name of ATTRIBUTES) {
      const text = element.getAttribute(name);
      const own = text && translated(text);
      if (own && own !== text) element.setAttribute(name, own);
    }
    for (const child of element.childNodes) {
      if (child.nodeType !== Node.TEXT_NODE || !child.data.trim()) continue;
      const own = translated(child.data);
      if (own && own !== child.data && !isOurs(element)) child.data = own;
    }
  };
  const speakAll = (element) => {
    speak(element);
    element.querySelectorAll("*").forEach(speak);
  };

  // ---- what is going on ---------------------------------------------------------------------------------------
  const app = () => document.querySelector('[data-testid="stApp"]');
  const state = (name) => app()?.getAttribute(name) ?? "";
  const isRunning = () => state("data-test-script-state") !== "notRunning";
  const isConnected = () => state("data-test-connection-state") === "CONNECTED";
  let busySince = 0, offlineSince = 0, wasConnected = false, lastGood = "", started = Date.now();
  let typedIn = null, typedAt = 0, runFrom = 0, isHandLost = false;

  const note = (id, text, act) => {
    let box = document.getElementById(id);
    if (!text) { if (box) box.hidden = true; return; }
    if (!box) {
      let notes = document.getElementById("rt-notes");
      if (!notes) {
        notes = document.createElement("div");
        notes.id = "rt-notes";
        notes.setAttribute("role", "status");
        document.body.append(notes);
      }
      box = document.createElement("p");
      box.id = id;
      const span = document.createElement("span");
      box.append(span);
      if (act) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = act.text;
        button.addEventListener("click", act.run);
        box.append(button);
      }
      notes.append(box);
    }
    box.hidden = false;
    if (box.firstChild.textContent !== text) box.firstChild.textContent = text;
  };

  const ACTS = '[data-testid="stButton"] button, [data-testid="stFormSubmitButton"] button';
  const guardClicks = (event) => {
    const button = event.target instanceof Element ? event.target.closest(ACTS) : null;
    if (!button) return;
    if (event.type.startsWith("key") && event.key !== "Enter" && event.key !== " ") return;
    if (root.hasAttribute("data-rt-busy")) {
      event.preventDefault();
      event.stopImmediatePropagation();
    } else if (event.type === "click" && !button.disabled) {
      busySince = Date.now();
      root.setAttribute("data-rt-busy", "");
    }
  };
  for (const type of ["pointerdown", "pointerup", "mousedown", "mouseup", "click", "keydown", "keyup"]) {
    window.addEventListener(type, guardClicks, true);
  }
  // Streamlit's own single keys (run again, clear caches) open English dialogs that are for programmers.
  window.addEventListener("keydown", (event) => {
    const isTyping = event.target instanceof Element && event.target.closest("input, textarea, [contenteditable]");
    if ("rRcC".includes(event.key) && !event.altKey && !event.ctrlKey && !event.metaKey && !isTyping) {
      event.stopImmediatePropagation();
    }
  }, true);

  const clockOf = (frame) => {
    const place = frame.querySelector(".rt-now");
    if (!place) return "";
    if (place.dataset.drawn !== place.dataset.at) { place.dataset.drawn = place.dataset.at; place.rtDrawn = Date.now(); }
    const minutes = Math.floor((Date.now() - (place.rtDrawn ?? Date.now())) / 60000);
    const [hour, minute] = place.dataset.at.split(":").map(Number);
    const now = (hour * 60 + minute + minutes) % 1440;
    const text = `${String(Math.floor(now / 60)).padStart(2, "0")}:${String(now % 60).padStart(2, "0")}`;
    const shown = place.querySelector("time");
    if (shown && shown.textContent !== text) shown.textContent = text;
    return text;
  };

  // The menu's list holds groups between list and items, which no reader understands: its links alone are enough.
  // The file chooser's button has lost its English word and needs its own name. A wide table scrolls by key.
  const mend = () => {
    document.querySelectorAll('[data-testid="stSidebarNavItems"]:not([role]), [data-testid="stSidebarNavItems"] li:not([role])')
      .forEach((element) => element.setAttribute("role", "none"));
    document.querySelectorAll('[data-testid="stFileUploaderDropzone"] button:not([aria-label])')
      .forEach((element) => element.setAttribute("aria-label", words.choose));
    document.querySelectorAll(".rt-scroll").forEach((element) => {
      const isWide = element.scrollWidth > element.clientWidth;
      if (isWide === element.hasAttribute("tabindex")) return;
      if (!isWide) { for (const name of ["tabindex", "role", "aria-label"]) element.removeAttribute(name); return; }
      const named = element.querySelector("caption") ?? element.querySelector("thead");
      element.tabIndex = 0;
      element.setAttribute("role", "region");
      element.setAttribute("aria-label", (named?.innerText ?? "").replace(/\s+/g, " ").trim().slice(0, 120));
    });
    const search = searches()[0];
    if (search && !search.hasAttribute("aria-keyshortcuts")) {
      search.setAttribute("aria-keyshortcuts", "Alt+B");
      search.placeholder = search.placeholder || "Alt + B";
    }
    document.querySelectorAll(".rt-frame a[data-new]:not([target])").forEach((element) => { element.target = "_blank"; });
  };

  const look = () => {
    mend();
    const age = Date.now() - busySince;
    if (root.hasAttribute("data-rt-busy") && !isRunning() && age > 300) root.removeAttribute("data-rt-busy");
    const isSlow = root.hasAttribute("data-rt-busy") ? age > 2000 : isRunning() && Date.now() - started > 2000;
    root.toggleAttribute("data-rt-slow", isSlow);
    note("rt-slow", isSlow ? words.slow : "");
    if (!isRunning()) started = Date.now();
    const frame = document.querySelector(".rt-frame");
    const at = frame ? clockOf(frame) : "";
    if (isConnected()) { wasConnected = true; offlineSince = 0; lastGood = at || lastGood; } else if (!offlineSince) {
      offlineSince = Date.now();
    }
    const isCut = !navigator.onLine || (wasConnected && offlineSince && Date.now() - offlineSince > 1500);
    note("rt-offline", !isCut ? "" : typedIn ? words.unsaved : words.offline.replace("{t}", lastGood));
    // A cut takes the field from under the hands: once the line is back the keyboard is where it was.
    if (isCut && typedIn) isHandLost = true;
    if (!isCut && isHandLost && !typedIn?.disabled) { isHandLost = false; typedIn?.focus(); }
    sayUnsaved();
    // Another window of the same user chose another language.
    if (frame?.dataset.lang && frame.dataset.lang !== root.lang && Date.now() - performance.timeOrigin > 5000) {
      location.reload();
    }
  };
  setInterval(look, 200);

  // What is typed is not saved until a run that began after the last letter is over, or the field is as it was before.
  const sayUnsaved = () => {
    const saved = document.querySelector(".rt-frame .rt-saved[data-unsaved]");
    if (!saved || Boolean(typedIn) === (saved.dataset.was !== undefined)) return;
    if (typedIn) { saved.dataset.was = saved.textContent; saved.textContent = saved.dataset.unsaved; return; }
    if (saved.textContent === saved.dataset.unsaved) saved.textContent = saved.dataset.was;
    delete saved.dataset.was;
  };
  window.addEventListener("focusin", (event) => {
    if (event.target !== typedIn && event.target instanceof HTMLInputElement) event.target.rtBefore = event.target.value;
  }, true);
  window.addEventListener("input", (event) => {
    const field = event.target instanceof Element ? event.target.closest('[data-testid="stMain"] :is(input, textarea)') : null;
    if (!field || field.closest('[class*="search"]')) return;
    typedIn = field;
    typedAt = Date.now();
    sayUnsaved();
  }, true);
  window.addEventListener("focusout", (event) => {
    const field = event.target;
    if (field === typedIn) setTimeout(() => {
      if (field === typedIn && isConnected() && runFrom < typedAt && field.value === field.rtBefore) typedIn = null;
      sayUnsaved();
    }, 500);
  }, true);

  // ---- the keyboard goes on ---------------------------------------------------------------------------------------
  // Where a form moves on to its next step, the first field of that step has the keyboard.
  // The cross that empties a list is reached by Delete in the list itself: it costs no key on the way to the next field.
  const passCrosses = () => {
    document.querySelectorAll('[data-testid="stSelectbox"] button').forEach((each) => { each.tabIndex = -1; });
  };
  window.addEventListener("keydown", (event) => { if (event.key === "Tab") passCrosses(); }, true);
  // Whoever types in a list and goes on with Tab chooses the match that is marked; Streamlit alone would forget it.
  // A run that ends meanwhile takes the mark off: it is put back before Streamlit hears the key.
  window.addEventListener("keydown", (event) => {
    const list = event.target instanceof Element ? event.target.closest('input[role="combobox"]') : null;
    if (!list || !event.isTrusted || (event.key !== "Enter" && event.key !== "Tab")) return;
    if (!list.value || list.getAttribute("aria-expanded") !== "true") return;
    const send = (key) => list.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    if (!list.getAttribute("aria-activedescendant")) send("ArrowDown");
    if (event.key === "Tab" && !event.shiftKey) queueMicrotask(() => { send("Enter"); queueMicrotask(passCrosses); });
  }, true);
  // A shortcut pressed in a field acts on what stands there: Streamlit sends a text only when its field is left.
  window.addEventListener("keydown", (event) => {
    const field = document.activeElement;
    if (!event.altKey || event.ctrlKey || event.metaKey || event.key.length !== 1) return;
    if (!field?.matches('input:not([role="combobox"]), textarea')) return;
    field.blur();
    setTimeout(() => { if (field.isConnected && document.activeElement === document.body) field.focus(); });
  }, true);
  let lastStep = "", stepSince = 0;
  setInterval(() => {
    const step = document.querySelector('[class*="st-key-focus-"]');
    const name = step ? [...step.classList].find((each) => each.startsWith("st-key-focus-")) : "";
    const isDrawing = isRunning() || step?.querySelector('[data-testid="stSkeleton"]');
    if (name === lastStep || isDrawing) { stepSince = 0; return; }
    stepSince = stepSince || Date.now();
    if (Date.now() - stepSince < 250) return;  // Streamlit draws for a moment after the run has ended.
    lastStep = name;
    const isTyping = document.activeElement?.matches("input, textarea") && step?.contains(document.activeElement);
    if (!step || isTyping) return;
    // Where a fault was clicked its own field, whose key ends with what stands behind "-at-".
    const wanted = name.split("-at-")[1];
    const own = wanted && [...step.querySelectorAll('[class*="st-key-"]')]
      .find((each) => [...each.classList].some((text) => text.startsWith("st-key-") && text.endsWith("-" + wanted)));
    const fields = [...(own || step).querySelectorAll("input:not([disabled]), textarea")];
    fields.find((each) => each.offsetParent && !each.closest("details:not([open])"))?.focus();
  }, 100);

  // Streamlit gives keys to buttons only: Alt+B goes to the page's search field, which says so while it is empty.
  const searches = () => [...document.querySelectorAll('[class*="search"][class*="st-key-"] input')].filter((each) => each.offsetParent);
  window.addEventListener("keydown", (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || event.code !== "KeyB" || !searches().length) return;
    event.preventDefault();
    searches()[0].focus();
    searches()[0].select();
  }, true);

  // ---- the end of the session -----------------------------------------------------------------------------------
  const blank = () => root.setAttribute("data-rt-blank", "");
  const leave = () => {
    blank();
    location.replace("/login?next=" + encodeURIComponent(location.pathname + location.search));
  };
  const stay = async (method) => {
    try {
      const answer = await fetch("/session", { method, cache: "no-store" });
      if (answer.status === 401) { leave(); await new Promise(() => {}); }
      const left = (await answer.json()).left;
      note("rt-ending", left <= 150 ? words.ending.replace("{n}", Math.max(1, Math.ceil(left / 60))) : "",
        { text: words.stay, run: () => stay("POST") });
    } catch { /* The line is cut: that is said by the note above, and asked again in a minute. */ }
  };
  setInterval(() => stay("GET"), 60000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) stay("GET"); });
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  // Other windows of the same browser go dark at once, and ask whether the session is really over.
  const others = new BroadcastChannel("retorno");
  others.addEventListener("message", () => {
    blank();
    setTimeout(async () => { await stay("GET"); root.removeAttribute("data-rt-blank"); }, 1500);
  });
  document.addEventListener("submit", (event) => {
    const target = event.target instanceof Element ? event.target.getAttribute("action") : "";
    if (target !== "/lock" && target !== "/logout") return;
    blank();
    others.postMessage("left");
  }, true);

  // ---- start ------------------------------------------------------------------------------------------------------
  document.addEventListener("DOMContentLoaded", () => {
    new MutationObserver((changes) => {
      for (const change of changes) {
        if (change.type === "attributes") speak(change.target);
        else if (change.type === "characterData") { if (change.target.parentElement) speak(change.target.parentElement); }
        else change.addedNodes.forEach((node) => {
          if (node.nodeType === Node.ELEMENT_NODE) speakAll(node);
          else if (node.parentElement) speak(node.parentElement);
        });
      }
    }).observe(document.body, {
      subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ATTRIBUTES,
    });
    new MutationObserver(() => {
      if (isRunning()) runFrom = runFrom || Date.now();
      else { if (runFrom > typedAt) typedIn = null; runFrom = 0; sayUnsaved(); }
    }).observe(document.body, { subtree: true, attributes: true, attributeFilter: ["data-test-script-state"] });
  });
})();
