// <xrm-grid>: cells that are selected, edited and copied by keys as in a spreadsheet; without it the list is a plain one.
import { Columns } from "./grid_columns.ts";
import { announce, api, h, refresh as tell, t, typing } from "../core.ts";
import { Blocks } from "./grid_blocks.ts";
import { raw, shown, type Column, type Meta } from "./grid_cells.ts";
import { Editing } from "./grid_editing.ts";

export interface Place { row: HTMLElement; index: number }

const BOX = 30;

export class Grid extends HTMLElement {
  meta: Meta | undefined;
  active: Place | undefined;
  /** The other corner of a block of selected cells. */
  corner: Place | undefined;
  readonly editing = new Editing(this);
  readonly blocks = new Blocks(this);
  private loading: Promise<Meta> | undefined;
  private readonly picked = new Set<string>();
  private from: string | undefined;
  private bulk: import("./bulk.ts").Bulk | undefined;
  private whole: { key: string; value: Promise<unknown> } | undefined;
  private kept: { id: string; index: number; focused: boolean } | undefined;

  connectedCallback(): void {
    if (this.hasAttribute("data-live")) return;
    this.setAttribute("data-live", "");
    this.addEventListener("keydown", (event) => this.key(event));
    this.addEventListener("focusin", (event) => this.focused(event));
    this.addEventListener("pointerdown", (event) => this.press(event));
    this.addEventListener("dblclick", (event) => {
      const at = this.placeOf(event.target as Element);
      if (at && !this.editing.open) void this.editing.start(at, null);
    });
    document.addEventListener("xrm:refresh", this.told);
    this.addEventListener("htmx:before:swap", () => this.keep());
    this.addEventListener("htmx:after:swap", () => this.settle());
    this.blocks.wire();
    this.settle();
    this.comeBack();
    addEventListener("pagehide", () => this.leaveTrace());
    addEventListener("pageshow", (event) => {
      if (event.persisted) void this.renew(this.seen());
    });
    const idle = window.requestIdleCallback ?? ((run: () => void) => setTimeout(run, 200));
    idle(() => {
      void this.load();
      if (this.querySelector(".head")) new Columns(this);
    });
  }

  disconnectedCallback(): void {
    document.removeEventListener("xrm:refresh", this.told);
  }

  /** Where one was in this list, for the way back and for a reload. */
  private leaveTrace(): void {
    const wrap = this.querySelector(".grid-wrap");
    try {
      sessionStorage.setItem("xrm:list", JSON.stringify({ url: location.pathname + location.search, top: wrap?.scrollTop ?? 0, left: wrap?.scrollLeft ?? 0, id: this.active?.row.dataset.id, index: this.active?.index, picked: this.chosen() }));
    } catch { /* the list then begins at its top */ }
  }

  private comeBack(): void {
    const way = (performance.getEntriesByType("navigation")[0] as PerformanceNavigationTiming | undefined)?.type;
    if (way !== "back_forward" && way !== "reload") return;
    try {
      const kept = JSON.parse(sessionStorage.getItem("xrm:list") ?? "{}") as { url?: string; top: number; left: number; id?: string; index?: number; picked: string[] };
      if (kept.url !== location.pathname + location.search) return;
      const row = kept.id ? this.row(kept.id) : null;
      if (row) this.go({ row, index: kept.index ?? 0 });
      this.querySelector(".grid-wrap")?.scrollTo(kept.left, kept.top);
      if (kept.picked.length) this.choose(kept.picked.filter((id) => this.row(id)));
    } catch { /* nothing to come back to */ }
  }

  /** The rows that can be seen now. */
  private seen(): string[] {
    const wrap = this.querySelector(".grid-wrap")?.getBoundingClientRect();
    if (!wrap) return [];
    return this.rows.filter((row) => {
      const box = row.getBoundingClientRect();
      return box.bottom > wrap.top && box.top < wrap.bottom;
    }).map((row) => row.dataset.id ?? "").slice(0, 60);
  }

