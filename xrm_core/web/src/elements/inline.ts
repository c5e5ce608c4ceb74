// One value edited where it stands: opened by a click or Enter, saved on leaving, never lost.
import { ApiError, did, h, icon, send, t } from "../core.ts";
import { wireFragment } from "../forms.ts";
import { nodes, part } from "../fragments.ts";
import { first, showProblems, type Live, type RecordView } from "./record.ts";

interface Stale { text: string; since: string; theirs: string; version: number }
const ONE_STEP = new Set(["select", "rating", "boolean", "user", "link"]);
const TALL = new Set(["textarea", "markdown", "json"]);

export class Editing {
  private host: HTMLElement | null = null;
  private form: HTMLFormElement | null = null;
  private before = "";
  private saving = false;

  private readonly record: RecordView;

  constructor(record: RecordView) {
    this.record = record;
  }

  async open(host: HTMLElement): Promise<void> {
    if (this.host === host) return;
    if (this.form && !await this.save()) return;
    let content: DocumentFragment;
    try {
      content = await part(`${this.record.url}/values/${encodeURIComponent(host.dataset.edit ?? "")}`);
    } catch (error) {
      host.append(h("p", { class: "err", role: "alert" }, (error as Error).message));
      return;
    }
    const form = content.querySelector("form");
    if (!form || this.form) return;
    for (const old of host.querySelectorAll(":scope > .err")) old.remove();
    this.host = host;
    this.form = form;
    host.classList.add("editing");
    host.append(form);
    wireFragment(form);
    const input = first(form);
    input?.focus();
    if (input instanceof HTMLInputElement && !["checkbox", "radio", "date", "datetime-local", "file"].includes(input.type)) input.select();
    if (input instanceof HTMLSelectElement && !input.multiple) try { input.showPicker(); } catch { /* not after a plain key */ }
    this.before = told(form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      event.stopPropagation();
      void this.save();
    });
    form.addEventListener("keydown", (event) => this.key(event));
    form.addEventListener("change", (event) => this.chosen(event));
    form.addEventListener("input", (event) => { if ((event.target as Element).matches("xrm-combobox select")) this.chosen(event); });
    form.addEventListener("click", (event) => {
      const target = event.target as HTMLElement;
      if (target.closest("[data-cancel]")) this.close(true);
    });
    document.addEventListener("pointerdown", this.outside, true);
  }

  private outside = (event: Event): void => {
    const target = event.target as Element;
    if (this.form?.contains(target) || target.closest(".combo, xrm-toasts, dialog")) return;
    void this.save();
  };

  private key(event: KeyboardEvent): void {
    const widget = this.form?.dataset.widget ?? "";
    if (event.key === "Escape" && !event.defaultPrevented) {
      event.preventDefault();
      event.stopPropagation();
      this.close(true);
    } else if (event.key === "Enter" && !event.defaultPrevented && !(event.target as Element).closest("button, [role=combobox][aria-expanded=true]")) {
      if (TALL.has(widget) && !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      event.stopPropagation();
      void this.save();
    } else if (event.key === "Tab") {
      // Past the last control: leaving saves, as a click elsewhere does.
      requestAnimationFrame(() => { if (this.form && !this.form.contains(document.activeElement)) void this.save(); });
    }
  }

  /** Choosing one of several is the whole change: it is saved at once. */
  private chosen(event: Event): void {
    const form = this.form;
    const widget = form?.dataset.widget ?? "";
    if (!form || !ONE_STEP.has(widget) || form.hasAttribute("data-many")) return;
    if (widget === "link" && !(event.target as Element).matches("select")) return;
    if (told(form) !== this.before) void this.save();
  }

  /** Store the value; false while it is still open because something was wrong. */
  async save(force?: number): Promise<boolean> {
    const form = this.form;
    if (!form || this.saving) return !form;
    if (force === undefined && told(form) === this.before) {
      this.close(true);
      return true;
    }
    this.saving = true;
    form.setAttribute("aria-busy", "true");
    const body = new FormData(form);
    body.delete("_csrf");
    try {
      const { data, change } = await send<Live>("POST", form.action, body, { "If-Match": `"${force ?? form.dataset.version}"` });
      this.saving = false;
      this.close(true);
      this.record.apply(data);
      did([data.text ?? t("Saved"), ...(data.warnings ?? [])].join(". "), change, () => void this.record.reload());
      void this.record.timeline();
      return true;
    } catch (error) {
      this.saving = false;
      form.removeAttribute("aria-busy");
      this.failed(form, error as Error);
      return false;
    }
  }

  private failed(form: HTMLFormElement, error: Error): void {
    const status = error instanceof ApiError ? error.status : 0;
    const stale = error instanceof ApiError && status === 409 ? error.problems[0] as unknown as Stale | undefined : undefined;
    if (stale?.text !== undefined) return this.resolve(form, stale);
    showProblems(form, error);
    form.classList.toggle("unsaved", status === 0 || status >= 500);
    const button = form.querySelector(".buttons .primary");
    if (button) button.textContent = status === 0 || status >= 500 ? t("Retry") : t("Save");
  }

  /** Somebody changed it meanwhile: keep theirs, or use mine. */
  private resolve(form: HTMLFormElement, stale: Stale): void {
    form.querySelector(".conflict")?.remove();
    const theirs = h("button", { class: "btn sm", type: "button" }, t("Keep theirs"));
    const mine = h("button", { class: "btn sm primary", type: "button" }, t("Use mine"));
    const value = h("span", { class: "theirs" });
    value.append(nodes(stale.theirs));
    const box = h("div", { class: "conflict notice", role: "alert" }, icon("triangle-alert"), h("div", {}, h("p", {}, `${stale.text} `, value, ` ${stale.since}`), h("div", { class: "buttons" }, theirs, mine)));
    theirs.addEventListener("click", () => {
      this.close(true);
      void this.record.reload();
    });
    mine.addEventListener("click", () => {
      box.remove();
      void this.save(stale.version);
    });
    form.prepend(box);
    mine.focus();
  }

  close(refocus: boolean): void {
    const host = this.host;
    document.removeEventListener("pointerdown", this.outside, true);
    this.form?.remove();
    host?.classList.remove("editing");
    this.form = this.host = null;
    const lost = document.activeElement === document.body || !document.activeElement;
    if (refocus && lost) host?.querySelector<HTMLElement>(".pen")?.focus();
  }
}

/** What a form holds, to know whether it was changed. */
function told(form: HTMLFormElement): string {
  return JSON.stringify([...new FormData(form)].filter(([name, value]) => name !== "_csrf" && typeof value === "string"));
}
