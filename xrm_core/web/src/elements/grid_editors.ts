// Editors of cells, built from what the page knows of the field: one input per kind of value, no request.
import { h, icon, place, search, t, type Hit } from "../core.ts";
import { chip, instant, local, number, plain, text, type Column, type Meta, type Reference } from "./grid_cells.ts";

export interface Editor {
  element: HTMLElement;
  /** What was entered, in the form of the API; null for nothing. */
  value(): unknown;
  focus(): void;
  /** A key that the editor wants for itself, such as an arrow in a list; true: taken. */
  key?(event: KeyboardEvent): boolean;
  close?(): void;
  /** Layers outside of the cell that belong to the editor. */
  layer?: HTMLElement;
}

/** The editor of a column; `typed` is what was typed to open it and takes the place of the value. */
export function editor(column: Column, value: unknown, typed: string | null, meta: Meta, done: () => void): Editor {
  switch (column.w) {
    case "boolean": return choice(column, value === null ? null : String(value), typed, [["true", t("Yes"), "green"], ["false", t("No"), "gray"]], (name) => name === null ? null : name === "true", done);
    case "select": return choice(column, value as string | null, typed, column.o ?? [], (name) => name, done);
    case "user": return choice(column, value as string | null, typed, meta.users.map(([id, name]) => [id, name, ""]), (name) => name, done);
    case "link": return linked(column, value as Reference | null, typed, done);
    case "multi_select": return several(column, (value as string[] | null) ?? [], typed);
    case "textarea": return area(column, value, typed);
    case "date_range": return range(column, value as { start?: string; end?: string } | null);
    case "date": return plainInput(column, "date", typed === null ? String(value ?? "") : "", null, (found) => found);
    case "datetime": return plainInput(column, "datetime-local", value ? local(String(value), meta.zone) : "", null, (found) => instant(found, meta.zone));
    case "number":
    case "rating": return plainInput(column, "text", value === null ? "" : plain(String(value), meta), typed, (found) => {
      const read = number(found, meta);
      return (column.t === "integer" || column.w === "rating") && /^-?\d+$/.test(read) ? Number(read) : read;
    }, "decimal");
    case "money": return plainInput(column, "text", text(value, column, meta), typed, (found) => money(found, column, value, meta));
    default: return plainInput(column, column.w === "email" ? "email" : column.w === "phone" ? "tel" : "text", text(value, column, meta), typed, (found) => found);
  }
}

function money(written: string, column: Column, before: unknown, meta: Meta): unknown {
  const known = before as { currency?: string; per?: string } | null;
  const [amount = "", per] = written.split("/").map((part) => part.trim());
  const code = /([A-Za-z]{3})\s*$/.exec(amount)?.[1] ?? /^\s*([A-Za-z]{3})/.exec(amount)?.[1];
  const sign = /[€$£]/.exec(amount)?.[0];
  const currency = code?.toUpperCase() ?? (sign ? { "€": "EUR", $: "USD", "£": "GBP" }[sign] : undefined) ?? column.s?.currency ?? known?.currency ?? meta.currency;
  const bare = amount.replace(code ?? "", "").replace(/[€$£]/g, "");
  const unit = per ?? known?.per ?? column.s?.per?.[0];
  return { amount: number(bare, meta), currency, ...(column.t === "money_rate" && unit ? { per: unit } : {}) };
}

function plainInput(column: Column, type: string, value: string, typed: string | null, read: (found: string) => unknown, mode = ""): Editor {
  const input = h("input", { class: "cell-input", type: type === "email" ? "text" : type, "aria-label": column.l, autocomplete: "off", inputmode: mode || null, spellcheck: "false" });
  input.value = typed ?? value;
  return {
    element: input,
    value: () => input.value.trim() ? read(input.value.trim()) : null,
    focus: () => {
      input.focus();
      if (typed === null && type !== "date" && type !== "datetime-local") input.select();
    },
  };
}

function area(column: Column, value: unknown, typed: string | null): Editor {
  const input = h("textarea", { class: "input cell-area", "aria-label": column.l, rows: "6" });
  input.value = typed ?? String(value ?? "");
  const layer = h("div", { class: "cell-layer", popover: "manual" }, input, h("p", { class: "hint" }, t("Shift+Enter: new line")));
  return over(layer, {
    value: () => input.value.trim() || null,
    focus: () => {
      input.focus();
      input.setSelectionRange(input.value.length, input.value.length);
    },
    key: (event) => event.key === "Enter" && event.shiftKey || ["Home", "End", "ArrowUp", "ArrowDown"].includes(event.key),
  });
}

