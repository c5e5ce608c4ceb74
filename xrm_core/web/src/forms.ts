// Forms: Ctrl+Enter sends, nothing is sent twice, moves ask for their reason, drafts of notes survive a crash.
import { wireConditions } from "./conditions.ts";
import { ask, askReason, csrf, did, h, icon, send as post, t, toast } from "./core.ts";

export function wireForms(): void {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    const form = (event.target as Element).closest?.<HTMLFormElement>("form[data-form]");
    if (!form) return;
    event.preventDefault();
    form.requestSubmit(form.querySelector<HTMLButtonElement>("button[data-submit], .btn.primary"));
  });
  document.addEventListener("submit", (event) => void submit(event as SubmitEvent));
  addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => form.removeAttribute("data-sent")));
  wireFragment(document);
  tell();
  document.addEventListener("change", (event) => {
    const input = event.target as Element;
    if (input.matches("input[data-upload]")) void upload(input as HTMLInputElement);
    // The record that stays keeps its own values, unless another one is chosen afterwards.
    if (input.matches("form[data-undoable] input[name=keep]")) for (const pick of document.querySelectorAll<HTMLInputElement>(`form[data-undoable] input[name^="pick."][value="${(input as HTMLInputElement).value}"]`)) pick.checked = true;
  });
  let changed = false;
  document.querySelector("form[data-form]")?.addEventListener("input", () => { changed = true; });
  addEventListener("beforeunload", (event) => {
    if (changed && !document.querySelector("form[data-form][data-sent]")) event.preventDefault();
  });
  document.querySelector<HTMLElement>("form[data-form] [role=alert]")?.focus();
  const form = document.querySelector<HTMLFormElement>("form[data-form]:has([data-conditional])");
  if (form) wireConditions(form, form.dataset.module ?? "");
}

/** Wake up inputs that were just put into the page: those that only work with scripts are hidden until then. */
export function wireFragment(root: ParentNode): void {
  for (const input of root.querySelectorAll<HTMLInputElement>("input[data-upload]")) input.hidden = false;
}

const KEPT = "xrm:form";

/** Keep what is being sent in this tab: if the session has ended meanwhile, it is there again after signing in. */
function keep(form: HTMLFormElement): void {
  const entries = [...new FormData(form)].filter(([name, value]) => typeof value === "string" && name !== "_csrf" && name !== "version");
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({ path: location.pathname, entries }));
  } catch { /* storage is off */ }
}

/** Fill the form as it was sent, when this page was reached by signing in again; before the elements take over. */
export function restoreForm(): void {
  if (location.pathname === "/login") return;
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null") as { path: string; entries: [string, string][] } | null;
    sessionStorage.removeItem(KEPT);
    const form = document.querySelector<HTMLFormElement>("form[data-form]");
    if (!kept || !form || kept.path !== location.pathname || !document.referrer.includes("/login")) return;
    for (const control of form.elements) {
      const values = kept.entries.filter(([name]) => name === (control as HTMLInputElement).name).map(([, value]) => value);
      if (control instanceof HTMLInputElement && control.type !== "hidden" && control.type !== "file") {
        if (control.type === "checkbox" || control.type === "radio") control.checked = values.includes(control.value);
        else control.value = values.at(-1) ?? control.value;
      } else if (control instanceof HTMLTextAreaElement) control.value = values.at(-1) ?? control.value;
      else if (control instanceof HTMLSelectElement) {
        for (const value of values) if (value && ![...control.options].some((option) => option.value === value)) control.add(new Option("…", value));
        for (const option of control.options) option.selected = values.includes(option.value);
      }
    }
    addEventListener("load", () => toast(t("What you had typed is back. Save it now.")));
  } catch { /* storage is off */ }
}

async function submit(event: SubmitEvent): Promise<void> {
  const form = event.target as HTMLFormElement;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.hasAttribute("data-sent")) return event.preventDefault();
  const button = event.submitter as HTMLButtonElement | null;
  if (form.dataset.confirm) {
    event.preventDefault();
    if (await ask(form.dataset.confirm, button?.textContent?.trim() || t("Continue"))) send(form, button);
    return;
  }
  if (form.hasAttribute("data-move-form")) {
    const option = form.querySelector<HTMLSelectElement>("select[name=stage]")?.selectedOptions[0];
    const reasons = option ? option.dataset.reasons : form.dataset.reasons;
    if (reasons) {
      event.preventDefault();
      const reason = await askReason(option?.textContent ?? form.dataset.label ?? "", JSON.parse(reasons) as [string, string][]);
      if (reason) {
        form.append(h("input", { type: "hidden", name: "reason", value: reason }));
        send(form, button);
      }
      return;
    }
  }
  if (form.hasAttribute("data-undoable")) {
    event.preventDefault();
    return undoable(form);
  }
  if (form.hasAttribute("data-form")) keep(form);
  form.setAttribute("data-sent", "");
}

const TOLD = "xrm:told";

/** Send a form whose work can be undone, and say so on the page that it leads to. */
async function undoable(form: HTMLFormElement): Promise<void> {
  const body = new FormData(form);
  body.delete("_csrf");
  form.setAttribute("data-sent", "");
  try {
    const { data, change } = await post<{ text: string; url: string }>("POST", form.action, body);
    sessionStorage.setItem(TOLD, JSON.stringify({ text: data.text, change }));
    location.assign(data.url);
  } catch (error) {
    form.removeAttribute("data-sent");
    toast((error as Error).message, { kind: "bad" });
  }
}

function tell(): void {
  try {
    const told = JSON.parse(sessionStorage.getItem(TOLD) ?? "null") as { text: string; change: string | null } | null;
    sessionStorage.removeItem(TOLD);
    if (told) addEventListener("load", () => did(told.text, told.change));
  } catch { /* storage is off */ }
}

/** Send for good; the pressed button's value goes along, as it would have without us. */
function send(form: HTMLFormElement, button: HTMLButtonElement | null): void {
  if (button?.name) form.append(h("input", { type: "hidden", name: button.name, value: button.value }));
  form.setAttribute("data-sent", "");
  form.submit();
}

/** Send chosen files at once; the form then only names them. */
async function upload(input: HTMLInputElement): Promise<void> {
  for (const file of input.files ?? []) {
    const body = new FormData();
    body.append("file", file);
    try {
      const response = await fetch("/api/v1/files", { method: "POST", body, headers: { "X-CSRF-Token": csrf() } });
      const stored = (await response.json()) as { name?: string; title?: string; problems?: { message: string }[] };
      if (!response.ok) throw new Error(stored.problems?.[0]?.message ?? stored.title);
      const box = h("input", { type: "checkbox", name: input.dataset.upload ?? "", value: JSON.stringify(stored), checked: true });
      input.before(h("label", { class: "check" }, box, icon("paperclip"), h("span", {}, stored.name ?? file.name)));
    } catch (error) {
      toast((error as Error).message || t("The server cannot be reached."), { kind: "bad" });
    }
  }
  input.value = "";
}