  /** What is known of the columns; kept by the browser, so mostly there at once. */
  load(): Promise<Meta> {
    this.loading ??= api<Meta>("GET", this.dataset.meta ?? "").then((meta) => {
      this.meta = meta;
      this.setAttribute("data-ready", "");
      return meta;
    });
    this.loading.catch(() => { this.loading = undefined; });
    return this.loading;
  }

  get rows(): HTMLElement[] { return [...this.querySelectorAll<HTMLElement>("[role=rowgroup] > .row[data-id]")]; }
  get keys(): string[] { return [...this.querySelectorAll<HTMLElement>(".head > [data-k]")].map((head) => head.dataset.k ?? ""); }
  get module(): string { return this.dataset.module ?? ""; }

  row(id: string): HTMLElement | null { return this.querySelector(`.row[data-id="${CSS.escape(id)}"]`); }
  column(index: number): Column | undefined {
    const key = this.keys[index];
    return this.meta?.columns?.find((column) => column.k === key);
  }
  label(index: number): string { return this.querySelector(`.head > :nth-child(${index + 1})`)?.querySelector(".clip")?.textContent?.trim() ?? ""; }
  cell(at: Place): HTMLElement | undefined { return at.row.children[at.index] as HTMLElement | undefined; }

  placeOf(target: Element | null): Place | undefined {
    const cell = target?.closest<HTMLElement>(".td");
    const row = cell?.parentElement;
    if (!cell || !row?.dataset.id || !this.contains(row)) return undefined;
    return { row, index: [...row.children].indexOf(cell) };
  }

  /** Make a cell the selected one; it alone can be reached with Tab. */
  go(at: Place, extend = false): void {
    const from = this.corner ?? this.active ?? at;
    this.unmark();
    this.active = at;
    this.corner = extend && (from.row !== at.row || from.index !== at.index) ? from : undefined;
    this.mark();
    this.stop()?.focus({ preventScroll: true });
    this.reveal();
    // The rest of a long value is asked for before it is edited.
    const column = this.column(at.index);
    if (column?.f && !this.editing.open && this.cell(at)?.querySelector("[data-cut]")) void this.value(at, column).catch(() => undefined);
  }

  /** The element of the selected cell that takes the focus: the link of the first column, else the cell. */
  stop(): HTMLElement | undefined {
    const cell = this.active && this.cell(this.active);
    return cell?.querySelector<HTMLElement>(":scope > a.t") ?? cell;
  }

  private mark(): void {
    const at = this.active;
    const cell = at && this.cell(at);
    if (!at || !cell) return;
    const stop = this.stop();
    if (stop) stop.tabIndex = 0;
    const value = shown(cell);
    const column = this.column(at.index);
    if (stop === cell) cell.setAttribute("aria-label", `${this.label(at.index)}, ${value || t("empty")}`);
    if (column && !column.f) {
      cell.setAttribute("aria-readonly", "true");
      stop?.setAttribute("aria-description", column.why ?? "");
    }
    this.hint(column && !column.f ? column.why ?? "" : "");
    cell.classList.add("at");
    for (const one of this.block()) one.setAttribute("aria-selected", "true");
    if (this.corner) for (const one of this.block()) one.classList.add("in");
  }

  private unmark(): void {
    for (const cell of this.querySelectorAll<HTMLElement>(".td.at, .td.in, .td[aria-selected]")) {
      cell.classList.remove("at", "in");
      for (const name of ["aria-selected", "aria-label", "aria-readonly", "aria-description"]) cell.removeAttribute(name);
      cell.removeAttribute("tabindex");
      const link = cell.querySelector<HTMLElement>(":scope > a.t");
      if (link) {
        link.tabIndex = -1;
        link.removeAttribute("aria-description");
      }
    }
  }

  private hint(text: string): void {
    let place = this.querySelector<HTMLElement>(".foot .why");
    if (!place && text) {
      place = h("span", { class: "why" });
      this.querySelector(".foot .num")?.after(place);
    }
    if (place) place.textContent = text;
  }

