// <xrm-record>: one record, on its page and in the drawer; values are edited in place, stages moved, lists around it kept.
import htmx from "htmx.org";
import { ApiError, announce, did, h, icon, place, send, t, toast } from "../core.ts";
import { walk, walked } from "../drawer.ts";
import { wireFragment } from "../forms.ts";
import { nodes, part } from "../fragments.ts";
import { Composer } from "./composer.ts";
import { Editing } from "./inline.ts";
import { attach, preview } from "./record_files.ts";
import { pick, rowsOut } from "./record_related.ts";

/** What the server tells of a record after a change. */
export interface Live { version: number; title: string; values: Record<string, string>; facts: string; stages: string; text?: string; warnings?: string[] }

export class RecordView extends HTMLElement {
  private editing = new Editing(this);
  private off?: AbortController;

  get url(): string { return this.dataset.url ?? ""; }
  get version(): string { return this.dataset.version ?? ""; }

  connectedCallback(): void {
    this.off = new AbortController();
    const signal = this.off.signal;
    this.addEventListener("click", (event) => this.clicked(event), { signal });
    this.addEventListener("submit", (event) => this.submit(event), { signal });
    this.addEventListener("change", (event) => this.change(event), { signal });
    document.addEventListener("xrm:refresh", (event) => this.told(event as CustomEvent<{ records: { id: string }[] }>), { signal });
    for (const name of ["dragover", "drop"] as const) this.addEventListener(name, (event) => this.drag(event), { signal });
    this.wire(this);
    this.walks();
    this.setAttribute("data-ready", "");
  }

  disconnectedCallback(): void {
    this.off?.abort();
  }

  /** Wake up what scripts add to a part that has just been shown. */
  private wire(root: ParentNode): void {
    for (const one of root.querySelectorAll<HTMLElement>("[data-pick][hidden], .file-pick[hidden], [data-print][hidden]")) one.hidden = false;
    for (const one of root.querySelectorAll<HTMLElement>("[data-tracks]")) one.style.cssText += `;${one.dataset.tracks}`;
    for (const select of root.querySelectorAll<HTMLElement>(".stage-select .btn, .narrow-by .btn")) select.hidden = true;
    rowsOut(root);
    wireFragment(root);
  }

