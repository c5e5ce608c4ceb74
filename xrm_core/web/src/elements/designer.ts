// <xrm-designer>: settings are taken as they are changed, parts are moved by drag, by keys (Space, arrows, Space) and by buttons.
import { announce, api, csrf, h, icon, place, signInAgain, t, toast, typing } from "../core.ts";
import { dragging } from "../dragging.ts";

const PARTS = ["top", "preview"];

export class Designer extends HTMLElement {
  private lifted: { path: string; home: string; from: number } | null = null;
  private waiting = Promise.resolve();
  private readonly queue: { url: string; body: FormData }[] = [];

  connectedCallback(): void {
    this.addEventListener("submit", (event) => {
      const form = event.target as HTMLFormElement;
      if (form.hasAttribute("data-plain") || form.dataset.confirm !== undefined) return;
      event.preventDefault();
      const submitter = (event as SubmitEvent).submitter as HTMLButtonElement | null;
      void this.send(form, submitter ? { [submitter.name]: submitter.value } : {});
    });
    this.addEventListener("change", (event) => {
      const form = (event.target as Element).closest<HTMLFormElement>("form[data-auto]");
      if (form) void this.send(form, form.querySelector("[name=do][type=hidden]") ? {} : { do: "settings" }, true);
    });
    this.addEventListener("input", (event) => this.find(event.target as HTMLInputElement));
    this.addEventListener("keydown", (event) => this.key(event));
    this.addEventListener("click", (event) => this.follow(event));
    this.addEventListener("focusout", (event) => {
      if (this.lifted && event.relatedTarget && !(event.relatedTarget as Element).closest(".part")) this.lifted = null;
    });
    addEventListener("popstate", () => void this.load(location.href, false));
    // What still waits for its turn when somebody leaves goes out without it.
    addEventListener("pagehide", () => {
      for (const { url, body } of this.queue.splice(0)) void fetch(url, { method: "POST", body, keepalive: true, headers: { "HX-Request": "true", "X-CSRF-Token": csrf() } });
    });
    const open = 'ol.part-list:not([data-section="archived"])';
    dragging(this, { item: `${open} > .part, li[data-at-once]`, handle: ".grip, .name, .kind", target: open, among: ".part", drop: (item, list, _, index) => this.dropped(item, list, index) });
    this.wire();
  }

  /** What a new inside needs. */
  private wire(): void {
    this.checkJson();
    void this.formulas();
  }

  private sample: Promise<string | null> | undefined;

  /** Help with expressions, tried on the record that was changed last. */
  private async formulas(): Promise<void> {
    const areas = [...this.querySelectorAll<HTMLTextAreaElement>("textarea[data-expression]:not([data-helped])")];
    if (!areas.length) return;
    const module = this.querySelector<HTMLElement>("[data-module]")?.dataset.module ?? "";
    const { helpWithFormula } = await import("./formula.ts");
    this.sample ??= fetch(`/api/v1/records/${module}?limit=1&sort=-updated_at&fields=title`, { headers: { Accept: "application/json" } })
      .then(async (found) => found.ok ? ((await found.json()) as { data: { id: string }[] }).data[0]?.id ?? null : null).catch(() => null);
    for (const area of areas) {
      area.dataset.helped = "";
      helpWithFormula(area, module, this.sample);
      if (area.dataset.condition !== undefined) this.withRows(area);
    }
  }

  /** A button that opens the condition as rows of field, operator and value. */
  private withRows(area: HTMLTextAreaElement): void {
    const button = h("button", { type: "button", class: "btn sm quiet rows-open", "aria-haspopup": "dialog" }, icon("list-filter"), t("Put together"));
    button.addEventListener("click", () => void this.openRows(area, button));
    area.after(button);
  }

  private async openRows(area: HTMLTextAreaElement, button: HTMLElement): Promise<void> {
    const source = `${location.pathname}/filters`;
    const text = area.value.trim();
    const found = await api<{ rows?: unknown; titles?: Record<string, string>; problems?: unknown[] }>("POST", source, { text }).catch(() => ({ problems: [{}], rows: undefined, titles: {} }));
    if (found.problems?.length || !found.rows) return toast(t("This condition can be written as text only."), { kind: "bad" });
    const { Builder } = await import("./filter_builder.ts");
    const popup = h("div", { class: "filter-pop", popover: "auto", role: "dialog", "aria-label": t("Conditions") });
    popup.addEventListener("toggle", (event) => {
      if ((event as ToggleEvent).newState === "closed" && event.target === popup) popup.remove();
    });
    const done = (made: string): void => {
      popup.hidePopover();
      area.value = made;
      area.focus();
      for (const name of ["input", "change"]) area.dispatchEvent(new Event(name, { bubbles: true }));
    };
    const state = { rows: found.rows, text, titles: found.titles ?? {} };
    document.body.append(popup);
    popup.showPopover();
    await new Builder(popup, source, state as ConstructorParameters<typeof Builder>[2], () => place(popup, button), done).show();
  }