  /** The selected cells, row by row. */
  area(): HTMLElement[][] {
    const at = this.active;
    if (!at) return [];
    const other = this.corner ?? at;
    const rows = this.rows;
    const [top, bottom] = [rows.indexOf(at.row), rows.indexOf(other.row)].sort((a, b) => a - b) as [number, number];
    const [left, right] = [at.index, other.index].sort((a, b) => a - b) as [number, number];
    return rows.slice(Math.max(0, top), bottom + 1).map((row) => [...row.children].slice(left, right + 1) as HTMLElement[]);
  }

  block(): HTMLElement[] { return this.area().flat(); }

  private reveal(): void {
    const cell = this.active && this.cell(this.active);
    const wrap = this.querySelector<HTMLElement>(".grid-wrap");
    if (!cell || !wrap || !this.active) return;
    const box = cell.getBoundingClientRect();
    const frame = wrap.getBoundingClientRect();
    const head = this.querySelector(".head")?.getBoundingClientRect().height ?? 0;
    const foot = this.querySelector(".sums")?.getBoundingClientRect().height ?? 0;
    if (box.top < frame.top + head) wrap.scrollTop -= frame.top + head - box.top;
    else if (box.bottom > frame.top + wrap.clientHeight - foot) wrap.scrollTop += box.bottom - frame.top - wrap.clientHeight + foot;
    if (getComputedStyle(cell).position === "sticky") return;
    const stuck = [...this.active.row.children].filter((one) => getComputedStyle(one).position === "sticky").reduce((sum, one) => sum + one.getBoundingClientRect().width, 0);
    if (box.left < frame.left + stuck) wrap.scrollLeft -= frame.left + stuck - box.left;
    else if (box.right > frame.left + wrap.clientWidth) wrap.scrollLeft += Math.min(box.right - frame.left - wrap.clientWidth, box.left - frame.left - stuck);
  }

  move(down: number, right: number, extend = false): boolean {
    const at = this.active;
    if (!at) return false;
    const rows = this.rows;
    const y = rows.indexOf(at.row) + down;
    const x = at.index + right;
    const row = rows[Math.max(0, Math.min(rows.length - 1, y))];
    if (!row) return false;
    this.go({ row, index: Math.max(0, Math.min(row.children.length - 1, x)) }, extend);
    return row === rows[y] && x >= 0 && x < row.children.length;
  }

  private focused(event: FocusEvent): void {
    const at = this.placeOf(event.target as Element);
    if (!at || this.editing.open || (this.active?.row === at.row && this.active.index === at.index)) return;
    this.unmark();
    this.active = at;
    this.corner = undefined;
    this.mark();
  }

  private press(event: PointerEvent): void {
    const target = event.target as Element;
    const at = this.placeOf(target);
    if (event.pointerType === "touch") {
      this.hold(event);
      if (this.picked.size) return;
    } else if (at && event.button === 0 && at.index === 0 && !this.editing.open && (event.shiftKey || this.onBox(event, at))) {
      event.preventDefault();
      addEventListener("click", (click) => { if (this.contains(click.target as Node)) click.preventDefault(); }, { capture: true, once: true });
      void this.editing.leave().then(() => {
        this.go(at);
        this.pick(at.row, event.shiftKey);
      });
      return;
    }
    if (!at || event.button !== 0 || this.editing.open?.contains(target) || target.closest("a, button, input")) return;
    // The cell takes the focus by itself, also where nothing in it could.
    event.preventDefault();
    void this.editing.leave().then(() => this.go(at, event.shiftKey));
  }

