// Signing in over a page whose session has ended: what was typed there stays.
import { h, icon, t } from "../core.ts";

interface Me { id: string; csrf: string }

/** Ask for the password until the session is there again; false when cancelled. */
export function relogin(): Promise<boolean> {
  return new Promise((resolve) => {
    const user = document.body.dataset.user ?? "";
    const email = h("input", { class: "input", id: "relogin-email", type: "email", autocomplete: "username", required: true, value: document.body.dataset.email ?? "" });
    const password = h("input", { class: "input", id: "relogin-password", type: "password", autocomplete: "current-password", required: true });
    const problem = h("p", { class: "notice bad", role: "alert", hidden: true });
    const cancel = h("button", { class: "btn", type: "button" }, t("Cancel"));
    const form = h("form", {}, h("h2", { id: "relogin-title" }, t("Sign in again")), h("p", {}, t("Your session has ended. What you typed is still here.")), problem,
      h("div", { class: "field" }, h("label", { for: "relogin-email" }, t("E-mail")), email),
      h("div", { class: "field" }, h("label", { for: "relogin-password" }, t("Password")), password),
      h("div", { class: "buttons" }, cancel, h("button", { class: "btn primary" }, t("Sign in"))));
    const dialog = h("dialog", { class: "dialog", id: "relogin", "aria-labelledby": "relogin-title" }, form);
    const before = document.activeElement;
    let signed = false;
    const say = (text: string) => {
      problem.replaceChildren(icon("circle-alert"), text);
      problem.hidden = false;
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void enter(email.value, password.value).then((me) => {
        if (user && me.id !== user) {
          // Somebody else: this page shows what the other person may see.
          location.assign("/");
          return;
        }
        adopt(me.csrf);
        signed = true;
        dialog.close();
      }, (error: Error) => {
        say(error.message);
        password.select();
      });
    });
    cancel.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (before instanceof HTMLElement) before.focus();
      resolve(signed);
    });
    document.body.append(dialog);
    dialog.showModal();
    (email.value ? password : email).focus();
  });
}

async function enter(email: string, password: string): Promise<Me> {
  let response: Response;
  try {
    response = await fetch("/api/v1/session", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ email, password }) });
  } catch {
    throw new Error(t("The server cannot be reached."));
  }
  const found = (await response.json().catch(() => ({}))) as Me & { title?: string };
  if (response.ok) return found;
  throw new Error(response.status === 401 ? t("E-mail or password is not right.") : found.title ?? t("Something went wrong."));
}

/** The new session has a token of its own, which all forms of the page must send. */
function adopt(csrf: string): void {
  const meta = document.querySelector<HTMLMetaElement>("meta[name=csrf-token]");
  if (meta) meta.content = csrf;
  for (const input of document.querySelectorAll<HTMLInputElement>("input[name=_csrf]")) input.value = csrf;
}
