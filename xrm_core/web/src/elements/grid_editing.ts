// Editing one cell: the value is shown at once, saved with the version it was read at, and never lost when that fails.
import { ApiError, api, askReason, did, h, icon, place, send, t } from "../core.ts";
import { empty, paint, text, type Column } from "./grid_cells.ts";
import { editor, type Editor } from "./grid_editors.ts";
import type { Grid, Place } from "./grid.ts";

interface Open { at: Place; cell: HTMLElement; column: Column; before: unknown; old: Node[]; editor: Editor; contains(target: Element): boolean }

/** A change on its way, or one that could not be saved. */
interface Job { id: string; index: number; column: Column; value: unknown; before: unknown; reason?: string }

interface Stored { version: number; title?: string }

export class Editing {
  open: Open | undefined;
  private readonly grid: Grid;
  private readonly queue = new Map<string, Promise<void>>();
  private readonly failed = new Map<string, Job>();
  private closing = false;
  /** Letters typed while an editor is about to open. */
  private early: string | undefined;

  constructor(grid: Grid) {
    this.grid = grid;
    addEventListener("online", () => this.retryAll());
    document.addEventListener("xrm:reachable", () => this.retryAll());
    addEventListener("beforeunload", (event) => { if (this.failed.size) event.preventDefault(); });
  }

  /** Open the editor of a cell; `typed` takes the place of its value. */
  async start(at: Place, typed: string | null, again?: { value: unknown; message: string }): Promise<void> {
    await this.leave();
    const column = this.grid.column(at.index) ?? (await this.grid.load().then(() => this.grid.column(at.index)));
    const cell = this.grid.cell(at);
    if (!cell) return;
    this.grid.go(at);
    const why = !column ? t("This belongs to a linked record; change it there.") : column.f ? at.row.classList.contains("off") ? t("Archived records cannot be changed.") : "" : column.why ?? "";
    if (why || !column) return void this.note(cell, why);
    // What is typed while the rest of a long value is on its way waits for the editor.
    this.early = "";
    let before: unknown;
    try {
      before = again ? this.failed.get(this.name(at, column))?.before ?? await this.grid.value(at, column) : await this.grid.value(at, column);
    } catch (error) {
      this.early = undefined;
      return void this.note(cell, (error as Error).message, true);
    }
    const early = this.early as string;
    this.early = undefined;
    const adds = early && typed === null && column.w === "textarea";
    const start = adds ? `${String(before ?? "")}${early}` : again ? again.value : before;
    const old = [...cell.childNodes];
    const made = editor(column, start, adds ? null : early ? (typed ?? "") + early : typed, this.grid.meta!, () => void this.commit(0, 0));
    this.open = { at, cell, column, before, old, editor: made, contains: (target) => cell.contains(target) || !!made.layer?.contains(target) };
    cell.setAttribute("data-keep", "");
    at.row.setAttribute("hx-morph-skip", "");
    cell.classList.add("edit");
    cell.classList.remove("bad");
    cell.removeAttribute("aria-label");
    cell.replaceChildren(made.element);
    for (const area of [cell, made.layer]) area?.addEventListener("focusout", this.away);
    made.focus();
    if (again) this.note(cell, again.message, true);
  }

  private readonly away = (event: FocusEvent): void => {
    const to = event.relatedTarget as Element | null;
    if (this.closing || !this.open || (to && this.open.contains(to))) return;
    if (!to && !document.hasFocus()) return;
    void this.commit(0, 0, false);
  };