  /** A type becomes a new field at its place, a part goes to its own. */
  private dropped(item: HTMLElement, list: HTMLElement, index: number): void {
    const { type, path } = item.dataset;
    if (type) void this.act({ do: "add_field", type, section: list.dataset.section ?? "", index: String(index) });
    else if (path && (item.parentElement !== list || [...list.querySelectorAll(".part")].indexOf(item) !== index)) {
      list.insertBefore(item, [...list.querySelectorAll(".part")].filter((one) => one !== item)[index] ?? null);
      this.moved(path, list, index);
    }
  }

  private moved(path: string, list: HTMLElement, index: number): void {
    const section = list.dataset.section ?? "";
    // Lists without sections count all their members, also the archived ones between them.
    void this.act({ do: "move", path, section, index: String(index) });
  }

  private find(input: HTMLInputElement): void {
    if (!input.matches("[data-find]")) return;
    const words = input.value.toLowerCase().trim();
    for (const kind of this.querySelectorAll<HTMLElement>(".kinds > li")) {
      const one = kind.querySelector<HTMLElement>(".kind");
      kind.hidden = !!words && !`${one?.textContent} ${one?.title}`.toLowerCase().includes(words);
    }
  }

  private key(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    if (target.matches("[data-find]") && event.key === "Enter") {
      event.preventDefault();
      this.querySelector<HTMLElement>(".kinds > li:not([hidden]) .kind")?.click();
      return;
    }
    const name = target.closest<HTMLElement>(".part .name");
    if (!name || typing(target)) return;
    const part = name.closest<HTMLElement>(".part")!;
    const list = part.closest<HTMLElement>(".part-list")!;
    if (event.key === " ") {
      event.preventDefault();
      if (this.lifted) this.drop(part, list);
      else {
        this.lifted = { path: part.dataset.path ?? "", home: list.dataset.section ?? "", from: [...list.children].indexOf(part) };
        part.classList.add("lifted");
        announce(t("{label} lifted: arrows move it, Space drops it, Esc puts it back", { label: name.textContent?.trim() ?? "" }));
      }
    } else if (event.key === "Escape" && this.lifted) {
      event.preventDefault();
      this.lifted = null;
      void this.load(location.href, false);
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const down = event.key === "ArrowDown";
      if (this.lifted) {
        this.carry(part, list, down);
        name.focus();
      } else {
        const names = [...this.querySelectorAll<HTMLElement>(".part .name")];
        names[names.indexOf(name) + (down ? 1 : -1)]?.focus();
      }
    }
  }

  private carry(part: HTMLElement, list: HTMLElement, down: boolean): void {
    const beside = (down ? part.nextElementSibling : part.previousElementSibling) as HTMLElement | null;
    if (beside?.matches(".part")) {
      if (down) beside.after(part);
      else beside.before(part);
    } else {
      const lists = [...this.querySelectorAll<HTMLElement>(".part-list")].filter((one) => one.dataset.section !== "archived");
      const next = lists[lists.indexOf(list) + (down ? 1 : -1)];
      if (next) next[down ? "prepend" : "append"](part);
    }
    const now = part.closest<HTMLElement>(".part-list")!;
    announce(t("{place} of {count}", { place: [...now.querySelectorAll(".part")].indexOf(part) + 1, count: now.querySelectorAll(".part").length }));
  }

  private drop(part: HTMLElement, list: HTMLElement): void {
    const path = this.lifted!.path;
    this.lifted = null;
    this.moved(path, list, [...list.querySelectorAll(".part")].indexOf(part));
  }