  private clicked(event: MouseEvent): void {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey) return;
    const target = event.target as Element;
    const why = target.closest<HTMLAnchorElement>("[data-why]");
    if (why) {
      event.preventDefault();
      return void import("./why.ts").then(({ tellWhy }) => tellWhy(why));
    }
    const pen = target.closest<HTMLElement>(".pen");
    const host = target.closest<HTMLElement>("[data-edit]");
    if (host && (pen || !target.closest("a, button, form, summary, label"))) {
      if (!pen && String(getSelection())) return;
      event.preventDefault();
      return void this.editing.open(host);
    }
    const blocked = target.closest<HTMLElement>(".step.blocked");
    if (blocked) return toast(blocked.dataset.why ?? "", { kind: "bad" });
    const picker = target.closest<HTMLElement>("[data-pick]");
    if (picker) return pick(this, picker);
    const out = target.closest<HTMLElement>(".row-out");
    if (out) return void this.takeOut(out);
    if (target.closest("[data-print]")) {
      target.closest<HTMLElement>("[popover]")?.hidePopover();
      return print();
    }
    const file = target.closest<HTMLAnchorElement>("[data-preview]");
    if (file) {
      event.preventDefault();
      preview(file);
    }
  }

  private submit(event: SubmitEvent): void {
    const form = event.target as HTMLFormElement;
    if (form.matches("[data-move-form]")) {
      event.preventDefault();
      const button = event.submitter as HTMLButtonElement | null;
      const select = form.querySelector<HTMLSelectElement>("select[name=stage]");
      const stage = button?.name === "stage" ? button.value : select?.value ?? "";
      const asks = form.dataset.reasons ?? select?.selectedOptions[0]?.dataset.reasons;
      void this.move(stage, button ?? form, !!asks || !!button?.classList.contains("needs"));
    } else if (form.matches(".narrow-by")) {
      event.preventDefault();
      void this.timeline();
    }
  }

  private change(event: Event): void {
    const target = event.target as HTMLElement;
    if (target.matches(".narrow-by select")) void this.timeline();
    else if (target.matches(".stage-select select")) (target as HTMLSelectElement).form?.requestSubmit();
    else if (target.matches("[data-attach]")) void this.attached(target as HTMLInputElement);
  }

  private drag(event: DragEvent): void {
    const input = (event.target as Element).closest("[data-part=files]")?.querySelector<HTMLInputElement>("[data-attach]");
    if (!input || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    if (event.type === "drop") void this.attached(input, [...event.dataTransfer.files]);
  }

  private async attached(input: HTMLInputElement, files = [...input.files ?? []]): Promise<void> {
    const name = input.dataset.attach ?? "";
    try {
      const { data, change } = await attach(this, name, files);
      this.apply(data);
      did(data.text ?? t("Saved"), change, () => void this.reload());
      void this.reload();
    } catch (error) {
      toast((error as Error).message, { kind: "bad" });
    }
    input.value = "";
  }

  /** Into another stage; what it still needs is asked for beside the step. */
  async move(stage: string, anchor: Element, asks: boolean, also = ""): Promise<void> {
    const url = `${this.url}/ask/${encodeURIComponent(stage)}`;
    if (asks) return this.ask(`${url}?also=${encodeURIComponent(also)}`, anchor);
    try {
      const { data, change } = await send<Live>("POST", url, new FormData(), { "If-Match": `"${this.version}"` });
      this.moved(data, change);
    } catch (error) {
      const problems = error instanceof ApiError && error.status === 422 ? error.problems : [];
      const names = problems.map((problem) => problem.path.split("/")[1] ?? "").filter((name) => name && name !== "stage");
      if (names.length) return this.ask(`${url}?also=${encodeURIComponent(names.join(","))}`, anchor);
      this.unmoved(error as Error);
    }
  }

  private async ask(url: string, anchor: Element): Promise<void> {
    const content = await part(url).catch((error: Error) => this.unmoved(error));
    const form = content?.querySelector("form");
    if (!form) return;
    const popover = h("div", { class: "stage-ask", popover: "auto", role: "dialog", "aria-labelledby": "stage-ask-title" }, form);
    popover.addEventListener("toggle", (event) => {
      if ((event as ToggleEvent).newState === "closed") {
        popover.remove();
        this.stageSelect();
      }
    });
    form.querySelector("[data-cancel]")?.addEventListener("click", () => popover.hidePopover());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      event.stopPropagation();
      const body = new FormData(form);
      void send<Live>("POST", form.action, body, { "If-Match": `"${form.dataset.version}"` }).then(({ data, change }) => {
        popover.hidePopover();
        this.moved(data, change);
      }, (error: Error) => showProblems(form, error));
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        form.requestSubmit();
      }
    });
    document.body.append(popover);
    wireFragment(form);
    popover.showPopover();
    place(popover, anchor.checkVisibility() ? anchor : this);
    first(form)?.focus();
  }

  private moved(data: Live, change: string | null): void {
    this.apply(data);
    did(data.text ?? t("Saved"), change, () => void this.reload());
    void this.timeline();
  }

  private unmoved(error: Error): void {
    toast(error.message, { kind: "bad" });
    this.stageSelect();
    if (error instanceof ApiError && error.status === 412) void this.reload();
  }

  private stageSelect(): void {
    this.querySelector<HTMLFormElement>("form.stage-select")?.reset();
  }

  /** Show what the server told, except where something is being edited. */
  apply(data: Live): void {
    this.dataset.version = String(data.version);
    for (const input of this.querySelectorAll<HTMLInputElement>("input[name=version]")) input.value = String(data.version);
    for (const one of this.querySelectorAll("[data-live=title]")) one.textContent = data.title;
    for (const name of ["facts", "stages"] as const) {
      const place = this.querySelector(`[data-live-html=${name}]`);
      if (place && !place.querySelector("form.inline")) {
        place.replaceChildren(nodes(data[name]));
        this.wire(place);
      }
    }
    for (const [name, html] of Object.entries(data.values)) {
      for (const shown of this.querySelectorAll(`[data-value="${CSS.escape(name)}"] .shown`)) {
        if (shown.innerHTML !== html) shown.replaceChildren(html ? nodes(html) : h("span", { class: "none" }, "—"));
      }
    }
    document.dispatchEvent(new CustomEvent("xrm:saved", { detail: { id: this.dataset.id, module: this.dataset.module, version: data.version } }));
  }

  /** All parts as the server has them now; what is being edited stays. */
  async reload(): Promise<void> {
    try {
      const found = await part(`${this.url}/peek${this.classList.contains("in-drawer") ? "" : "?page=1"}`);
      const fresh = found.querySelector<HTMLElement>("xrm-record");
      if (!fresh) return;
      this.dataset.version = fresh.dataset.version;
      for (const one of fresh.querySelectorAll<HTMLElement>("[data-part], [data-live-html], [data-value]")) {
        const selector = ["part", "liveHtml", "value"].map((key) => [key, one.dataset[key]] as const).find(([, value]) => value)!;
        const attribute = selector[0] === "liveHtml" ? "data-live-html" : `data-${selector[0]}`;
        const old = this.querySelector(`[${attribute}="${CSS.escape(selector[1]!)}"]`);
        if (!old || old.querySelector("form.inline")) continue;
        const focused = old.contains(document.activeElement) && document.activeElement instanceof HTMLElement ? document.activeElement : null;
        old.replaceChildren(...one.childNodes);
        this.wire(old);
        if (focused) (old.querySelector<HTMLElement>(".pen") ?? old.querySelector<HTMLElement>(`[href="${CSS.escape(focused.getAttribute("href") ?? "")}"]`))?.focus();
      }
      const title = fresh.querySelector("[data-live=title]")?.textContent ?? "";
      for (const one of this.querySelectorAll("[data-live=title]")) one.textContent = title;
    } catch (error) {
      toast((error as Error).message, { kind: "bad" });
    }
  }

  /** The timeline newly, as it is narrowed down. */
  async timeline(): Promise<void> {
    const list = this.querySelector(".timeline");
    const form = this.querySelector<HTMLFormElement>("form.narrow-by");
    if (!list) return;
    const parameters = new URLSearchParams([...(form ? new FormData(form) : [])].map(([name, value]) => [name, String(value)]).filter(([, value]) => value) as [string, string][]);
    const found = await part(`${this.url}/timeline?${parameters}`).catch(() => null);
    if (!found) return;
    list.replaceChildren(found);
    htmx.process(list);
    if (!list.children.length) list.append(h("li", { class: "muted" }, t("Nothing found")));
  }

  private async takeOut(button: HTMLElement): Promise<void> {
    const link = button.closest<HTMLElement>("[data-related]")?.dataset.related ?? "";
    const other = button.closest<HTMLElement>("[data-id]")?.dataset.id ?? "";
    try {
      const { data, change } = await send<{ text: string }>("DELETE", `${this.url}/related/${link}/${other}`);
      did(data.text, change, () => void this.reload());
      await this.reload();
    } catch (error) {
      toast((error as Error).message, { kind: "bad" });
    }
  }

  private told(event: CustomEvent<{ records: { id: string }[] }>): void {
    if (!this.classList.contains("in-drawer") || event.detail.records.some((one) => one.id === this.dataset.id)) {
      event.preventDefault();
      void this.reload();
    }
  }

  /** Previous and next of the list that somebody came from. */
  private walks(): void {
    const place = this.querySelector<HTMLElement>("[data-walk]");
    const found = walked();
    if (!place || !found) return;
    const { walk: { paths }, at } = found;
    const button = (by: number, mark: string, label: string) => {
      const one = h("button", { class: "btn sm square quiet", type: "button", "aria-label": label, title: `${label} (Alt ${by < 0 ? "↑" : "↓"})`, "aria-keyshortcuts": by < 0 ? "Alt+ArrowUp" : "Alt+ArrowDown", disabled: !paths[at + by] }, icon(mark));
      one.addEventListener("click", () => walk(by));
      return one;
    };
    place.replaceChildren(h("span", { class: "num" }, t("{at} of {count}", { at: at + 1, count: paths.length })), button(-1, "chevron-up", t("Previous record")), button(1, "chevron-down", t("Next record")));
    place.hidden = false;
    announce(t("{at} of {count}", { at: at + 1, count: paths.length }));
  }
}

