// Columns of the grid: width, order, staying, hiding, grouping, sums; all of it goes into the address.
import { ask, h, icon, place, t, typing } from "../core.ts";
import type { Grid } from "./grid.ts";

const STEP = 24;
const functions = (): [string, string][] => [["sum", t("Sum")], ["avg", t("Average")], ["min", t("Smallest")], ["max", t("Largest")]];

export class Columns {
  private readonly grid: Grid;

  constructor(grid: Grid) {
    this.grid = grid;
    grid.addEventListener("xrm:settled", () => this.draw());
    grid.addEventListener("pointerdown", (event) => this.press(event));
    document.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("click", (event) => {
      if ((event.target as Element).closest("[data-columns]")) void this.choose();
    });
    for (const button of document.querySelectorAll<HTMLElement>("[data-columns][hidden]")) button.hidden = false;
    this.draw();
    this.scrollBack();
  }

  private draw(): void {
    for (const head of this.grid.querySelectorAll<HTMLElement>(".head > .th")) {
      if (head.querySelector(".more-of")) continue;
      const label = head.querySelector(".clip")?.textContent?.trim() ?? "";
      const button = h("button", { type: "button", class: "more-of", "aria-haspopup": "menu", "aria-label": t("Column {field}", { field: label }) }, icon("chevron-down"));
      button.addEventListener("click", () => this.menu(button, head.dataset.k ?? ""));
      for (const link of head.querySelectorAll("a")) link.draggable = false;
      head.append(button, h("span", { class: "grip", "data-grip": "" }));
    }
  }

  // -- the address ------------------------------------------------------------------------------------------------------

  private get pinned(): string[] { return (this.grid.dataset.pin ?? "").split(",").filter(Boolean); }

  private url(changes: Record<string, string | null>): URL {
    const url = new URL(location.href);
    for (const name of ["cursor", "more", "at", "after", "last"]) url.searchParams.delete(name);
    for (const [name, value] of Object.entries(changes)) {
      if (value === null) url.searchParams.delete(name);
      else url.searchParams.set(name, value);
    }
    return url;
  }

  private change(changes: Record<string, string | null>): void {
    const wrap = this.grid.querySelector(".grid-wrap");
    try {
      sessionStorage.setItem("xrm:scroll", JSON.stringify([location.pathname, wrap?.scrollTop ?? 0, wrap?.scrollLeft ?? 0]));
    } catch { /* the list then begins at its top */ }
    location.assign(this.url(changes));
  }

  private scrollBack(): void {
    try {
      const [path, top, left] = JSON.parse(sessionStorage.getItem("xrm:scroll") ?? "[]") as [string, number, number];
      sessionStorage.removeItem("xrm:scroll");
      if (path === location.pathname) this.grid.querySelector(".grid-wrap")?.scrollTo(left, top);
    } catch { /* nothing to go back to */ }
  }

  private order(keys: string[]): void { this.change({ cols: keys.join(",") }); }

  private moved(key: string, by: number): string[] {
    const keys = this.grid.keys;
    const from = keys.indexOf(key);
    const to = from + by;
    if (from < 1 || to < 1 || to >= keys.length) return keys;
    keys.splice(to, 0, ...keys.splice(from, 1));
    return keys;
  }

  // -- the menu of a column ---------------------------------------------------------------------------------------------

