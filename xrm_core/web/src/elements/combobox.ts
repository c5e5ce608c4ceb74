// <xrm-combobox>: upgrades a <select> to a search, over records or (data-local) over its own many options; without scripts it stays.
import { debounce, h, icon, search, t, type Hit } from "../core.ts";

export class Combobox extends HTMLElement {
  private select!: HTMLSelectElement;
  private input!: HTMLInputElement;
  private list!: HTMLElement;
  private picked!: HTMLElement;
  private shown: Hit[] = [];
  private active = -1;
  private request?: AbortController;

  private get many(): boolean { return this.hasAttribute("data-many"); }
  private get modules(): string[] { return (this.dataset.modules ?? "").split(" ").filter(Boolean); }

  connectedCallback(): void {
    const select = this.querySelector("select");
    if (!select || select.hidden || select.disabled) return;
    this.select = select;
    const id = select.id;
    select.id = `${id}-select`;
    select.hidden = true;
    select.required = false;
    this.input = h("input", { class: "input", type: "text", id, role: "combobox", "aria-expanded": "false", "aria-controls": `${id}-list`, "aria-autocomplete": "list", autocomplete: "off", placeholder: t("Search…"), "aria-invalid": select.getAttribute("aria-invalid"), "aria-describedby": select.getAttribute("aria-describedby") });
    this.list = h("div", { class: "menu combo", popover: "manual", role: "listbox", id: `${id}-list`, "aria-label": this.dataset.label ?? "" });
    this.picked = h("div", { class: "chips wrap" });
    this.append(this.picked, this.input, this.list);
    const fetch = debounce(120, () => void this.ask());
    this.input.addEventListener("input", () => {
      if (!this.many && !this.input.value.trim()) this.choose(null);
      fetch();
    });
    this.input.addEventListener("focus", () => this.input.select());
    this.input.addEventListener("click", () => void this.ask());
    this.input.addEventListener("blur", () => this.close());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      const option = (event.target as Element).closest<HTMLElement>("[role=option]");
      if (option) this.choose(this.shown[Number(option.dataset.index)] ?? null);
    });
    this.show();
  }

  private async ask(): Promise<void> {
    const text = this.input.value.trim();
    const known = !this.many && text === this.chosen()[0]?.text;
    this.request?.abort();
    this.request = new AbortController();
    if (!text || known) return this.render(this.offered());
    if (this.hasAttribute("data-local")) return this.render(this.matching(text));
    try {
      this.render(await search(text, this.modules, this.request.signal));
    } catch (error) {
      if ((error as Error).name !== "AbortError") this.render([]);
    }
  }

  /** Options that hold the text; in an open vocabulary the text itself may be added. */
  private matching(text: string): Hit[] {
    const wanted = text.toLowerCase();
    const all = [...this.select.options].filter((option) => option.value);
    const found = all.filter((option) => !option.selected && option.text.toLowerCase().includes(wanted));
    found.sort((a, b) => Number(b.text.toLowerCase().startsWith(wanted)) - Number(a.text.toLowerCase().startsWith(wanted)));
    const hits: Hit[] = found.slice(0, 40).map((option) => ({ module: "", id: option.value, title: option.text }));
    if (this.hasAttribute("data-open") && !all.some((option) => option.text.toLowerCase() === wanted)) hits.push({ module: "", id: text, title: text, subtitle: t("add") });
    return hits;
  }

  /** The records the page came with, shown before anything is typed. */
  private offered(): Hit[] {
    return [...this.select.options].filter((option) => option.value && !(this.many && option.selected)).slice(0, this.hasAttribute("data-local") ? 200 : 12).map((option) => {
      const [module, id] = this.hasAttribute("data-poly") && option.value.includes(":") ? option.value.split(":") as [string, string] : [this.modules[0] ?? "", option.value];
      return { module, id, title: option.text };
    });
  }

  private render(hits: Hit[]): void {
    if (document.activeElement !== this.input) return;
    this.shown = hits;
    this.active = hits.length ? 0 : -1;
    this.list.replaceChildren(...hits.map((hit, index) => h("div", { class: "item", role: "option", id: `${this.list.id}-${index}`, "data-index": String(index), "aria-selected": "false" }, h("span", { class: "clip" }, hit.title), h("span", { class: "muted clip" }, hit.subtitle ?? (this.modules.length > 1 ? hit.module : "")))));
    const text = this.input.value.trim();
    if (this.dataset.create && text && text !== this.chosen()[0]?.text && this.closest("form.quick")) {
      // In the short form a record that is missing is made on the way.
      this.shown = [...hits, { module: "", id: "", title: text }];
      this.list.append(h("div", { class: "item", role: "option", id: `${this.list.id}-${hits.length}`, "data-index": String(hits.length), "aria-selected": "false" }, icon("plus"), h("span", { class: "clip" }, t("Create “{text}”", { text }))));
      this.active = 0;
    } else if (!hits.length) this.list.append(h("div", { class: "head" }, t("Nothing found")));
    if (!this.list.matches(":popover-open")) this.list.showPopover();
    this.input.setAttribute("aria-expanded", "true");
    const box = this.input.getBoundingClientRect();
    Object.assign(this.list.style, { left: `${box.left}px`, width: `${box.width}px`, maxWidth: "none" });
    const height = this.list.getBoundingClientRect().height;
    this.list.style.top = box.bottom + height + 6 > innerHeight && box.top > height ? `${box.top - height - 4}px` : `${box.bottom + 4}px`;
    this.mark();
  }

  private mark(): void {
    this.list.querySelectorAll<HTMLElement>("[role=option]").forEach((option, index) => {
      option.setAttribute("aria-selected", String(index === this.active));
      if (index === this.active) {
        this.input.setAttribute("aria-activedescendant", option.id);
        option.scrollIntoView({ block: "nearest" });
      }
    });
  }

  private key(event: KeyboardEvent): void {
    const isOpen = this.list.matches(":popover-open");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) return void this.ask();
      const size = this.shown.length;
      if (size) this.active = (this.active + (event.key === "ArrowDown" ? 1 : size - 1)) % size;
      this.mark();
    } else if (event.key === "Enter" && isOpen && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      this.choose(this.shown[this.active] ?? null);
    } else if (event.key === "Escape" && isOpen) {
      event.preventDefault();
      event.stopPropagation();
      this.close();
    } else if (event.key === "Backspace" && this.many && !this.input.value) {
      const last = this.chosen().at(-1);
      if (last) this.unpick(last);
    }
  }

  private chosen(): HTMLOptionElement[] {
    return [...this.select.selectedOptions].filter((option) => option.value);
  }

  private choose(hit: Hit | null): void {
    if (hit && !hit.id && this.dataset.create) {
      const detail = { module: this.modules[0], text: hit.title, choose: (id: string, title: string) => this.choose({ module: this.modules[0] ?? "", id, title }) };
      this.close();
      this.dispatchEvent(new CustomEvent("xrm:create-linked", { detail, bubbles: true, cancelable: true }));
      return;
    }
    if (!this.many) for (const option of this.select.options) option.selected = false;
    if (hit) {
      const value = this.hasAttribute("data-poly") ? `${hit.module}:${hit.id}` : hit.id;
      let option = [...this.select.options].find((other) => other.value === value);
      if (!option) {
        option = new Option(hit.title, value);
        this.select.add(option);
      }
      option.selected = true;
    } else if (!this.many) this.select.value = "";
    this.select.dispatchEvent(new Event("input", { bubbles: true }));
    if (hit || !this.input.value.trim()) this.show();
    // What comes next may lie below the list; typing or an arrow key opens it again.
    this.close();
  }

  private unpick(option: HTMLOptionElement): void {
    option.selected = false;
    this.show();
  }

  private show(): void {
    const chosen = this.chosen();
    if (!this.many) {
      this.input.value = chosen[0]?.text ?? "";
      return;
    }
    this.input.value = "";
    this.picked.replaceChildren(...chosen.map((option) => {
      const button = h("button", { type: "button", "aria-label": t("Remove {label}", { label: option.text }) }, icon("x"));
      button.addEventListener("click", () => this.unpick(option));
      return h("span", { class: "chip tag" }, h("span", {}, option.text), button);
    }));
  }

  private close(): void {
    if (this.list.matches(":popover-open")) this.list.hidePopover();
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    // Text that was typed but not chosen is not a link: show what is really linked.
    if (document.activeElement !== this.input) this.show();
  }
}