/** The first input of a form. */
export function first(form: ParentNode): HTMLElement | null {
  return form.querySelector<HTMLElement>("input:not([type=hidden], [hidden]), select:not([hidden]), textarea");
}

/** Show what is wrong below the inputs it concerns; the rest above the buttons. */
export function showProblems(form: HTMLElement, error: Error): void {
  for (const old of form.querySelectorAll(".err")) old.remove();
  for (const old of form.querySelectorAll("[aria-invalid]")) old.removeAttribute("aria-invalid");
  const problems = error instanceof ApiError && error.problems.length ? error.problems : [{ path: "", message: error.message, hint: "", code: "" }];
  for (const problem of problems) {
    const name = (problem.path ?? "").split("/")[1] ?? "";
    const field = form.querySelector<HTMLElement>(`[data-field="${CSS.escape(name)}"], [data-field="stage_${CSS.escape(name)}"]`);
    const text = `${problem.message}${problem.hint ? ` ${problem.hint}` : ""}`;
    const line = h("p", { class: "err", role: "alert" }, icon("circle-alert"), h("span", {}, text));
    if (field) {
      field.append(line);
      first(field)?.setAttribute("aria-invalid", "true");
    } else form.querySelector(".buttons")?.before(line);
  }
  first(form.querySelector("[aria-invalid]")?.closest<HTMLElement>("[data-field]") ?? form)?.focus();
}

if (!customElements.get("xrm-composer")) customElements.define("xrm-composer", Composer);
if (!customElements.get("xrm-record")) customElements.define("xrm-record", RecordView);
