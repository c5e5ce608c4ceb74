// <xrm-composer>: writes notes, calls and tasks about a record; @ names people, # records, / puts in texts; drafts survive a crash.
import { api, ApiError, did, h, icon, place, search, send, t, toast, type Hit } from "../core.ts";
import { wireFragment } from "../forms.ts";
import { showProblems, type RecordView } from "./record.ts";

interface Draft { way: string; values: [string, string][]; at: number }
interface Offer { label: string; sub?: string; text: string; save?: boolean }
const TEXTS = "xrm:texts";

export class Composer extends HTMLElement {
  private list?: HTMLElement;
  private offers: Offer[] = [];
  private active = 0;
  private started = -1;

  connectedCallback(): void {
    const keys = ["n", "l", "@"];
    for (const form of this.forms) {
      const label = this.querySelector<HTMLElement>(`label[for="${this.radio(form.dataset.way ?? "")?.id}"]`);
      if (label && form.dataset.letter && keys.includes(form.dataset.letter)) label.dataset.key = form.dataset.letter;
      form.addEventListener("submit", (event) => void this.save(event, form));
      form.addEventListener("input", (event) => this.typed(form, event));
      form.addEventListener("keydown", (event) => this.key(event, form));
      form.addEventListener("focusout", () => window.setTimeout(() => { if (!this.contains(document.activeElement)) this.close(); }, 150));
      form.addEventListener("change", (event) => {
        const select = (event.target as Element).closest<HTMLSelectElement>("select[data-template]");
        if (select?.value) void this.fill(form, select);
      });
      wireFragment(form);
    }
    // The key of a way clicks its label: the text is where one wants to be then, at once, since typing goes on.
    this.addEventListener("click", (event) => {
      const label = (event.target as Element).closest<HTMLLabelElement>(".ways label");
      if (!(label?.control instanceof HTMLInputElement)) return;
      event.preventDefault();
      label.control.checked = true;
      this.focusWay();
    });
    document.addEventListener("keydown", this.at);
    this.restore();
  }

  disconnectedCallback(): void {
    document.removeEventListener("keydown", this.at);
  }

  private at = (event: KeyboardEvent): void => {
    if (event.key !== "@" || event.defaultPrevented || document.body.dataset.shortcuts === "off" || document.querySelector("dialog[open]")) return;
    if ((event.target as Element).closest?.("input, textarea, select, [contenteditable]")) return;
    const label = this.querySelector<HTMLElement>('label[data-key="@"]');
    if (!label?.checkVisibility()) return;
    event.preventDefault();
    label.click();
  };

  private get forms(): HTMLFormElement[] { return [...this.querySelectorAll<HTMLFormElement>("form.way")]; }
  private radio(way: string): HTMLInputElement | null { return this.querySelector(`.ways input[data-way="${way}"]`); }
  private get chosen(): HTMLFormElement | undefined {
    const way = this.querySelector<HTMLInputElement>(".ways input:checked")?.dataset.way;
    return this.forms.find((form) => form.dataset.way === way);
  }

  private focusWay(): void {
    const form = this.chosen;
    (form?.querySelector<HTMLElement>("textarea") ?? form?.querySelector<HTMLElement>("input:not([type=hidden])"))?.focus();
    const texts = this.forms.map((one) => one.querySelector<HTMLTextAreaElement>("textarea")).filter((area) => !!area);
    const typed = texts.find((area) => area.value);
    const own = form?.querySelector<HTMLTextAreaElement>("textarea");
    // What was typed as a note becomes the call when one thinks better of it.
    if (own && typed && !own.value) {
      own.value = typed.value;
      typed.value = "";
    }
  }

  private async save(event: SubmitEvent, form: HTMLFormElement): Promise<void> {
    event.preventDefault();
    event.stopPropagation();
    if (form.hasAttribute("aria-busy")) return;
    form.setAttribute("aria-busy", "true");
    const body = new FormData(form);
    body.delete("_csrf");
    try {
      const { data, change } = await send<{ text: string; undo?: string }>("POST", form.action, body);
      form.reset();
      for (const old of form.querySelectorAll(".err")) old.remove();
      this.keep(null);
      const record = this.closest<RecordView>("xrm-record");
      const back = data.undo;
      if (back) toast(data.text, { label: t("Undo"), act: () => void this.takeBack(back, record) });
      else did(data.text, change, () => void record?.reload());
      await record?.reload();
    } catch (error) {
      showProblems(form, error as ApiError);
    } finally {
      form.removeAttribute("aria-busy");
    }
  }