  /** By touch a long press selects a row, and while rows are selected a tap does. */
  private hold(event: PointerEvent): void {
    const row = (event.target as Element).closest<HTMLElement>("#list-rows > .row[data-id]");
    if (!row || !event.isPrimary || this.editing.open) return;
    const over = new AbortController();
    const { signal } = over;
    const end = () => {
      clearTimeout(timer);
      over.abort();
    };
    const select = () => {
      end();
      // Lifting the finger opens nothing, nor does the browser's own menu come.
      const until = new AbortController();
      const options = { capture: true, signal: until.signal };
      for (const name of ["click", "contextmenu"]) addEventListener(name, stop, options);
      addEventListener("pointerdown", () => until.abort(), options);
      this.pick(row, false);
    };
    const timer = window.setTimeout(select, this.picked.size ? 10_000 : 420);
    addEventListener("pointermove", (moved) => { if (Math.hypot(moved.clientX - event.clientX, moved.clientY - event.clientY) > 8) end(); }, { signal });
    addEventListener("pointercancel", end, { signal });
    addEventListener("pointerup", () => {
      if (this.picked.size) select();
      else end();
    }, { signal });
  }

  private key(event: KeyboardEvent): void {
    if (event.defaultPrevented || this.editing.key(event)) return;
    if (typing(event.target) || !this.placeOf(event.target as Element)) return;
    const at = this.active;
    if (!at) return;
    const command = event.ctrlKey || event.metaKey;
    const rows = this.rows;
    const last = at.row.children.length - 1;
    let taken = true;
    const single = document.body.dataset.shortcuts !== "off";
    if (event.altKey) taken = false;
    else if (event.key.toLowerCase() === "x" && !command && at.index === 0 && single) this.pick(at.row, event.shiftKey);
    else if (event.key === " " && (event.shiftKey || command)) this.pick(at.row, false);
    else if (command && event.key.toLowerCase() === "a") this.choose(rows.map((row) => row.dataset.id ?? ""));
    else if (event.key === "Escape" && this.picked.size && !this.corner) this.choose([]);
    else if (event.key === "ArrowDown") command ? this.move(rows.length, 0, event.shiftKey) : this.move(1, 0, event.shiftKey);
    else if (event.key === "ArrowUp") command ? this.move(-rows.length, 0, event.shiftKey) : this.move(-1, 0, event.shiftKey);
    else if (event.key === "ArrowRight") this.move(0, command ? last : document.dir === "rtl" ? -1 : 1, event.shiftKey);
    else if (event.key === "ArrowLeft") this.move(0, command ? -last : document.dir === "rtl" ? 1 : -1, event.shiftKey);
    else if (event.key === "Home") this.move(command ? -rows.length : 0, -last, event.shiftKey);
    else if (event.key === "End") this.move(command ? rows.length : 0, last, event.shiftKey);
    else if (event.key === "PageDown" || event.key === "PageUp") this.move(event.key === "PageDown" ? 15 : -15, 0, event.shiftKey);
    else if (event.key === "Enter" && command) {
      const link = at.row.querySelector<HTMLAnchorElement>("a.t");
      if (link) location.assign(link.href);
    } else if (event.key === "Enter" && at.index === 0) taken = false;
    else if (event.key === "Enter" || event.key === "F2") void this.editing.start(at, null);
    else if (event.key === "Delete" || event.key === "Backspace") void this.blocks.clear();
    else if (command && event.key.toLowerCase() === "d") void this.blocks.fill();
    else if (event.key === "Escape" && this.corner) this.go(at);
    else if (event.key.length === 1 && event.key !== " " && !command && at.index > 0 && this.column(at.index)?.f) void this.editing.start(at, event.key);
    else taken = false;
    if (taken) event.preventDefault();
  }

  // -- rows -------------------------------------------------------------------------------------------------------------

  /** The box at the beginning of a row, which is drawn where the pointer is. */
  private onBox(event: PointerEvent, at: Place): boolean {
    const box = this.cell(at)?.getBoundingClientRect();
    if (!box) return false;
    return document.dir === "rtl" ? event.clientX > box.right - BOX : event.clientX < box.left + BOX;
  }

  chosen(): string[] { return [...this.picked]; }