  private menu(button: HTMLElement, key: string): void {
    document.getElementById("column-menu")?.remove();
    const index = this.grid.keys.indexOf(key);
    const column = this.grid.column(index);
    const menu = h("div", { id: "column-menu", class: "menu", popover: "", role: "menu", "aria-label": button.getAttribute("aria-label") });
    const item = (mark: string, label: string, run: () => void, checked?: boolean): void => {
      const one = h("button", { type: "button", role: checked === undefined ? "menuitem" : "menuitemradio", "aria-checked": checked === undefined ? null : String(checked), tabindex: "-1" }, icon(mark), h("span", {}, label));
      one.addEventListener("click", () => {
        menu.hidePopover();
        run();
      });
      menu.append(one);
    };
    const line = (): void => menu.append(h("hr"));
    if (column?.sort) {
      item("arrow-up", t("Sort upwards"), () => this.change({ sort: key }));
      item("arrow-down", t("Sort downwards"), () => this.change({ sort: `-${key}` }));
    }
    if (column?.group) {
      const on = this.grid.dataset.group === key;
      item("layers", on ? t("Stop grouping") : t("Group by this"), () => this.change({ group: on ? "-" : key, fold: null }));
    }
    if (index > 0) {
      const pinned = this.pinned;
      const on = pinned.includes(key);
      if (menu.children.length) line();
      item("pin", on ? t("Let it scroll") : t("Keep in view"), () => this.change({ pin: (on ? pinned.filter((one) => one !== key) : [...pinned, key]).join(",") }));
      item("arrow-left", t("Move left"), () => this.order(this.moved(key, -1)));
      item("arrow-right", t("Move right"), () => this.order(this.moved(key, 1)));
      item("eye-off", t("Hide"), () => this.order(this.grid.keys.filter((one) => one !== key)));
    }
    line();
    item("plus", t("Wider"), () => this.widen(key, STEP));
    item("minus", t("Narrower"), () => this.widen(key, -STEP));
    if (column?.agg?.length) {
      line();
      const chosen = new Map((this.grid.dataset.agg ?? "").split(",").filter(Boolean).map((part) => part.split(":") as [string, string]));
      for (const [name, label] of functions().filter(([one]) => column.agg?.includes(one))) {
        const on = chosen.get(key) === name;
        item("sigma", label, () => {
          if (on) chosen.delete(key);
          else chosen.set(key, name);
          this.change({ agg: [...chosen].map((pair) => pair.join(":")).join(",") });
        }, on);
      }
    }
    line();
    item("columns-3", t("Columns…"), () => void this.choose());
    document.body.append(menu);
    menu.showPopover();
    place(menu, button);
    const items = [...menu.querySelectorAll<HTMLElement>("button")];
    items[0]?.focus();
    menu.addEventListener("keydown", (event) => {
      const at = items.indexOf(document.activeElement as HTMLElement);
      const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      items[to % items.length]?.focus();
    });
    menu.addEventListener("toggle", (event) => { if ((event as ToggleEvent).newState === "closed" && menu.contains(document.activeElement)) button.focus(); });
  }

  // -- widths -------------------------------------------------------------------------------------------------------------

  private widen(key: string, by: number): void {
    const head = this.grid.querySelector<HTMLElement>(`.head > [data-k="${CSS.escape(key)}"]`);
    if (head) this.keep(key, Math.round(head.getBoundingClientRect().width) + by);
  }

  private show(key: string, width: number): void {
    const style = getComputedStyle(this.grid);
    const tracks = style.getPropertyValue("--cols").match(/(?:[^\s(]|\([^)]*\))+/g) ?? [];
    tracks[this.grid.keys.indexOf(key)] = `${width}px`;
    this.grid.style.setProperty("--cols", tracks.join(" "));
    const least = tracks.reduce((sum, track) => sum + Number.parseInt(/\d+/.exec(track)?.[0] ?? "0", 10), 0);
    this.grid.style.setProperty("--min", `${least}px`);
  }

  private keep(key: string, wanted: number): void {
    const width = Math.max(60, Math.min(900, wanted));
    this.show(key, width);
    const widths = new Map((new URL(location.href).searchParams.get("w") ?? this.grid.dataset.w ?? "").split(",").filter(Boolean).map((part) => part.split(":") as [string, string]));
    widths.set(key, String(width));
    const url = this.url({ w: [...widths].map((pair) => pair.join(":")).join(",") });
    if (this.pinned.length) return void location.replace(url);
    history.replaceState(history.state, "", url);
    const bar = document.getElementById("view-bar");
    if (!bar) return;
    bar.hidden = false;
    const query = bar.querySelector<HTMLInputElement>("input[name=query]");
    if (query) query.value = url.search.slice(1);
  }

