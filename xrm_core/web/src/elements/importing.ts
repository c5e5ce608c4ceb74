// <xrm-import>: the steps of an import that need more than a link; how far it is, also after leaving and coming back.
import { api, ask, h, icon, t, toast, type ApiError } from "../core.ts";

interface State { id: string; state: string; progress: { done: number; total: number } }

const BUSY = ["planning", "running", "undoing"];

export class Importing extends HTMLElement {
  private timer = 0;

  connectedCallback(): void {
    this.addEventListener("submit", (event) => {
      event.preventDefault();
      const form = event.target as HTMLFormElement;
      void this.during(form, () => (form.dataset.step === "upload" ? this.upload(form) : this.check(form)));
    });
    this.addEventListener("click", (event) => {
      const button = (event.target as Element).closest<HTMLButtonElement>("[data-act]");
      if (button) void this.act(button);
    });
    if (BUSY.includes(this.dataset.state ?? "")) this.watch();
  }

  disconnectedCallback(): void {
    clearTimeout(this.timer);
  }

  private get url(): string {
    return `/api/v1/imports/${this.dataset.id}`;
  }

  /** Buttons are off while something is under way; what went wrong is said in the page. */
  private async during(form: HTMLElement, work: () => Promise<void>): Promise<void> {
    const buttons = form.querySelectorAll<HTMLButtonElement>("button");
    for (const button of buttons) button.disabled = true;
    try {
      await work();
    } catch (error) {
      this.say(error as ApiError);
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }

  private async upload(form: HTMLFormElement): Promise<void> {
    const data = new FormData(form);
    const made = await api<State>("POST", "/api/v1/imports", data);
    location.assign(`/imports/${made.id}`);
  }

  private async check(form: HTMLFormElement): Promise<void> {
    const columns: Record<string, string | null> = {};
    for (const select of form.querySelectorAll<HTMLSelectElement>("[data-column]")) {
      columns[select.dataset.column ?? ""] = select.value || null;
      const error = select.nextElementSibling as HTMLElement | null;
      if (error) error.hidden = true;
    }
    const of = (name: string) => (form.elements.namedItem(name) as HTMLSelectElement).value;
    await api("PUT", `${this.url}/mapping`, { columns, match: of("match") ? [of("match")] : [], existing: of("existing"), unresolved: of("unresolved") });
    await api("POST", `${this.url}/plan`);
    location.assign(`/imports/${this.dataset.id}`);
  }

  private async act(button: HTMLButtonElement): Promise<void> {
    if (button.dataset.confirm && !(await ask(button.dataset.confirm, button.textContent?.trim() ?? ""))) return;
    await this.during(this, async () => {
      await api("POST", `${this.url}/${button.dataset.act}`);
      location.reload();
    });
  }

  private watch(): void {
    this.timer = window.setTimeout(() => void this.look(), 600);
  }

  private async look(): Promise<void> {
    try {
      const now = await api<State>("GET", this.url);
      if (now.state !== this.dataset.state) return location.reload();
      const bar = this.querySelector("progress");
      if (bar) {
        bar.max = Math.max(1, now.progress.total);
        bar.value = now.progress.done;
      }
      const shown = this.querySelector("[data-done]");
      if (shown) shown.textContent = now.progress.done.toLocaleString(document.documentElement.lang);
    } catch { /* asked again in a moment */ }
    this.watch();
  }

  /** What is wrong: at its column where it has one. */
  private say(error: ApiError): void {
    const rest: string[] = [];
    for (const problem of error.problems ?? []) {
      const column = problem.path.match(/^\/columns\/(.*)$/)?.[1]?.replace(/~1/g, "/").replace(/~0/g, "~");
      const select = column === undefined ? null : [...this.querySelectorAll<HTMLSelectElement>("[data-column]")].find((one) => one.dataset.column === column);
      const place = select?.nextElementSibling as HTMLElement | null;
      const text = `${problem.message} ${problem.hint ?? ""}`.trim();
      if (place) {
        place.replaceChildren(icon("circle-alert"), text);
        place.hidden = false;
      } else rest.push(text);
    }
    if (!error.problems?.length) rest.push(error.message);
    const box = this.querySelector<HTMLElement>("p[role=alert]");
    if (!box) return toast(error.message, { kind: "bad" });
    box.replaceChildren(icon("circle-alert"), h("span", {}, rest.join(" ") || t("Some columns cannot go where they should.")));
    box.hidden = false;
    box.scrollIntoView({ block: "nearest" });
  }
}

if (!customElements.get("xrm-import")) customElements.define("xrm-import", Importing);