  /** Select one row more, or one less; with `range` all rows from the last one. */
  pick(row: HTMLElement, range: boolean): void {
    const id = row.dataset.id ?? "";
    const rows = this.rows;
    const from = range && this.from ? rows.findIndex((one) => one.dataset.id === this.from) : -1;
    if (from >= 0) {
      const [a, b] = [from, rows.indexOf(row)].sort((x, y) => x - y) as [number, number];
      for (const one of rows.slice(a, b + 1)) this.picked.add(one.dataset.id ?? "");
    } else if (!this.picked.delete(id)) this.picked.add(id);
    this.from = id;
    this.choose(this.chosen());
  }

  choose(ids: string[]): void {
    this.picked.clear();
    for (const id of ids) if (id) this.picked.add(id);
    this.drawPicked();
  }

  private drawPicked(): void {
    for (const row of this.rows) {
      const on = this.picked.has(row.dataset.id ?? "");
      if (on !== row.classList.contains("on")) {
        row.classList.toggle("on", on);
        if (on) row.setAttribute("aria-selected", "true");
        else row.removeAttribute("aria-selected");
      }
    }
    this.classList.toggle("picking", this.picked.size > 0);
    this.querySelector(".grid")?.setAttribute("aria-multiselectable", "true");
    if (this.bulk) this.bulk.draw(this.chosen());
    else if (this.picked.size) {
      void import("./bulk.ts").then(({ Bulk }) => {
        this.bulk ??= new Bulk(this);
        this.bulk.draw(this.chosen());
      });
    }
  }

  // -- the server's own form of rows -----------------------------------------------------------------------------------

  private readonly told = (event: Event): void => {
    const { records } = (event as CustomEvent<{ records: { module: string; id: string }[] }>).detail;
    const mine = records.filter((record) => record.module === this.module);
    if (!mine.length && records.length) return;
    event.preventDefault();
    if (mine.length <= 60 && mine.every((record) => this.row(record.id))) void this.renew(mine.map((record) => record.id));
    else void this.reload();
  };

  /** Show these rows as the server has them now; a cell that is being edited or could not be saved stays. */
  async renew(ids: string[]): Promise<void> {
    for (const fresh of await this.fetchRows(ids)) this.put(fresh);
    for (const id of ids) if (this.row(id)?.hasAttribute("data-gone")) this.row(id)?.remove();
    void this.renewNumbers();
  }

  async fetchRows(ids: string[]): Promise<HTMLElement[]> {
    if (!ids.length) return [];
    const found: HTMLElement[] = [];
    for (let at = 0; at < ids.length; at += 60) {
      const url = new URL(location.href);
      url.searchParams.set("rows", ids.slice(at, at + 60).join(","));
      const holder = h("template");
      holder.innerHTML = await this.text(url);
      const rows = [...holder.content.querySelectorAll<HTMLElement>(".row[data-id]")];
      const there = new Set(rows.map((row) => row.dataset.id));
      for (const id of ids.slice(at, at + 60)) if (!there.has(id)) this.row(id)?.setAttribute("data-gone", "");
      found.push(...rows);
    }
    return found;
  }