function range(column: Column, value: { start?: string; end?: string } | null): Editor {
  const start = h("input", { class: "input", type: "date", "aria-label": `${column.l}: ${t("from")}` });
  const end = h("input", { class: "input", type: "date", "aria-label": `${column.l}: ${t("to")}` });
  start.value = value?.start ?? "";
  end.value = value?.end ?? "";
  const layer = h("div", { class: "cell-layer pair", popover: "manual" }, start, h("span", { "aria-hidden": "true" }, "–"), end);
  return over(layer, {
    value: () => start.value || end.value ? { ...(start.value ? { start: start.value } : {}), ...(end.value ? { end: end.value } : {}) } : null,
    focus: () => start.focus(),
    key: (event) => event.key === "Tab" && (event.shiftKey ? event.target === end : event.target === start),
  });
}

/** An editor in a layer of its own at the cell, which keeps its place in the row. */
function over(layer: HTMLElement, rest: Omit<Editor, "element" | "layer">): Editor {
  const anchor = h("span", { class: "cell-anchor" });
  const { focus } = rest;
  return {
    ...rest,
    element: anchor,
    layer,
    focus: () => {
      (anchor.closest("dialog, xrm-grid") ?? document.body).append(layer);
      layer.showPopover();
      place(layer, anchor.parentElement ?? anchor);
      focus();
    },
    close: () => layer.remove(),
  };
}

interface Item { id: string; label: string; hue?: string; sub?: string; module?: string }

/** A text input with a list below it. */
class Picker {
  readonly input: HTMLInputElement;
  readonly list: HTMLElement;
  items: Item[] = [];
  active = -1;
  private readonly pick: (item: Item) => void;
  private readonly marked: (item: Item) => boolean;

  constructor(name: string, pick: (item: Item) => void, marked: (item: Item) => boolean) {
    const id = `pick-${Math.random().toString(36).slice(2, 8)}`;
    this.pick = pick;
    this.marked = marked;
    this.input = h("input", { class: "cell-input", role: "combobox", "aria-label": name, "aria-expanded": "true", "aria-controls": id, "aria-autocomplete": "list", autocomplete: "off", spellcheck: "false" });
    this.list = h("div", { class: "menu combo cell-list", role: "listbox", id, popover: "manual", "aria-label": name });
    this.list.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      const option = (event.target as Element).closest<HTMLElement>("[role=option]");
      const item = this.items[Number(option?.dataset.index ?? -1)];
      if (item) pick(item);
    });
  }

  show(items: Item[], active: number): void {
    this.items = items;
    this.active = Math.min(active, items.length - 1);
    this.list.replaceChildren(...(items.length ? items.map((item, i) => h("div", { role: "option", id: `${this.list.id}-${i}`, "data-index": String(i), "aria-selected": String(this.marked(item)) },
      this.marked(item) ? icon("check") : null, item.hue ? h("span", { class: "chip", "data-hue": item.hue }, h("span", {}, item.label)) : h("span", { class: "clip" }, item.label), item.sub ? h("span", { class: "sub" }, item.sub) : null)) : [h("div", { class: "none" }, t("Nothing found"))]));
    this.light();
    if (!this.list.isConnected) (this.input.closest("dialog, xrm-grid") ?? document.body).append(this.list);
    if (!this.list.matches(":popover-open")) this.list.showPopover();
    place(this.list, this.input.parentElement ?? this.input);
  }

  move(by: number): void {
    if (!this.items.length) return;
    this.active = (this.active + by + this.items.length) % this.items.length;
    this.light();
  }

  choose(): boolean {
    const item = this.items[this.active];
    if (item) this.pick(item);
    return !!item;
  }

  private light(): void {
    for (const [i, option] of [...this.list.children].entries()) {
      option.classList.toggle("on", i === this.active);
      if (i === this.active) option.scrollIntoView({ block: "nearest" });
    }
    if (this.active >= 0) this.input.setAttribute("aria-activedescendant", `${this.list.id}-${this.active}`);
    else this.input.removeAttribute("aria-activedescendant");
  }
}

const matches = (items: Item[], wanted: string): Item[] => {
  const low = wanted.toLowerCase();
  const found = items.filter((item) => item.label.toLowerCase().includes(low));
  return found.sort((a, b) => Number(b.label.toLowerCase().startsWith(low)) - Number(a.label.toLowerCase().startsWith(low)));
};

