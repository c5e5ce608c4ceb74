// <xrm-calendar>: events move to another day or hour by drag, by keyboard (Space, arrows, Space) and by a form (M); weeks resize.
import { announce, api, ApiError, ask, did, h, t, toast, typing } from "../core.ts";
import { dragging } from "../dragging.ts";
import { pick } from "../picking.ts";

interface Lifted { item: HTMLElement; start: Date; end: Date | null; resized: boolean }

export class Calendar extends HTMLElement {
  private lifted: Lifted | null = null;

  connectedCallback(): void {
    pick(this);
    document.addEventListener("keydown", this);
    document.addEventListener("xrm:refresh", this);
    this.timed();
    if (!this.hasAttribute("data-move")) return;
    dragging(this, { item: ".ev", target: "[data-day]", skip: ".grip", drop: (item, target, event) => void this.dropped(item, target, event) });
    dragging(this, { item: ".grip", target: ".slot", drop: (grip, slot, event) => {
      const item = grip.closest<HTMLElement>(".ev");
      if (!item) return;
      const box = slot.getBoundingClientRect();
      const minute = (Number(slot.dataset.hour) * 60) + Math.round((event.clientY - box.top) / box.height * 4) * 15;
      void this.put(item, { end_to: `${slot.dataset.day}T${clock(Math.min(minute, 1425))}` });
    } });
    this.addEventListener("focusout", (event) => {
      if (this.lifted && event.relatedTarget && !this.lifted.item.contains(event.relatedTarget as Node)) this.cancel();
    });
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
    const item = (event.target as Element).closest?.<HTMLElement>(".ev") ?? null;
    if (item && this.contains(item) && this.hasAttribute("data-move") && this.item(item, event)) return event.preventDefault();
    if (event.shiftKey || document.body.dataset.shortcuts === "off") return;
    const link = this.querySelector<HTMLElement>(`[data-cal="${CSS.escape(event.key.toLowerCase())}"]`);
    if (!link) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    link.click();
  }