  private async text(url: URL): Promise<string> {
    const response = await fetch(url, { headers: { "HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "xrm-grid#results" } });
    if (!response.ok) throw new Error(String(response.status));
    return response.text();
  }

  private put(fresh: HTMLElement): void {
    const row = this.row(fresh.dataset.id ?? "");
    if (!row) return;
    row.dataset.version = fresh.dataset.version;
    const marked = row.classList.contains("on");
    row.className = fresh.className;
    row.classList.toggle("on", marked);
    if (fresh.dataset.hue) row.dataset.hue = fresh.dataset.hue;
    else delete row.dataset.hue;
    for (const [index, cell] of [...row.children].entries()) {
      const other = fresh.children[index];
      if (!other || cell.hasAttribute("data-keep")) continue;
      const link = cell.querySelector<HTMLElement>(":scope > a.t");
      const next = other.querySelector<HTMLElement>(":scope > a.t");
      if (link && next) link.replaceChildren(...next.childNodes);
      else if (cell.innerHTML !== other.innerHTML) cell.replaceChildren(...other.childNodes);
    }
    this.quiet(row);
    if (this.active?.row === row && !this.editing.open) this.mark();
  }

  /** Counts, groups and sums change with the rows. */
  private async renewNumbers(): Promise<void> {
    if (!this.querySelector(".sums, .row.group")) return;
    const url = new URL(location.href);
    url.searchParams.set("rows", "");
    const holder = h("template");
    holder.innerHTML = await this.text(url);
    for (const fresh of holder.content.querySelectorAll<HTMLElement>(".sums, .row.group")) {
      const old = this.querySelector(fresh.matches(".sums") ? ".sums" : `.row.group[data-group="${CSS.escape(fresh.dataset.group ?? "")}"]`);
      old?.replaceWith(fresh);
    }
  }

  /** Load the list again as its address says, without leaving the page. */
  async reload(): Promise<void> {
    this.keep();
    const holder = h("template");
    try {
      holder.innerHTML = await this.text(new URL(location.href));
    } catch {
      return location.reload();
    }
    for (const old of [...this.children]) if (!old.matches(".bulk-bar, dialog")) old.remove();
    this.prepend(holder.content);
    (globalThis as { htmx?: { process(element: Element): void } }).htmx?.process(this);
    this.settle();
  }

  private keep(): void {
    const row = this.active?.row.dataset.id;
    this.kept = row && this.active ? { id: row, index: this.active.index, focused: this.contains(document.activeElement) } : undefined;
  }

  /** After rows have come or gone: one cell takes the focus, links inside rows are reached with arrows. */
  private settle(): void {
    for (const [i, row] of this.querySelectorAll<HTMLElement>("[role=rowgroup]:not(.sums-group) > .row").entries()) {
      row.setAttribute("aria-rowindex", String(i + 2));
      if (row.dataset.id && !row.hasAttribute("data-quiet")) this.quiet(row);
    }
    const kept = this.kept && this.row(this.kept.id);
    if (kept && this.kept && !this.editing.open) {
      this.active = { row: kept, index: Math.min(this.kept.index, kept.children.length - 1) };
      this.mark();
      if (this.kept.focused && !this.contains(document.activeElement) && !typing(document.activeElement)) this.stop()?.focus({ preventScroll: true });
    } else if (!this.active?.row.isConnected) {
      const first = this.rows[0];
      this.active = undefined;
      const link = first?.querySelector<HTMLElement>("a.t");
      if (link) link.tabIndex = 0;
    }
    this.kept = undefined;
    for (const id of this.picked) if (!this.row(id)) this.picked.delete(id);
    if (this.picked.size) this.drawPicked();
    this.editing.restore();
    this.dispatchEvent(new Event("xrm:settled"));
  }

  private quiet(row: HTMLElement): void {
    row.setAttribute("data-quiet", "");
    for (const link of row.querySelectorAll<HTMLElement>("a")) if (link !== this.stop()) link.tabIndex = -1;
  }

  /** The value of a cell; asked for where the page holds only its beginning. */
  async value(at: Place, column: Column): Promise<unknown> {
    await this.load();
    const cell = this.cell(at);
    const known = cell && this.meta ? raw(cell, column, this.meta) : null;
    if (known !== undefined) return known;
    const url = `/api/v1/records/${this.module}/${at.row.dataset.id}?fields=${column.f ?? column.k}`;
    const key = `${url}#${at.row.dataset.version}`;
    if (this.whole?.key !== key) this.whole = { key, value: api<Record<string, unknown>>("GET", url).then((found) => found[column.f ?? column.k]) };
    const { value } = this.whole;
    value.catch(() => { this.whole = undefined; });
    return await value ?? null;
  }

  say(text: string): void { announce(text); }
  tell(ids: string[]): void { tell(ids.map((id) => ({ module: this.module, id }))); }
}

function stop(event: Event): void {
  event.preventDefault();
  event.stopPropagation();
}

if (!customElements.get("xrm-grid")) customElements.define("xrm-grid", Grid);
