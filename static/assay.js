// Small and optional: every page works without it. It copies digests, says times in local words, shows how far an
// upload is, announces what changes, and gives focus back after a part of the page was replaced.
"use strict";
(() => {
  const say = (text) => { const live = document.getElementById("live"); if (live && live.textContent !== text) live.textContent = text; };
  const each = (root, selector, act) => {
    if (root.matches?.(selector)) act(root);
    root.querySelectorAll?.(selector).forEach(act);
  };

  // --- times: local words, the exact UTC moment stays in the title -------------------------------------------------
  const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
  const localTime = (time) => {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.valueOf())) time.textContent = time.dataset.local === "day" ? day.format(at) : `${day.format(at)}, ${clock.format(at)}`;
  };

  // --- digests: a click or Enter copies the whole -------------------------------------------------------------------
  const copyable = (digest) => {
    digest.setAttribute("role", "button");
    digest.tabIndex = 0;
    digest.setAttribute("aria-label", `Copy digest ${digest.textContent.trim().slice(0, 12)}`);
  };
  const copy = async (digest) => {
    const whole = digest.dataset.digest;
    try { await navigator.clipboard.writeText(whole); } catch { getSelection().selectAllChildren(digest); return; }
    digest.dataset.copied = "";
    say(`Copied ${whole.slice(0, 12)}, ${whole.length} characters.`);
    setTimeout(() => delete digest.dataset.copied, 1500);
  };
  document.addEventListener("click", (event) => {
    const digest = event.target.closest?.(".digest[role=button]");
    if (digest) copy(digest);
    document.querySelectorAll("details.person[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });
  document.addEventListener("keydown", (event) => {
    const digest = event.target.closest?.(".digest[role=button]");
    if (digest && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); copy(digest); }
    if (event.key === "Escape") document.querySelectorAll("details.person[open]").forEach((menu) => { menu.open = false; menu.querySelector("summary").focus(); });
  });

  // --- uploads: <form data-upload> with a <progress>; the page that answers is shown in its place ---------------------
  const size = (bytes) => bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
  const show = (answer, address) => {
    const page = new DOMParser().parseFromString(answer, "text/html");
    const main = page.getElementById("main");
    if (!main) { location.reload(); return; }
    document.getElementById("main").replaceWith(document.adoptNode(main));
    document.title = page.title;
    history.replaceState(null, "", address);
    wake(main);
    (main.querySelector("[aria-invalid=true], .said.error") ?? main).focus();
  };
  const upload = (form, submitter) => {
    const running = form.querySelector(".running"), bar = form.querySelector("progress"), words = form.querySelector("[data-upload-words]"), stop = form.querySelector("[data-upload-stop]");
    const body = new FormData(form, submitter), sending = new XMLHttpRequest(), began = performance.now();
    const quiet = (held) => form.querySelectorAll("button:not([data-upload-stop])").forEach((button) => { button.disabled = held; });
    let spoken = -1;
    running.hidden = false; quiet(true);
    sending.upload.addEventListener("progress", ({ loaded, total }) => {
      const share = loaded / total, left = Math.ceil((performance.now() - began) / 1000 * (1 - share) / Math.max(share, 1e-6));
      bar.max = total; bar.value = loaded;
      words.textContent = share < 1 ? `${size(loaded)} of ${size(total)}, ${left} s left` : `${size(total)} sent; it is being checked`;
      if (Math.floor(share * 4) > spoken) { spoken = Math.floor(share * 4); say(words.textContent); }
    });
    sending.addEventListener("load", () => sending.responseURL && sending.responseURL !== form.action ? location.assign(sending.responseURL) : show(sending.responseText, sending.responseURL));
    sending.addEventListener("error", () => { quiet(false); words.textContent = "The connection broke before the file had arrived. Nothing was stored: send it again."; say(words.textContent); });
    sending.addEventListener("abort", () => { quiet(false); running.hidden = true; say("The upload was stopped. Nothing was stored."); });
    stop?.addEventListener("click", () => sending.abort(), { once: true });
    sending.open("POST", form.action);
    sending.send(body);
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-upload]")) { event.preventDefault(); upload(form, event.submitter); return; }
    if (form.method === "post" && !form.matches("[hx-post]")) { // a second press sends nothing twice
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "yes";
    }
  });
  addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

  // --- parts that replace themselves: focus comes back, and what changed is said ----------------------------------------
  let held = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    const at = document.activeElement;
    held = at && at !== document.body && event.detail.target.contains(at) ? { id: at.id, name: at.name, target: event.detail.target.id } : null;
    // a refusal is an answer too: show it
    if ([400, 403, 404, 409, 422].includes(event.detail.xhr.status)) { event.detail.shouldSwap = true; event.detail.isError = false; }
  });
  document.addEventListener("htmx:afterSettle", () => {
    if (!held || (document.activeElement && document.activeElement !== document.body)) return;
    const target = document.getElementById(held.target) ?? document.getElementById("main");
    const back = target.querySelector("[aria-invalid=true]") ?? (held.id && document.getElementById(held.id)) ?? (held.name && target.querySelector(`[name="${CSS.escape(held.name)}"]`)) ?? target;
    if (back === target) target.tabIndex = -1;
    back.focus();
    held = null;
  });
  document.addEventListener("htmx:sendError", () => say("The portal does not answer. This page tries again by itself."));

  const wake = (root) => {
    each(root, "time[data-local]", localTime);
    each(root, ".digest[data-digest]", copyable);
    each(root, ".log[data-follow]", (log) => { log.scrollTop = log.scrollHeight; });
    each(root, "[data-say]", (part) => say(part.dataset.say));
  };
  document.addEventListener("htmx:load", (event) => wake(event.detail.elt));
  document.addEventListener("DOMContentLoaded", () => { wake(document); document.querySelector(".said.error[tabindex], [aria-invalid=true]")?.focus(); });
})();