  // -- dragging -------------------------------------------------------------------------------------------------------------

  private press(event: PointerEvent): void {
    const target = event.target as Element;
    const head = target.closest<HTMLElement>(".head > .th");
    if (!head || event.button !== 0 || target.closest("button")) return;
    const key = head.dataset.k ?? "";
    const start = event.clientX;
    const first = head.getBoundingClientRect();
    const sizing = target.matches("[data-grip]");
    const rtl = document.dir === "rtl" ? -1 : 1;
    let dragging = false;
    let to = -1;
    if (sizing) event.preventDefault();
    const heads = [...this.grid.querySelectorAll<HTMLElement>(".head > .th")];
    const move = (now: PointerEvent): void => {
      if (sizing) return this.show(key, Math.max(60, Math.round(first.width + (now.clientX - start) * rtl)));
      if (!dragging && Math.abs(now.clientX - start) < 8) return;
      if (heads.indexOf(head) === 0) return;
      dragging = true;
      head.classList.add("lifted");
      to = heads.findIndex((one) => now.clientX >= one.getBoundingClientRect().left && now.clientX <= one.getBoundingClientRect().right);
      for (const [i, one] of heads.entries()) one.classList.toggle("target", i === to && one !== head && i > 0);
    };
    const end = (now: PointerEvent): void => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", end);
      for (const one of heads) one.classList.remove("target", "lifted");
      if (sizing) return this.keep(key, Math.round(first.width + (now.clientX - start) * rtl));
      if (!dragging) return;
      addEventListener("click", (click) => {
        click.preventDefault();
        click.stopPropagation();
      }, { capture: true, once: true });
      const from = heads.indexOf(head);
      if (to > 0 && to !== from) this.order(this.moved(key, to - from));
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", end);
  }

  // -- which columns ----------------------------------------------------------------------------------------------------------

  private key(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || typing(event.target) || document.querySelector("dialog[open]") || document.body.dataset.shortcuts === "off") return;
    if (event.key.toLowerCase() === "o") {
      event.preventDefault();
      void this.choose();
    }
  }

  private async choose(): Promise<void> {
    const meta = await this.grid.load();
    const keys = this.grid.keys;
    const first = keys[0] ?? "title";
    const known = new Map(meta.columns.map((column) => [column.k, column.l]));
    for (const [i, key] of keys.entries()) if (!known.has(key)) known.set(key, this.grid.label(i));
    const order = [...keys, ...[...known.keys()].filter((key) => !keys.includes(key) && key !== "title")];
    const list = h("ul", { class: "columns", "aria-label": t("Columns") });
    for (const key of order) {
      const box = h("input", { type: "checkbox", name: "col", value: key, checked: keys.includes(key), disabled: key === first });
      const up = h("button", { type: "button", class: "btn sm quiet icon-only", "aria-label": t("Move {field} up", { field: known.get(key) ?? key }) }, icon("arrow-up"));
      const down = h("button", { type: "button", class: "btn sm quiet icon-only", "aria-label": t("Move {field} down", { field: known.get(key) ?? key }) }, icon("arrow-down"));
      const row = h("li", {}, h("label", { class: "check" }, box, h("span", {}, known.get(key) ?? key)), key === first ? null : up, key === first ? null : down);
      up.addEventListener("click", () => {
        const before = row.previousElementSibling;
        if (before && before !== list.firstElementChild) before.before(row);
        up.focus();
      });
      down.addEventListener("click", () => {
        row.nextElementSibling?.after(row);
        down.focus();
      });
      list.append(row);
    }
    const data = await ask(t("Columns"), t("Show"), list);
    if (!data) return;
    const chosen = [first, ...data.getAll("col").map(String).filter((key) => key !== first)];
    if (chosen.join() !== keys.join()) this.order(chosen);
  }
}