  /** Keys while an editor is open; true: not for the grid. */
  key(event: KeyboardEvent): boolean {
    const open = this.open;
    if (this.early !== undefined && event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) {
      this.early += event.key;
      event.preventDefault();
      return true;
    }
    if (!open || !open.contains(event.target as Element)) return false;
    if (event.isComposing) return true;
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.cancel();
      return true;
    }
    if (open.editor.key?.(event)) {
      if (event.key === "ArrowDown" || event.key === "ArrowUp" || (event.key === "Enter" && !event.shiftKey)) event.preventDefault();
      return true;
    }
    if (event.key === "Enter") {
      event.preventDefault();
      void this.commit(event.shiftKey ? -1 : 1, 0);
    } else if (event.key === "Tab") {
      event.preventDefault();
      void this.commit(0, event.shiftKey ? -1 : 1);
    }
    return true;
  }

  /** Close the editor and give the cell back what it showed. */
  cancel(): void {
    const open = this.shut();
    if (!open) return;
    open.cell.replaceChildren(...open.old);
    const job = this.failed.get(this.name(open.at, open.column));
    if (job) this.markFailed(job);
    this.grid.go(open.at);
  }

  private shut(): Open | undefined {
    const open = this.open;
    if (!open) return undefined;
    this.closing = true;
    this.open = undefined;
    open.editor.close?.();
    open.cell.classList.remove("edit");
    open.cell.removeAttribute("data-keep");
    open.at.row.removeAttribute("hx-morph-skip");
    this.unnote();
    this.closing = false;
    return open;
  }

  /** Save what is open, as leaving a cell does. */
  async leave(): Promise<void> {
    if (this.open) await this.commit(0, 0, false);
  }

  private async commit(down: number, right: number, focus = true): Promise<void> {
    const open = this.open;
    if (!open) return;
    const value = open.editor.value();
    this.shut();
    open.cell.replaceChildren(...open.old);
    if (focus) {
      this.grid.go(open.at);
      if (down || right) this.grid.move(down, right);
    }
    const name = this.name(open.at, open.column);
    if (same(value, open.before) && !this.failed.has(name)) return;
    const id = open.at.row.dataset.id ?? "";
    const job: Job = { id, index: open.at.index, column: open.column, value, before: open.before };
    const reasons = open.column.reasons?.[String(value)];
    if (reasons?.length) {
      const reason = await askReason(text(value, open.column, this.grid.meta!), reasons);
      if (!reason) return;
      job.reason = reason;
    }
    this.show(job);
    void this.save(job);
  }

  /** Set a cell without its editor, with the same guarantees. */
  set(at: Place, column: Column, value: unknown, before: unknown): void {
    const job: Job = { id: at.row.dataset.id ?? "", index: at.index, column, value, before };
    this.show(job);
    void this.save(job);
  }

  private name(at: { row: HTMLElement }, column: Column): string { return `${at.row.dataset.id}|${column.k}`; }

  private cellOf(job: Job): HTMLElement | undefined {
    const row = this.grid.row(job.id);
    const index = this.grid.keys.indexOf(job.column.k);
    return row && index >= 0 ? this.grid.cell({ row, index }) : undefined;
  }

  private show(job: Job): void {
    const cell = this.cellOf(job);
    if (!cell) return;
    paint(cell, job.column, job.value, this.grid.meta!);
    cell.classList.remove("bad");
    cell.classList.add("saving");
  }

  /** One change after the other per record, so that each knows the version the one before made. */
  private save(job: Job): Promise<void> {
    const next = (this.queue.get(job.id) ?? Promise.resolve()).then(() => this.store(job));
    this.queue.set(job.id, next);
    return next;
  }

  private async store(job: Job): Promise<void> {
    const row = this.grid.row(job.id);
    const field = job.column.f ?? job.column.k;
    const value = job.column.w === "link" && job.value ? (job.value as { id: string }).id : job.value;
    const name = `${job.id}|${job.column.k}`;
    try {
      const done = await send<Stored>("PATCH", `/api/v1/records/${this.grid.module}/${job.id}`, { [field]: value, ...(job.reason ? { stage_reason: job.reason } : {}) }, { "If-Match": `"${row?.dataset.version ?? "*"}"` });
      this.failed.delete(name);
      this.remember();
      if (row) row.dataset.version = String(done.data.version);
      const words = text(job.value, job.column, this.grid.meta!);
      const short = words.length > 60 ? `${words.slice(0, 60)}…` : words;
      did(words ? t("{field} changed to {value}", { field: job.column.l, value: short }) : t("{field} cleared", { field: job.column.l }), done.change);
      this.cellOf(job)?.classList.remove("saving", "bad");
      await this.grid.renew([job.id]).catch(() => undefined);
    } catch (error) {
      const failure = error as ApiError;
      this.cellOf(job)?.classList.remove("saving");
      if (failure.status === 412) return this.conflict(job);
      if (failure.status >= 400 && failure.status < 500 && failure.status !== 401 && failure.status !== 408 && failure.status !== 429) return this.refused(job, failure);
      this.failed.set(name, job);
      this.remember();
      this.markFailed(job, failure.message);
    }
  }

  private refused(job: Job, failure: ApiError): void {
    const cell = this.cellOf(job);
    const row = this.grid.row(job.id);
    const message = failure.problems.map((problem) => problem.message + (problem.hint ? ` ${problem.hint}` : "")).join(" ") || failure.message;
    if (!cell || !row) return;
    this.failed.set(`${job.id}|${job.column.k}`, job);
    if (this.open) {
      this.markFailed(job, message, true);
      return;
    }
    void this.start({ row, index: job.index }, null, { value: job.value, message });
    cell.classList.add("bad");
  }

  // -- what could not be saved ------------------------------------------------------------------------------------------

  private markFailed(job: Job, message = "", refused = false): void {
    const cell = this.cellOf(job);
    if (!cell || cell.classList.contains("edit")) return;
    paint(cell, job.column, job.value, this.grid.meta!);
    cell.classList.remove("saving");
    cell.classList.add("bad");
    cell.setAttribute("data-keep", "");
    const button = h("button", { type: "button", class: "retry", title: message || null }, icon(refused ? "pencil" : "refresh-cw"), refused ? t("Correct") : t("Retry"));
    button.addEventListener("click", () => {
      const row = this.grid.row(job.id);
      if (refused && row) void this.start({ row, index: job.index }, null, { value: job.value, message });
      else this.retry(job);
    });
    cell.append(button);
    if (message) this.grid.say(message);
  }

  private retry(job: Job): void {
    const cell = this.cellOf(job);
    cell?.removeAttribute("data-keep");
    this.show(job);
    void this.save(job);
  }

  private retryAll(): void {
    for (const job of [...this.failed.values()]) if (!this.open || this.open.at.row.dataset.id !== job.id) this.retry(job);
  }

  /** Unsaved values outlive the page: a reload shows them again, still unsaved. */
  private remember(): void {
    try {
      const key = `xrm:unsaved:${this.grid.module}`;
      if (this.failed.size) sessionStorage.setItem(key, JSON.stringify([...this.failed.values()]));
      else sessionStorage.removeItem(key);
    } catch { /* storage is off: the page itself still holds them */ }
  }

  restore(): void {
    let kept: Job[] = [...this.failed.values()];
    try {
      if (!kept.length) kept = JSON.parse(sessionStorage.getItem(`xrm:unsaved:${this.grid.module}`) ?? "[]") as Job[];
    } catch { /* nothing that could be read */ }
    if (!kept.length) return;
    void this.grid.load().then(() => {
      for (const job of kept) {
        this.failed.set(`${job.id}|${job.column.k}`, job);
        this.markFailed(job);
      }
    });
  }

  // -- somebody else was quicker ----------------------------------------------------------------------------------------

  private async conflict(job: Job): Promise<void> {
    const field = job.column.f ?? job.column.k;
    let now: Record<string, unknown> & Stored;
    try {
      now = await api("GET", `/api/v1/records/${this.grid.module}/${job.id}?fields=${field},version`);
    } catch (error) {
      this.failed.set(`${job.id}|${job.column.k}`, job);
      return this.markFailed(job, (error as Error).message);
    }
    const row = this.grid.row(job.id);
    const theirs = empty(now[field]) ? null : now[field];
    // Something else of the record was changed: nothing of theirs is overwritten.
    if (row && (same(theirs, job.before) || same(theirs, job.value))) {
      row.dataset.version = String(now.version);
      this.show(job);
      return this.store(job);
    }
    const cell = this.cellOf(job);
    if (!cell) return;
    const who = await this.author(job.id, field);
    const shape = theirs as { full?: string; formatted?: string } | null;
    const words = shape?.full ?? shape?.formatted ?? text(theirs, job.column, this.grid.meta!);
    cell.setAttribute("data-keep", "");
    cell.classList.add("bad");
    const keep = h("button", { type: "button", class: "btn sm" }, t("Keep theirs"));
    const mine = h("button", { type: "button", class: "btn sm primary" }, t("Use mine"));
    const layer = this.note(cell, t("{who} set {field} to “{value}” meanwhile.", { who: who || t("Somebody"), field: job.column.l, value: words || t("empty") }), true, h("div", { class: "buttons" }, keep, mine));
    layer.classList.add("conflict");
    const end = (): void => {
      cell.removeAttribute("data-keep");
      cell.classList.remove("bad");
      this.unnote();
      this.grid.stop()?.focus({ preventScroll: true });
    };
    keep.addEventListener("click", () => {
      end();
      this.failed.delete(`${job.id}|${job.column.k}`);
      this.remember();
      void this.grid.renew([job.id]);
    });
    mine.addEventListener("click", () => {
      end();
      if (row) row.dataset.version = String(now.version);
      this.show(job);
      void this.save({ ...job, before: theirs });
    });
    keep.focus();
  }

  private async author(id: string, field: string): Promise<string> {
    interface Entry { actor: { name?: string }; changes?: Record<string, unknown> }
    try {
      const found = await api<{ data: Entry[] }>("GET", `/api/v1/records/${this.grid.module}/${id}/history?limit=20`);
      return found.data.find((entry) => entry.changes && field in entry.changes)?.actor.name ?? "";
    } catch {
      return "";
    }
  }

  // -- a line of text under a cell --------------------------------------------------------------------------------------

  private note(cell: HTMLElement, message: string, bad = false, more?: Node): HTMLElement {
    this.unnote();
    const layer = h("div", { class: `cell-note${bad ? " bad" : ""}`, popover: "manual", role: bad ? "alert" : "status" }, h("p", {}, message), more ?? null);
    this.grid.append(layer);
    layer.showPopover();
    place(layer, cell);
    if (!bad) setTimeout(() => layer.remove(), 4000);
    return layer;
  }

  private unnote(): void {
    for (const old of this.grid.querySelectorAll(":scope > .cell-note")) old.remove();
  }
}

function same(a: unknown, b: unknown): boolean {
  if (empty(a) && empty(b)) return true;
  const bare = (value: unknown): unknown => {
    if (Array.isArray(value)) return [...value].sort();
    // Editors know minutes, so a moment is the same when its minute is.
    if (typeof value === "string" && /^\d{4}-\d\d-\d\dT.*Z$/.test(value)) return Math.floor(Date.parse(value) / 60_000);
    if (!value || typeof value !== "object") return typeof value === "number" ? String(value) : value;
    const found = value as Record<string, unknown>;
    if ("id" in found) return found.id;
    if ("full" in found) return found.full;
    if ("formatted" in found) return found.formatted;
    if ("unit" in found) return `${String(found.value)} ${String(found.unit).replace("_", " ")}`;
    if ("amount" in found) return [Number(found.amount), found.currency, found.per ?? ""];
    return [found.start ?? "", found.end ?? ""];
  };
  return JSON.stringify(bare(a)) === JSON.stringify(bare(b));
}
