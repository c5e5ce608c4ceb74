// <xrm-moneyline>: cards move to another month or quarter by drag, by keyboard (Space, arrows, Space) and by a form (M).
import { announce, api, ApiError, ask, did, h, t, toast, typing } from "../core.ts";
import { dragging } from "../dragging.ts";
import { pick } from "../picking.ts";

export class Moneyline extends HTMLElement {
  private lifted: { card: HTMLElement; column: HTMLElement } | null = null;

  connectedCallback(): void {
    pick(this);
    document.addEventListener("keydown", this);
    document.addEventListener("xrm:refresh", this);
    this.now();
    if (!this.hasAttribute("data-move")) return;
    dragging(this, { item: ".money-card", target: ".ml-col", drop: (card, column) => void this.to(card, column.dataset.period ?? "") });
  }

  disconnectedCallback(): void {
    document.removeEventListener("keydown", this);
    document.removeEventListener("xrm:refresh", this);
  }

  handleEvent(event: Event): void {
    if (!(event instanceof KeyboardEvent)) {
      event.preventDefault();
      void this.reload();
      return;
    }
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
    const card = (event.target as Element).closest?.<HTMLElement>(".money-card") ?? null;
    if (card && this.contains(card) && this.hasAttribute("data-move") && this.key(card, event.key)) return event.preventDefault();
    if (event.shiftKey || document.body.dataset.shortcuts === "off") return;
    const link = this.querySelector<HTMLElement>(`[data-cal="${CSS.escape(event.key.toLowerCase())}"]`);
    if (!link) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    link.click();
  }

  private key(card: HTMLElement, key: string): boolean {
    if (!this.lifted) {
      if (key.toLowerCase() === "m" && document.body.dataset.shortcuts !== "off") void this.form(card);
      else if (key === " ") {
        this.lifted = { card, column: card.closest<HTMLElement>(".ml-col")! };
        card.classList.add("lifted");
        announce(t("{title} lifted. Arrow keys choose the time, Space drops, Escape cancels.", { title: name(card) }));
      } else return false;
      return true;
    }
    if (key === "Escape") {
      this.lifted = null;
      void this.reload(card.dataset.id);
      announce(t("Cancelled. {title} is where it was.", { title: name(card) }));
    } else if (key === " " || key === "Enter") {
      const { column } = this.lifted;
      this.lifted = null;
      card.classList.remove("lifted");
      void this.to(card, column.dataset.period ?? "");
    } else if (key === "ArrowRight" || key === "ArrowLeft") {
      const next = (key === "ArrowRight") !== (document.dir === "rtl") ? this.lifted.column.nextElementSibling : this.lifted.column.previousElementSibling;
      if (!(next instanceof HTMLElement)) return true;
      this.lifted.column = next;
      next.querySelector("header")!.after(card);
      card.querySelector("a")?.focus();
      next.scrollIntoView({ block: "nearest", inline: "nearest" });
      announce(t("{title}, {stage}", { title: name(card), stage: next.dataset.label ?? "" }));
    } else return key.startsWith("Arrow");
    return true;
  }

  /** Into another period: the day of the month stays, as far as that month has it. */
  private async to(card: HTMLElement, period: string): Promise<void> {
    const day = card.dataset.day ?? "";
    const column = this.querySelector<HTMLElement>(`.ml-col[data-period="${period}"] .money-card[data-id="${CSS.escape(card.dataset.id ?? "")}"]`);
    const [year, month] = period.split("-").map(Number) as [number, number];
    const [fromYear, fromMonth, date] = day.split("-").map(Number) as [number, number, number];
    const shown = this.dataset.months === "3" ? month + ((fromMonth - 1) % 3) : month;
    if (fromYear === year && fromMonth === shown) return column ? this.reload(card.dataset.id) : undefined;
    const last = new Date(year, shown, 0).getDate();
    await this.put(card, `${year}-${String(shown).padStart(2, "0")}-${String(Math.min(date, last)).padStart(2, "0")}`);
  }

  private async form(card: HTMLElement): Promise<void> {
    const input = h("input", { class: "input", type: "date", name: "to", id: "ask-to", value: card.dataset.day ?? "", required: true });
    const data = await ask(t("Move {title}", { title: name(card) }), t("Move"), h("div", { class: "field" }, h("label", { for: "ask-to" }, t("Day")), input));
    if (data?.get("to")) void this.put(card, String(data.get("to")));
  }

  private waiting = Promise.resolve();

  /** One after the other: each move is of the card as the one before has left it. */
  private put(card: HTMLElement, to: string): Promise<void> {
    this.waiting = this.waiting.then(() => this.move(this.querySelector<HTMLElement>(`.money-card[data-id="${CSS.escape(card.dataset.id ?? "")}"]`) ?? card, to));
    return this.waiting;
  }

  private async move(card: HTMLElement, to: string): Promise<void> {
    const id = card.dataset.id ?? "";
    try {
      const done = await api<{ change: string | null; text: string }>("POST", `/m/${this.dataset.module}/${id}/reschedule`, { field: this.dataset.field, to, version: Number(card.dataset.version) });
      await this.reload(id);
      announce(done.text);
      did(done.text, done.change, () => void this.reload(id));
    } catch (error) {
      await this.reload(id);
      const stale = (error as ApiError).status === 412 || (error as ApiError).status === 409;
      toast(stale ? t("Someone changed it meanwhile. This is how it is now.") : (error as Error).message, { kind: "bad" });
    }
  }

  private async reload(id?: string): Promise<void> {
    const places = [...this.querySelectorAll(".ml-cols")].map((row) => row.scrollLeft);
    const top = this.querySelector(".ml")?.scrollTop ?? 0;
    const open = [...this.querySelectorAll("details")].map((one) => one.open);
    const response = await fetch(location.href, { headers: { "HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "xrm-moneyline#results" } });
    if (!response.ok) return location.reload();
    this.innerHTML = await response.text();
    this.querySelectorAll(".ml-cols").forEach((row, index) => { row.scrollLeft = places[index] ?? 0; });
    this.querySelectorAll("details").forEach((one, index) => { one.open = open[index] ?? false; });
    const scroller = this.querySelector(".ml");
    if (scroller) scroller.scrollTop = top;
    if (id) this.querySelector<HTMLElement>(`.money-card[data-id="${CSS.escape(id)}"] a`)?.focus({ preventScroll: false });
  }

  /** The present is in view. */
  private now(): void {
    for (const row of this.querySelectorAll<HTMLElement>(".ml-cols")) {
      const column = row.querySelector<HTMLElement>(".now");
      if (column) row.scrollLeft = Math.max(0, column.offsetLeft - row.offsetLeft - 210);
    }
  }
}

const name = (card: HTMLElement): string => card.querySelector("a")?.textContent?.trim() ?? "";

if (!customElements.get("xrm-moneyline")) customElements.define("xrm-moneyline", Moneyline);