  /** A mail waits for a moment before it leaves; until then it is not too late. */
  private async takeBack(url: string, record: RecordView | null): Promise<void> {
    try {
      const { data } = await send<{ text: string }>("POST", url, new FormData());
      toast(data.text);
    } catch (error) {
      toast((error as Error).message, { kind: "bad" });
    }
    await record?.reload();
  }

  /** Subject and text as a template says them for this record. */
  private async fill(form: HTMLFormElement, select: HTMLSelectElement): Promise<void> {
    try {
      const made = await api<{ subject: string; text: string }>("GET", `${select.dataset.template}?name=${encodeURIComponent(select.value)}`);
      for (const [name, value] of Object.entries(made)) {
        const control = form.elements.namedItem(name);
        if (control instanceof HTMLInputElement || control instanceof HTMLTextAreaElement) control.value = value;
      }
      this.keep(form);
    } catch (error) {
      toast((error as Error).message, { kind: "bad" });
    }
  }

  // -- drafts ----------------------------------------------------------------------------------------------------------

  private get name(): string { return `xrm:draft:${this.dataset.draft}`; }

  private keep(form: HTMLFormElement | null): void {
    try {
      const values = form ? [...new FormData(form)].filter(([name, value]) => typeof value === "string" && value && !["_csrf", "writing"].includes(name)) as [string, string][] : [];
      const text = form?.querySelector("textarea")?.value.trim() ?? "";
      if (text || values.some(([name, value]) => form?.querySelector<HTMLInputElement>(`input[type=text][name="${CSS.escape(name)}"]`)?.value === value)) {
        localStorage.setItem(this.name, JSON.stringify({ way: form?.dataset.writing ?? "", values, at: Date.now() } satisfies Draft));
      } else localStorage.removeItem(this.name);
    } catch { /* storage is off: drafts are a comfort, not a need */ }
  }

  private restore(): void {
    let draft: Draft | null = null;
    try {
      draft = JSON.parse(localStorage.getItem(this.name) ?? "null") as Draft | null;
    } catch { /* storage is off */ }
    const form = this.forms.find((one) => one.dataset.writing === draft?.way);
    if (!draft || !form) return;
    const radio = this.radio(form.dataset.way ?? "");
    if (radio) radio.checked = true;
    for (const [name, value] of draft.values) {
      const control = form.elements.namedItem(name);
      if (control instanceof HTMLTextAreaElement || control instanceof HTMLSelectElement || (control instanceof HTMLInputElement && !["checkbox", "radio"].includes(control.type))) control.value = value;
    }
    const away = h("button", { class: "btn sm quiet", type: "button" }, t("Discard"));
    const told = h("p", { class: "notice draft" }, icon("history"), t("Your draft is back."), away);
    away.addEventListener("click", () => {
      form.reset();
      this.keep(null);
      told.remove();
      this.focusWay();
    });
    form.addEventListener("submit", () => told.remove());
    this.prepend(told);
  }

  // -- people, records and texts while typing ----------------------------------------------------------------------------

  private typed(form: HTMLFormElement, event: Event): void {
    this.keep(form);
    const area = event.target as HTMLTextAreaElement;
    if (area.matches("textarea[data-mentions]")) void this.suggest(area);
  }