function choice(column: Column, value: string | null, typed: string | null, options: readonly (readonly [string, string, string, 1?])[], read: (name: string | null) => unknown, done: () => void): Editor {
  const all: Item[] = options.filter((option) => !option[3] || option[0] === value).map(([id, label, hue]) => ({ id, label, hue }));
  if (!column.req) all.push({ id: "", label: t("(empty)") });
  let chosen = value;
  const picker = new Picker(column.l, (item) => {
    chosen = item.id || null;
    done();
  }, (item) => item.id === (chosen ?? ""));
  picker.input.addEventListener("input", () => picker.show(matches(all, picker.input.value.trim()), 0));
  return {
    element: picker.input,
    layer: picker.list,
    value: () => read(chosen),
    focus: () => {
      picker.input.focus();
      picker.input.value = typed ?? "";
      picker.input.placeholder = all.find((item) => item.id === value)?.label ?? "";
      picker.show(typed ? matches(all, typed) : all, typed ? 0 : Math.max(0, all.findIndex((item) => item.id === (value ?? ""))));
    },
    key: (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        picker.move(event.key === "ArrowDown" ? 1 : -1);
        return true;
      }
      // What is marked in the list is what was meant, by Enter as well as by Tab.
      if ((event.key === "Enter" || event.key === "Tab") && picker.active >= 0) chosen = picker.items[picker.active]?.id || null;
      return event.key === "Home" || event.key === "End";
    },
    close: () => picker.list.remove(),
  };
}

function linked(column: Column, value: Reference | null, typed: string | null, done: () => void): Editor {
  let chosen = value;
  let asked: AbortController | undefined;
  const none: Item[] = column.req ? [] : [{ id: "", label: t("(empty)") }];
  const picker = new Picker(column.l, (item) => {
    chosen = item.id ? { id: item.id, title: item.label, module: item.module ?? "" } : null;
    done();
  }, (item) => item.id === (chosen?.id ?? ""));
  const ask = async (): Promise<void> => {
    const wanted = picker.input.value.trim();
    asked?.abort();
    if (!wanted) return picker.show([...(value ? [{ id: value.id, label: value.title }] : []), ...none], -1);
    asked = new AbortController();
    try {
      const hits: Hit[] = await search(wanted, column.m ?? [], asked.signal);
      picker.show(hits.map((hit) => ({ id: hit.id, label: hit.title, sub: hit.subtitle ?? "", module: hit.module })), 0);
    } catch { /* aborted, or the server cannot be reached: the list stays */ }
  };
  picker.input.addEventListener("input", () => void ask());
  return {
    element: picker.input,
    layer: picker.list,
    value: () => chosen,
    focus: () => {
      picker.input.focus();
      picker.input.value = typed ?? "";
      picker.input.placeholder = value?.title ?? t("Search…");
      void ask();
    },
    key: (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        picker.move(event.key === "ArrowDown" ? 1 : -1);
        return true;
      }
      const item = picker.items[picker.active];
      if ((event.key === "Enter" || event.key === "Tab") && item) chosen = item.id ? { id: item.id, title: item.label, module: item.module ?? "" } : null;
      return false;
    },
    close: () => {
      asked?.abort();
      picker.list.remove();
    },
  };
}

function several(column: Column, value: string[], typed: string | null): Editor {
  const all: Item[] = (column.o ?? []).filter((option) => !option[3] || value.includes(option[0])).map(([id, label, hue]) => ({ id, label, hue }));
  for (const name of value) if (!all.some((item) => item.id === name)) all.push({ id: name, label: name });
  const chosen = new Set(value);
  const box = h("span", { class: "cell-several" });
  const draw = (): void => {
    for (const old of box.querySelectorAll(".chip")) old.remove();
    box.prepend(...[...chosen].map((name) => chip(column, name)));
  };
  const found = (): Item[] => {
    const wanted = picker.input.value.trim();
    const items = (wanted ? matches(all, wanted) : [...all].sort((a, b) => Number(value.includes(b.id)) - Number(value.includes(a.id)))).slice(0, 200);
    if (wanted && column.s?.open && !all.some((item) => item.label.toLowerCase() === wanted.toLowerCase())) items.push({ id: wanted, label: wanted, sub: t("add") });
    return items;
  };
  const picker = new Picker(column.l, (item) => {
    if (!chosen.delete(item.id)) chosen.add(item.id);
    if (!all.includes(item)) all.push({ id: item.id, label: item.label });
    picker.input.value = "";
    draw();
    picker.show(found(), -1);
  }, (item) => chosen.has(item.id));
  picker.input.addEventListener("input", () => picker.show(found(), picker.input.value.trim() ? 0 : -1));
  box.append(picker.input);
  draw();
  return {
    element: box,
    layer: picker.list,
    value: () => chosen.size ? [...chosen] : null,
    focus: () => {
      picker.input.focus();
      picker.input.value = typed ?? "";
      picker.show(found(), typed ? 0 : -1);
    },
    key: (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") picker.move(event.key === "ArrowDown" ? 1 : -1);
      else if (event.key === "Enter" && picker.active >= 0) picker.choose();
      else if (event.key === "Backspace" && !picker.input.value && chosen.size) {
        chosen.delete([...chosen].pop() ?? "");
        draw();
        picker.show(found(), -1);
      } else return false;
      return true;
    },
    close: () => picker.list.remove(),
  };
}
