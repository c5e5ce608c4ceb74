// <xrm-automation>: the sentence and the problems follow what is typed; buttons change the form in place; help with expressions.
import { announce, api, csrf, debounce, h, icon, place, signInAgain, t, toast } from "../core.ts";

interface Checked { sentence: string; problems: { path: string; text: string }[] }
interface Rows { rows?: { join: "and" | "or"; items: unknown[] }; text?: string; titles?: Record<string, string>; problems?: unknown[] }

export class AutomationBuilder extends HTMLElement {
  private touched = new Set<string>();
  private known = "";
  private leaving = false;
  private busy = false;
  private asked = 0;
  private readonly samples = new Map<string, Promise<string | null>>();
  /** Letters typed into a list choose one after the other: only the last one counts. */
  private readonly again = debounce(300, (id: string) => void this.act("", id));
  private readonly check = debounce(250, () => void this.look());

  connectedCallback(): void {
    this.addEventListener("submit", (event) => {
      event.preventDefault();
      const button = (event as SubmitEvent).submitter as HTMLButtonElement | null;
      void this.act(button?.value ?? "");
    });
    for (const name of ["input", "change", "click", "keyup"]) this.addEventListener(name, (event) => this.changed(event));
    this.addEventListener("focusout", (event) => {
      const at = (event.target as Element).closest<HTMLElement>("[data-at]")?.dataset.at;
      if (at && this.work?.contains(event.target as Node)) this.touch(at);
    });
    this.addEventListener("keydown", (event) => this.key(event));
    addEventListener("beforeunload", (event) => {
      if (!this.leaving && this.known && this.now() !== this.known) event.preventDefault();
    });
    this.known = this.now();
    this.wire();
  }

  private get work(): HTMLFormElement | null { return this.querySelector("form.work"); }

  /** What the inputs say just now. */
  private now(): string {
    if (!this.work) return "";
    return JSON.stringify([...new FormData(this.work)].filter(([name, value]) => !name.startsWith("pick/") && typeof value === "string" && name !== "_csrf" && name !== "told"));
  }

  private touch(path: string): void {
    this.touched.add(path);
    this.check();
  }

  private last = "";

  private changed(event: Event): void {
    const target = event.target as HTMLElement;
    if (!this.work || !(target as HTMLInputElement).form) return;
    if (event.type === "input" && target.matches("xrm-combobox[data-again] > select")) return void this.act("", target.id.replace(/-select$/, ""));
    if (event.type === "change" && target.matches("select[data-again]") && !target.closest("xrm-combobox")) return this.again(target.id);
    const now = this.now();
    if (now === this.last) return;
    this.last = now;
    this.json();
    this.check();
  }