  private async suggest(area: HTMLTextAreaElement): Promise<void> {
    const before = area.value.slice(0, area.selectionStart);
    const found = /(?:^|\s)([@#])([^\n@#]{0,40})$/.exec(before) ?? /(?:^|\n)(\/)(\S{0,40})$/.exec(before);
    if (!found) return this.close();
    const [, sign, query = ""] = found;
    const started = before.length - query.length - 1;
    const offers = sign === "@" ? this.people(query) : sign === "#" ? await this.records(query) : this.texts(query, area, started);
    if (area.value.slice(0, area.selectionStart) !== before) return;
    this.started = started;
    this.show(area, offers);
  }

  private people(query: string): Offer[] {
    const wanted = query.toLowerCase();
    const all = [...this.querySelectorAll<HTMLOptionElement>(".people option")];
    return all.filter((one) => one.text.toLowerCase().includes(wanted)).slice(0, 8).map((one) => ({ label: one.text, text: `[@${one.text.replace(/[[\]\n]/g, "")}](user:${one.value}) ` }));
  }

  private async records(query: string): Promise<Offer[]> {
    if (query.trim().length < 2) return [];
    const hits = await search(query.trim(), [], undefined, 8).catch(() => [] as Hit[]);
    return hits.map((hit) => ({ label: hit.title, sub: hit.subtitle ?? hit.module, text: `[${hit.title.replace(/[[\]\n]/g, "")}](/m/${hit.module}/${hit.id}) ` }));
  }

  /** Texts that this person keeps in this browser, and keeping what is written as one of them. */
  private texts(query: string, area: HTMLTextAreaElement, started: number): Offer[] {
    const wanted = query.toLowerCase();
    const rest = area.value.slice(0, started).trim();
    const found: Offer[] = texts().filter((text) => text.toLowerCase().includes(wanted)).slice(0, 8).map((text) => ({ label: text.split("\n")[0]!.slice(0, 60), text }));
    if (rest) found.push({ label: t("Keep this text as a template"), text: rest, save: true });
    return found;
  }

  private show(area: HTMLTextAreaElement, offers: Offer[]): void {
    this.offers = offers;
    this.active = 0;
    if (!offers.length) return this.close();
    if (!this.list) {
      this.list = h("div", { class: "menu combo", popover: "manual", role: "listbox", id: "mentions", "aria-label": t("Suggestions") });
      this.list.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        const option = (event.target as Element).closest<HTMLElement>("[role=option]");
        const into = this.chosen?.querySelector("textarea");
        if (option && into) this.take(into, Number(option.dataset.index));
      });
      this.append(this.list);
    }
    this.list.replaceChildren(...offers.map((offer, index) => h("div", { class: "item", role: "option", id: `mention-${index}`, "data-index": String(index), "aria-selected": String(index === 0) }, h("span", { class: "clip" }, offer.label), offer.sub && h("span", { class: "muted clip" }, offer.sub))));
    if (!this.list.matches(":popover-open")) this.list.showPopover();
    place(this.list, area);
    area.setAttribute("aria-controls", "mentions");
    area.setAttribute("aria-activedescendant", "mention-0");
  }

  private close(): void {
    if (this.list?.matches(":popover-open")) this.list.hidePopover();
    this.offers = [];
    for (const area of this.querySelectorAll("textarea")) {
      area.removeAttribute("aria-activedescendant");
      area.removeAttribute("aria-controls");
    }
  }

  private take(area: HTMLTextAreaElement, index: number): void {
    const offer = this.offers[index];
    if (!offer) return;
    if (offer.save) {
      keepText(offer.text);
      area.setRangeText("", this.started, area.selectionStart, "end");
    } else area.setRangeText(offer.text, this.started, area.selectionStart, "end");
    this.close();
    area.focus();
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  private key(event: KeyboardEvent, form: HTMLFormElement): void {
    const area = event.target as HTMLTextAreaElement;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      event.stopPropagation();
      return form.requestSubmit();
    }
    if (!this.offers.length) {
      if (event.key === "Escape" && area.matches("textarea, input")) {
        event.preventDefault();
        event.stopPropagation();
        area.blur();
      }
      return;
    }
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      this.active = (this.active + (event.key === "ArrowDown" ? 1 : this.offers.length - 1)) % this.offers.length;
      this.list?.querySelectorAll("[role=option]").forEach((option, index) => option.setAttribute("aria-selected", String(index === this.active)));
      area.setAttribute("aria-activedescendant", `mention-${this.active}`);
    } else if (event.key === "Enter" || event.key === "Tab") this.take(area, this.active);
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

function texts(): string[] {
  try {
    return JSON.parse(localStorage.getItem(TEXTS) ?? "[]") as string[];
  } catch {
    return [];
  }
}

function keepText(text: string): void {
  try {
    localStorage.setItem(TEXTS, JSON.stringify([text, ...texts().filter((one) => one !== text)].slice(0, 30)));
  } catch { /* storage is off */ }
}
