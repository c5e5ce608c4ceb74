// Blocks of cells: copied to and pasted from spreadsheets, filled down, cleared; one change, one undo.
import { ask, did, h, send, t, toast, typing, type Problem } from "../core.ts";
import { raw, text, type Column } from "./grid_cells.ts";
import type { Grid, Place } from "./grid.ts";

interface Change { id: string; version: number; field: string; text: string }
interface Outcome { ok: number; wrong: { id: string; field: string; problems: Problem[] }[]; stale: string[] }

export class Blocks {
  private readonly grid: Grid;

  constructor(grid: Grid) {
    this.grid = grid;
  }

  wire(): void {
    document.addEventListener("copy", (event) => this.copy(event));
    document.addEventListener("paste", (event) => this.paste(event));
  }

  private get inside(): boolean {
    return !!this.grid.active && this.grid.contains(document.activeElement) && !typing(document.activeElement) && this.grid.isConnected;
  }

  private copy(event: ClipboardEvent): void {
    if (!this.inside || String(getSelection())) return;
    const meta = this.grid.meta;
    const left = this.left();
    const lines = this.grid.area().map((cells) => cells.map((cell, i) => {
      const column = this.grid.column(left + i);
      const value = column && meta ? raw(cell, column, meta) : undefined;
      const words = column && meta && value !== undefined ? text(value, column, meta) : cell.textContent?.trim() ?? "";
      return /[\t\n"]/.test(words) ? `"${words.replaceAll('"', '""')}"` : words;
    }).join("\t"));
    event.clipboardData?.setData("text/plain", lines.join("\n"));
    event.preventDefault();
    this.grid.say(t("Copied"));
  }

  private left(): number {
    const at = this.grid.active;
    return at ? Math.min(at.index, this.grid.corner?.index ?? at.index) : 0;
  }

  private paste(event: ClipboardEvent): void {
    if (!this.inside) return;
    const given = event.clipboardData?.getData("text/plain") ?? "";
    if (!given) return;
    event.preventDefault();
    void this.put(table(given));
  }

  /** Put a table of texts at the selected cell; a single value goes into every selected cell. */
  private async put(values: string[][]): Promise<void> {
    await this.grid.load();
    const area = this.grid.area();
    const single = values.length === 1 && values[0]?.length === 1;
    const block = single ? area.map((cells) => cells.map(() => values[0]![0]!)) : values;
    const at = this.grid.active;
    if (!at) return;
    const rows = this.grid.rows;
    const top = Math.min(rows.indexOf(at.row), rows.indexOf((this.grid.corner ?? at).row));
    const targets = rows.slice(top, top + block.length);
    const beyond = block.length - targets.length;
    if (block.length > 1 && !(await this.preview(block, targets, beyond))) return;
    await this.write(block, targets, this.left(), t("Pasted"));
  }

  private async preview(block: string[][], rows: HTMLElement[], beyond: number): Promise<boolean> {
    const left = this.left();
    const columns = (block[0] ?? []).map((_, i) => this.grid.column(left + i));
    const head = h("tr", {}, h("td"), ...columns.map((column) => h("th", { scope: "col" }, column?.l ?? "")));
    const lines = rows.slice(0, 8).map((row, y) => h("tr", {}, h("th", { scope: "row" }, row.querySelector("a.t")?.textContent ?? ""), ...(block[y] ?? []).map((words, x) => h("td", { class: columns[x]?.f ? null : "off" }, words))));
    const notes = [
      rows.length > 8 ? t("and {count} more rows", { count: rows.length - 8 }) : "",
      columns.some((column) => !column?.f) ? t("Crossed out columns cannot be changed and are left out.") : "",
      beyond > 0 ? t("{count} rows have no place below and are left out.", { count: beyond }) : "",
    ].filter(Boolean);
    const sheet = h("div", { class: "sheet", tabindex: "0" }, h("table", {}, h("thead", {}, head), h("tbody", {}, ...lines)));
    return !!(await ask(t("Paste into {rows} rows", { rows: rows.length }), t("Paste"), sheet, ...notes.map((note) => h("p", { class: "hint" }, note))));
  }

  /** Repeat the first row of the selected block in the rows below it. */
  async fill(): Promise<void> {
    const meta = await this.grid.load();
    let area = this.grid.area();
    const at = this.grid.active;
    if (!at || !area.length) return;
    const rows = this.grid.rows;
    let top = rows.indexOf(area[0]![0]!.parentElement as HTMLElement);
    // A single row takes what stands above it, as spreadsheets do.
    if (area.length === 1 && top > 0) {
      top -= 1;
      const above = rows[top]!;
      area = [area[0]!.map((_, i) => above.children[this.left() + i] as HTMLElement), ...area];
    }
    const first = await Promise.all(area[0]!.map(async (_, i) => {
      const column = this.grid.column(this.left() + i);
      return column ? text(await this.grid.value({ row: rows[top]!, index: this.left() + i }, column), column, meta) : "";
    }));
    const targets = rows.slice(top + 1, top + area.length);
    await this.write(targets.map(() => first), targets, this.left(), t("Filled down"));
  }

  async clear(): Promise<void> {
    await this.grid.load();
    const area = this.grid.area();
    const at = this.grid.active;
    if (!at) return;
    if (area.length === 1 && area[0]?.length === 1) {
      const column = this.grid.column(at.index);
      if (!column?.f) return void this.grid.editing.start(at, null);
      if (column.req) return void toast(t("{field} is needed and cannot be empty.", { field: column.l }), { kind: "bad" });
      const before = await this.grid.value(at, column);
      if (before !== null) this.grid.editing.set(at, column, null, before);
      return;
    }
    const rows = area.map((cells) => cells[0]!.parentElement as HTMLElement);
    await this.write(area.map((cells) => cells.map(() => "")), rows, this.left(), t("Cleared"));
  }

  private async write(block: string[][], rows: HTMLElement[], left: number, what: string): Promise<void> {
    await this.grid.editing.leave();
    const changes: Change[] = [];
    const marked: HTMLElement[] = [];
    for (const [y, row] of rows.entries()) {
      for (const [x, words] of (block[y] ?? []).entries()) {
        const column: Column | undefined = this.grid.column(left + x);
        const cell = row.children[left + x] as HTMLElement | undefined;
        if (!column?.f || !cell) continue;
        changes.push({ id: row.dataset.id ?? "", version: Number(row.dataset.version), field: column.f, text: words });
        marked.push(cell);
        cell.classList.remove("bad");
        cell.classList.add("saving");
      }
    }
    if (!changes.length) return void toast(t("None of these cells can be changed."), { kind: "bad" });
    try {
      const { data, change } = await send<Outcome>("POST", `/m/${this.grid.module}/cells`, { changes });
      const left_out = data.wrong.length + data.stale.length;
      did(left_out ? t("{what}: {count} cells, {left} left out", { what, count: data.ok, left: left_out }) : t("{what}: {count} cells", { what, count: data.ok }), change);
      await this.grid.renew([...new Set(changes.map((one) => one.id))]);
      for (const wrong of data.wrong) this.refused(wrong.id, wrong.field, changes.find((one) => one.id === wrong.id && one.field === wrong.field)?.text ?? "", wrong.problems);
    } catch (error) {
      toast((error as Error).message, { kind: "bad", label: t("Retry"), act: () => void this.write(block, rows, left, what) });
    } finally {
      for (const cell of marked) cell.classList.remove("saving");
    }
  }

  /** A value that was not taken stays in its cell, with the reason. */
  private refused(id: string, field: string, words: string, problems: Problem[]): void {
    const row = this.grid.row(id);
    const index = this.grid.keys.findIndex((_, i) => this.grid.column(i)?.f === field);
    const cell = row && index >= 0 ? this.grid.cell({ row, index }) : undefined;
    if (!cell) return;
    const message = problems.map((problem) => problem.message + (problem.hint ? ` ${problem.hint}` : "")).join(" ");
    cell.classList.add("bad");
    cell.setAttribute("title", `${words}: ${message}`);
    cell.replaceChildren(h("span", {}, words), h("span", { class: "vh" }, message));
  }

  at(): Place | undefined { return this.grid.active; }
}

/** Rows and cells of what a spreadsheet puts on the clipboard. */
export function table(given: string): string[][] {
  const rows: string[][] = [[]];
  let cell = "";
  let quoted = false;
  const text = given.replace(/\r\n?/g, "\n").replace(/\n$/, "");
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c === '"' && text[i + 1] === '"') { cell += '"'; i++; } else if (c === '"') quoted = false;
      else cell += c;
    } else if (c === '"' && !cell) quoted = true;
    else if (c === "\t") { rows.at(-1)!.push(cell); cell = ""; } else if (c === "\n") {
      rows.at(-1)!.push(cell);
      cell = "";
      rows.push([]);
    } else cell += c;
  }
  rows.at(-1)!.push(cell);
  return rows;
}