  /** Links inside the designer change its inside only. */
  private follow(event: MouseEvent): void {
    const link = (event.target as Element).closest<HTMLAnchorElement>("a[href^='/design/']");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button || new URL(link.href).pathname !== location.pathname) return;
    event.preventDefault();
    void this.load(link.href, true);
  }

  private async load(url: string, push: boolean): Promise<void> {
    const response = await fetch(url, { headers: { "HX-Request": "true" } });
    if (!response.ok) return location.assign(url);
    if (push) history.pushState(null, "", url);
    this.replace(await response.text(), true);
    (this.querySelector<HTMLElement>(".set [name^='s.label']") ?? this.querySelector<HTMLElement>(".set .input"))?.focus({ preventScroll: true });
  }

  private act(values: Record<string, string>): Promise<void> {
    const url = new URL(location.href);
    const body = new FormData();
    for (const name of ["tab", "node", "new", "as", "in"]) body.set(name, url.searchParams.get(name) ?? "");
    for (const [name, value] of Object.entries(values)) body.set(name, value);
    return this.post(`${location.pathname}/do`, body, false);
  }

  private send(form: HTMLFormElement, more: Record<string, string>, quiet = false): Promise<void> {
    const body = new FormData(form);
    for (const [name, value] of Object.entries(more)) if (name) body.set(name, value);
    return this.post(form.action, body, quiet);
  }

  /** One after the other: each action builds on the draft that the one before has left. */
  private post(url: string, body: FormData, quiet: boolean): Promise<void> {
    const turn = { url, body };
    this.queue.push(turn);
    this.waiting = this.waiting.then(() => {
      const at = this.queue.indexOf(turn);
      return at < 0 ? undefined : (this.queue.splice(at, 1), this.exchange(url, body, quiet));
    }).catch(() => toast(t("The server cannot be reached."), { kind: "bad" }));
    return this.waiting;
  }

  private async exchange(url: string, body: FormData, quiet: boolean): Promise<void> {
    const response = await fetch(url, { method: "POST", body, keepalive: true, headers: { "HX-Request": "true", "X-CSRF-Token": csrf() } });
    if (response.status === 401) {
      if (await signInAgain()) await this.exchange(url, body, quiet);
      return;
    }
    if (response.redirected) return location.assign(response.url);
    const text = await response.text();
    if (!text.includes("data-part")) return toast(t("Something went wrong. Nothing was changed."), { kind: "bad" });
    const node = response.headers.get("X-Node");
    const here = new URL(location.href);
    const before = here.searchParams.get("node") ?? "";
    if (response.ok && node !== null && node !== before) {
      here.searchParams.delete("new");
      if (node) here.searchParams.set("node", node);
      else here.searchParams.delete("node");
      history.replaceState(null, "", here);
      quiet = false;
    }
    this.replace(text, response.ok && !quiet);
    if (response.ok && node && node !== before) this.querySelector<HTMLInputElement>(".set [name^='s.label']")?.select();
  }

  /** Show a new inside; `whole` false leaves alone what somebody may be typing in. */
  private replace(text: string, whole: boolean): void {
    const found = new DOMParser().parseFromString(text, "text/html").body;
    const focused = document.activeElement instanceof HTMLElement && this.contains(document.activeElement) ? document.activeElement : null;
    const path = focused?.closest<HTMLElement>(".part")?.dataset.path;
    const typed = this.querySelector<HTMLInputElement>("[data-find]")?.value ?? "";
    if (whole) this.replaceChildren(...found.childNodes);
    else {
      for (const name of PARTS) this.querySelector(`[data-part=${name}]`)?.replaceWith(found.querySelector(`[data-part=${name}]`) ?? "");
      this.querySelectorAll<HTMLElement>(".part").forEach((part) => {
        const fresh = found.querySelector(`.part[data-path="${CSS.escape(part.dataset.path ?? "")}"]`);
        if (fresh && !part.contains(document.activeElement)) part.replaceWith(fresh);
      });
      this.errors(found);
    }
    const search = this.querySelector<HTMLInputElement>("[data-find]");
    if (search && typed) {
      search.value = typed;
      this.find(search);
    }
    if (whole && path) this.querySelector<HTMLElement>(`.part[data-path="${CSS.escape(path)}"] .name`)?.focus();
    else if (whole && focused?.id) document.getElementById(focused.id)?.focus();
    this.wire();
  }

  /** The messages beside the settings, without touching the inputs. */
  private errors(found: HTMLElement): void {
    for (const field of this.querySelectorAll<HTMLElement>(".set [data-setting]")) {
      const fresh = found.querySelector(`.set [data-setting="${CSS.escape(field.dataset.setting ?? "")}"]`);
      if (!fresh) continue;
      field.querySelectorAll(".err").forEach((one) => one.remove());
      field.append(...fresh.querySelectorAll(".err"));
    }
  }

  private checkJson(): void {
    const form = this.querySelector<HTMLFormElement>("form[data-json]");
    const text = form?.querySelector<HTMLTextAreaElement>("textarea");
    if (!form || !text) return;
    const told = form.querySelector<HTMLElement>("[data-json-error]")!;
    const button = form.querySelector<HTMLButtonElement>(".buttons .btn")!;
    // The textarea works alone, too: the editor is only looks and help.
    void import("./json_editor.ts").then(({ editJson }) => editJson(text, location.pathname.split("/")[2] ?? ""), () => undefined);
    text.addEventListener("input", () => {
      let wrong = "";
      try {
        JSON.parse(text.value);
      } catch (error) {
        const at = /position (\d+)/.exec((error as Error).message);
        const line = at ? text.value.slice(0, Number(at[1])).split("\n").length : text.value.split("\n").length;
        wrong = t("Line {line}: this is not JSON.", { line });
        told.dataset.line = String(line);
      }
      told.textContent = wrong;
      told.hidden = !wrong;
      button.disabled = !!wrong;
      text.setAttribute("aria-invalid", String(!!wrong));
    });
  }
}

if (!customElements.get("xrm-designer")) customElements.define("xrm-designer", Designer);