  private item(item: HTMLElement, event: KeyboardEvent): boolean {
    if (!this.lifted) {
      if (event.key.toLowerCase() === "m" && document.body.dataset.shortcuts !== "off") {
        void this.form(item);
        return true;
      }
      if (event.key !== " ") return false;
      const start = item.dataset.start ? new Date(item.dataset.start.length === 10 ? `${item.dataset.start}T00:00` : item.dataset.start) : new Date(`${this.querySelector<HTMLElement>(".day.now, .day")?.dataset.day ?? iso(new Date()).slice(0, 10)}T09:00`);
      this.lifted = { item, start, end: item.dataset.until ? new Date(item.dataset.until) : null, resized: false };
      item.classList.add("lifted");
      announce(t("{title} lifted. Arrow keys choose the day, Space drops, Escape cancels.", { title: name(item) }));
      return true;
    }
    const { start } = this.lifted;
    const hours = this.dataset.span === "week" && this.hasAttribute("data-timed");
    const side = document.dir === "rtl" ? -1 : 1;
    const days: Record<string, number> = { ArrowRight: side, ArrowLeft: -side, ArrowDown: 7, ArrowUp: -7, PageDown: 28, PageUp: -28 };
    if (event.key === "Escape") this.cancel();
    else if (event.key === " " || event.key === "Enter") {
      const done = this.lifted;
      this.let();
      const timed = this.hasAttribute("data-timed");
      void this.put(done.item, done.resized && done.end ? { end_to: iso(done.end) } : { to: timed && (hours || !done.item.dataset.start) ? iso(done.start) : iso(done.start).slice(0, 10) });
    } else if (hours && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      const by = (event.key === "ArrowDown" ? 30 : -30) * 60_000;
      if (event.shiftKey && this.lifted.end) {
        this.lifted.end = new Date(Math.max(this.lifted.end.getTime() + by, start.getTime() + 1_800_000));
        this.lifted.resized = true;
        announce(this.lifted.end.toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" }));
      } else this.shift(new Date(start.getTime() + by));
    } else if (event.key in days) {
      const next = new Date(start);
      next.setDate(next.getDate() + (days[event.key] ?? 0));
      this.shift(next);
    } else return false;
    return true;
  }

  /** The lifted event is shown at its new place, as far as that is on the page. */
  private shift(start: Date): void {
    const { item } = this.lifted!;
    this.lifted!.start = start;
    const day = iso(start).slice(0, 10);
    const place = this.querySelector(`.slot[data-day="${day}"][data-hour="${start.getHours()}"]`) ?? this.querySelector(`.day[data-day="${day}"], .agenda [data-day="${day}"]`);
    if (place && place !== item.parentElement) {
      const keep = this.lifted;
      this.lifted = null;
      place.append(item);
      this.lifted = keep;
      item.querySelector("a")?.focus();
    }
    announce(start.toLocaleString(document.documentElement.lang, { weekday: "long", day: "numeric", month: "long", ...(this.hasAttribute("data-timed") ? { hour: "2-digit", minute: "2-digit" } : {}) }));
  }

  private let(): void {
    this.lifted?.item.classList.remove("lifted");
    this.lifted = null;
  }

  private cancel(): void {
    const item = this.lifted?.item;
    this.let();
    if (item) void this.reload(item.dataset.id);
    if (item) announce(t("Cancelled. {title} is where it was.", { title: name(item) }));
  }

  private async dropped(item: HTMLElement, target: HTMLElement, event: PointerEvent): Promise<void> {
    const day = target.dataset.day ?? "";
    if (!day) return item.dataset.start ? this.put(item, { to: null }) : undefined;
    if (target.dataset.hour === undefined) return day === item.dataset.start?.slice(0, 10) ? undefined : this.put(item, { to: day });
    const box = target.getBoundingClientRect();
    const quarter = Math.min(3, Math.max(0, Math.floor((event.clientY - box.top) / box.height * 4)));
    return this.put(item, { to: `${day}T${clock(Number(target.dataset.hour) * 60 + quarter * 15)}` });
  }

  /** A way without dragging: the day, and the time, in a form. */
  private async form(item: HTMLElement): Promise<void> {
    const timed = this.hasAttribute("data-timed");
    const input = h("input", { class: "input", type: timed ? "datetime-local" : "date", name: "to", id: "ask-to", value: (item.dataset.start ?? "").slice(0, timed ? 16 : 10) });
    const data = await ask(t("Move {title}", { title: name(item) }), t("Move"), h("div", { class: "field" }, h("label", { for: "ask-to" }, timed ? t("Day and time") : t("Day")), input));
    if (data) void this.put(item, { to: String(data.get("to") ?? "") || null });
  }

  private async put(item: HTMLElement, change: { to?: string | null; end_to?: string }): Promise<void> {
    const id = item.dataset.id ?? "";
    try {
      const done = await api<{ change: string | null; text: string }>("POST", `/m/${this.dataset.module}/${id}/reschedule`, { field: this.dataset.field, end: this.dataset.end ?? "", version: Number(item.dataset.version), ...change });
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
    const focused = id ?? (document.activeElement as HTMLElement | null)?.closest<HTMLElement>(".ev")?.dataset.id;
    const scrolled = this.querySelector(".cal-grid")?.scrollTop ?? 0;
    const response = await fetch(location.href, { headers: { "HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "xrm-calendar#results" } });
    if (!response.ok) return location.reload();
    this.innerHTML = await response.text();
    const grid = this.querySelector(".cal-grid");
    if (grid) grid.scrollTop = scrolled;
    if (focused) this.querySelector<HTMLElement>(`.ev[data-id="${CSS.escape(focused)}"] a`)?.focus();
  }

  /** A week begins with the morning in view. */
  private timed(): void {
    const first = this.querySelector<HTMLElement>(".slot .ev")?.closest<HTMLElement>(".cal-hour") ?? this.querySelectorAll<HTMLElement>(".cal-hour")[8];
    const grid = this.querySelector<HTMLElement>(".cal-grid.timed");
    if (grid && first) grid.scrollTop = Math.max(0, first.offsetTop - grid.offsetTop - 90);
  }
}

const name = (item: HTMLElement): string => item.querySelector(".name")?.textContent?.trim() ?? "";
const two = (value: number): string => String(value).padStart(2, "0");
const clock = (minutes: number): string => `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
const iso = (at: Date): string => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;

if (!customElements.get("xrm-calendar")) customElements.define("xrm-calendar", Calendar);
