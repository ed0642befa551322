// Passkeys: <form data-passkey="where the question is asked">. When the form is sent without a code, the question is
// fetched, the device answers it, and the form goes with the answer. With data-passkey-new the device becomes a passkey.
"use strict";
(() => {
  const able = Boolean(window.PublicKeyCredential && navigator.credentials);
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const named = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

  const question = async (form) => {
    const about = new FormData(form);
    ["password", "code", "passkey", "credential"].forEach((name) => about.delete(name));
    const answer = await fetch(form.dataset.passkey, { method: "POST", body: about, headers: { Accept: "application/json" } });
    const said = answer.headers.get("Content-Type")?.startsWith("application/json") ? await answer.json() : {};
    if (!said.publicKey) throw new Error(said.detail ?? "The portal did not ask your passkey. Reload this page, and try again.");
    return said.publicKey;
  };
  const answered = async (form) => {
    const asked = await question(form);
    asked.challenge = bytes(asked.challenge);
    if ("passkeyNew" in form.dataset) {
      const { rawId, type, response } = await navigator.credentials.create({ publicKey: {
        ...asked, user: { ...asked.user, id: bytes(asked.user.id) }, excludeCredentials: named(asked.excludeCredentials) } });
      return { rawId: text(rawId), type, response: { clientDataJSON: text(response.clientDataJSON), attestationObject: text(response.attestationObject) } };
    }
    const { rawId, type, response } = await navigator.credentials.get({ publicKey: { ...asked, allowCredentials: named(asked.allowCredentials) } });
    return { rawId: text(rawId), type, response: {
      clientDataJSON: text(response.clientDataJSON), authenticatorData: text(response.authenticatorData),
      signature: text(response.signature), ...(response.userHandle ? { userHandle: text(response.userHandle) } : {}) } };
  };
  const reason = (error) => ({
    NotAllowedError: "Your device gave no answer in time, or it was told not to. Nothing was sent: try again.",
    InvalidStateError: "This device is one of your passkeys already.",
    SecurityError: "This browser lets no passkey answer at this address.",
  })[error.name] ?? error.message;

  document.addEventListener("submit", async (event) => {
    const form = event.target, field = form.querySelector("[data-passkey-answer]");
    if (!able || !field || !("passkey" in form.dataset) || field.value || form.elements.code?.value) return;
    event.preventDefault();
    event.stopPropagation(); // what else listens hears of the form when it goes
    if (form.dataset.asking) return;
    const words = form.querySelector("[data-passkey-words]"), submitter = event.submitter;
    form.dataset.asking = "yes";
    words.textContent = "Your device asks you now.";
    try {
      field.value = JSON.stringify(await answered(form));
      words.textContent = "";
      form.requestSubmit(submitter);
    } catch (error) {
      words.textContent = reason(error);
    } finally {
      delete form.dataset.asking;
    }
  }, true);

  const wake = (root) => able && root.querySelectorAll("form[data-passkey][hidden]").forEach((form) => { form.hidden = false; });
  addEventListener("pageshow", () => document.querySelectorAll("[data-passkey-answer]").forEach((field) => { field.value = ""; }));
  document.addEventListener("DOMContentLoaded", () => wake(document));
})();