  private key(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    if (target.closest("[popover].filter-pop")) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      return void this.act("save");
    }
    if (event.key === "Enter" && !event.defaultPrevented && !event.shiftKey) {
      // Enter adds what is chosen; in a single line it does nothing, so that nothing is saved by accident.
      const adds = target.closest<HTMLElement>("[data-adds]")?.dataset.adds;
      if (adds || target.matches("input")) event.preventDefault();
      if (adds) void this.act(adds);
      else if (target.id === "try-months") void this.act("past");
      return;
    }
    if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      const at = target.closest<HTMLElement>("[data-node]")?.dataset.at;
      if (!at) return;
      event.preventDefault();
      void this.act(`${event.key === "ArrowUp" ? "up" : "down"}:${at}`);
    }
  }

  // -- the server's part ---------------------------------------------------------------------------------------------

  private async send(action: string): Promise<Response> {
    const body = new FormData(this.work!);
    body.set("do", action);
    const ask = () => fetch(this.work!.action, { method: "POST", body, headers: { "HX-Request": "true", "X-CSRF-Token": csrf() } });
    const response = await ask();
    return response.status === 401 && (await signInAgain()) ? ask() : response;
  }

  /** The sentence, and what is wrong where somebody has been already. */
  private async look(): Promise<void> {
    if (!this.work || this.work.querySelector("[name=mode]")?.getAttribute("value") === "json") return;
    const turn = ++this.asked;
    const response = await this.send("check").catch(() => null);
    if (!response?.ok || turn !== this.asked || this.busy) return;
    const found = (await response.json()) as Checked;
    if (turn !== this.asked || this.busy) return;
    const sentence = this.querySelector("[data-sentence]");
    if (sentence) sentence.lastChild!.textContent = found.sentence || (this.querySelector<HTMLElement>("[data-sentence]")!.dataset.sentence ?? "");
    this.tell(found.problems);
  }

  private tell(problems: Checked["problems"]): void {
    const all = this.querySelector<HTMLInputElement>("[name=told]")?.value === "1";
    this.work!.querySelectorAll(".err").forEach((one) => one.remove());
    this.work!.querySelectorAll("[aria-invalid]").forEach((one) => one.removeAttribute("aria-invalid"));
    const elsewhere: string[] = [];
    for (const { path, text } of problems) {
      let at = path;
      let field = this.at(at);
      while (!field && at.includes("/")) {
        at = at.slice(0, at.lastIndexOf("/"));
        field = at ? this.at(at) : null;
      }
      if (!field) elsewhere.push(text);
      else if (all || this.touched.has(at) || this.filled(field)) {
        field.append(h("p", { class: "err" }, icon("circle-alert"), h("span", {}, text)));
        field.querySelector("input:not([type=hidden]), textarea, select")?.setAttribute("aria-invalid", "true");
        field.closest("details")?.setAttribute("open", "");
      }
    }
    const top = this.querySelector<HTMLElement>("[data-top]");
    if (!top) return;
    top.hidden = !elsewhere.length || !(all || problems.every(({ path }) => !path));
    top.querySelector("ul")?.replaceChildren(...elsewhere.map((text) => h("li", {}, text)));
  }

  private at(path: string): HTMLElement | null {
    return this.work!.querySelector<HTMLElement>(`[data-at="${CSS.escape(path)}"]`);
  }

  /** A text that says something can be judged before it is left; a gap only afterwards. */
  private filled(field: HTMLElement): boolean {
    return !field.matches("[data-node]") && [...field.querySelectorAll<HTMLTextAreaElement>(":scope > textarea, :scope > .grow > textarea")].some((one) => one !== document.activeElement && one.value.trim() !== "");
  }

  /** What a button says; its answer is the new form. */
  private async act(action: string, focus = ""): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.asked += 1;
    this.toggleAttribute("aria-busy", true);
    try {
      let sent = this.now();
      let response = await this.send(action);
      for (let turn = 0; !action && turn < 5 && sent !== this.now(); turn += 1) {
        // Somebody went on typing: what they typed meanwhile stays.
        sent = this.now();
        response = await this.send(action);
      }
      if (response.redirected) {
        this.leaving = true;
        return location.assign(response.url);
      }
      const text = await response.text();
      if (!text.includes('id="work"')) return toast(t("Something went wrong. Nothing was changed."), { kind: "bad" });
      const open = this.opened();
      const held = document.activeElement instanceof HTMLElement && this.contains(document.activeElement) ? document.activeElement.id : "";
      this.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
      for (const details of this.querySelectorAll<HTMLDetailsElement>("details.more")) if (open.has(this.whose(details))) details.open = true;
      this.wire();
      const wrong = response.status === 422 ? this.querySelector<HTMLElement>(".field:has(> .err) :is(input:not([type=hidden]), textarea, select), .node > .err, [data-top]:not([hidden])") : null;
      if (wrong) announce(wrong.closest(".field")?.querySelector(".err")?.textContent ?? wrong.textContent ?? "");
      this.focusOn(wrong, response.headers.get("X-Focus") ?? "", held || focus);
    } catch {
      toast(t("The server cannot be reached."), { kind: "bad" });
    } finally {
      this.busy = false;
      this.removeAttribute("aria-busy");
      this.check();
    }
  }

  /** Which settings were unfolded; they stay so. */
  private opened(): Set<string> {
    return new Set([...this.querySelectorAll<HTMLElement>("details.more[open]")].map((one) => this.whose(one)));
  }

  private whose(details: HTMLElement): string {
    return details.parentElement?.closest<HTMLElement>("[data-at]")?.dataset.at ?? "";
  }

  private focusOn(wrong: HTMLElement | null, path: string, id: string): void {
    const here = path ? this.querySelector<HTMLElement>(`[data-at="${CSS.escape(path)}"]`) : null;
    const inner = here?.matches("[tabindex]") ? here : here?.querySelector<HTMLElement>(".set-grid :is(input:not([type=hidden]), textarea, select:not([hidden])), .grow textarea, input:not([type=hidden]), textarea, select:not([hidden]), button:not([disabled])");
    const target = wrong ?? inner ?? (id ? document.getElementById(id) : null);
    target?.closest("details")?.setAttribute("open", "");
    target?.focus();
    here?.scrollIntoView({ block: "nearest" });
  }

  // -- help ----------------------------------------------------------------------------------------------------------

  private wire(): void {
    void this.help();
    this.json();
  }

  private async help(): Promise<void> {
    const areas = [...this.querySelectorAll<HTMLTextAreaElement>("textarea[data-expression][data-over]:not([data-helped])")];
    if (!areas.length) return;
    areas.forEach((area) => (area.dataset.helped = ""));
    const { helpWithFormula } = await import("./formula.ts");
    for (const area of areas) {
      const module = area.dataset.over!;
      const kind = area.dataset.expression!;
      if (!this.samples.has(module)) {
        this.samples.set(module, api<{ data: { id: string }[] }>("GET", `/api/v1/records/${module}?limit=1&sort=-updated_at&fields=title`).then((found) => found.data[0]?.id ?? null).catch(() => null));
      }
      const as = kind === "condition" ? "condition" : kind.startsWith("template") ? "template" : "formula";
      // Only the automation itself knows the record as it was, roles, and what a value may be besides a formula.
      helpWithFormula(area, module, this.samples.get(module)!, { as, draft: false, leave: kind === "condition" ? /\bbefore\b/ : kind.startsWith("template") ? /\bbefore\b/ : /[^]/ });
      if (kind === "condition" && module) this.rows(area, module);
    }
  }

  /** A button that opens the condition as rows of field, operator and value. */
  private rows(area: HTMLTextAreaElement, module: string): void {
    const button = h("button", { type: "button", class: "btn sm quiet rows-button", "aria-haspopup": "dialog", "aria-controls": "rows-pop" }, icon("list-filter"), t("Conditions"));
    const field = area.closest(".field")!;
    (field.querySelector(":scope > .help") ?? area).after(button);
    button.addEventListener("click", () => void this.openRows(area, module, button));
  }

  private async openRows(area: HTMLTextAreaElement, module: string, button: HTMLElement): Promise<void> {
    const popup = this.querySelector<HTMLElement>("#rows-pop")!;
    const source = `/m/${module}/filters`;
    const text = area.value.trim();
    const found = await api<Rows>("POST", source, { text }).catch((): Rows => ({ problems: [{}] }));
    if (found.problems?.length || !found.rows) return toast(t("This condition can be written as text only."), { kind: "bad" });
    const { Builder } = await import("./filter_builder.ts");
    const done = (made: string): void => {
      area.value = made;
      popup.hidePopover();
      area.focus();
      area.dispatchEvent(new Event("input", { bubbles: true }));
    };
    const state = { rows: found.rows, text, titles: found.titles ?? {} };
    popup.showPopover();
    await new Builder(popup, source, state as ConstructorParameters<typeof Builder>[2], () => place(popup, button), done).show();
  }

  /** JSON is read while it is typed: the line that is none is named at once. */
  private json(): void {
    const area = this.querySelector<HTMLTextAreaElement>("#automation-json");
    const told = this.querySelector<HTMLElement>("[data-json-error]");
    if (!area || !told) return;
    let wrong = "";
    try {
      JSON.parse(area.value);
    } catch (error) {
      const at = /position (\d+)/.exec((error as Error).message);
      const line = at ? area.value.slice(0, Number(at[1])).split("\n").length : area.value.split("\n").length;
      wrong = t("Line {line}: this is not JSON.", { line });
    }
    told.textContent = wrong;
    told.hidden = !wrong;
    area.setAttribute("aria-invalid", String(!!wrong));
  }
}

if (!customElements.get("xrm-automation")) customElements.define("xrm-automation", AutomationBuilder);
