// <xrm-board>: cards move between stages by drag, by keyboard (Space, arrows, Space) and by menu; shown at once, taken back on refusal.
import { announce, api, ApiError, ask, askReason, h, icon, place, t, toast, typing } from "../core.ts";

interface Home { cards: HTMLElement; next: Element | null }

export class Board extends HTMLElement {
  private lifted: HTMLElement | null = null;
  private home: Home | null = null;
  private menu?: HTMLElement;
  private watcher?: MutationObserver;

  connectedCallback(): void {
    if (!this.hasAttribute("data-move")) return;
    this.addEventListener("keydown", (event) => this.key(event));
    this.addEventListener("click", (event) => {
      const button = (event.target as Element).closest<HTMLElement>(".move");
      if (button) this.openMenu(button);
    });
    this.addEventListener("focusout", (event) => {
      // A click elsewhere while a card is lifted puts it back.
      if (this.lifted && event.relatedTarget && !this.lifted.contains(event.relatedTarget as Node)) this.cancel();
    });
    const buttons = () => this.querySelectorAll<HTMLElement>(".move[hidden]").forEach((button) => { button.hidden = false; });
    buttons();
    void this.drag();
    this.watcher = new MutationObserver(() => {
      buttons();
      void this.drag();
    });
    this.watcher.observe(this, { childList: true, subtree: true });
  }

  disconnectedCallback(): void {
    this.watcher?.disconnect();
  }

  private get lanes(): HTMLElement[] { return [...this.querySelectorAll<HTMLElement>(".lane")]; }

  private async drag(): Promise<void> {
    const { default: Sortable } = await import("sortablejs");
    for (const cards of this.querySelectorAll<HTMLElement>(".cards:not([data-drag])")) {
      cards.dataset.drag = "";
      Sortable.create(cards, {
        group: "cards", draggable: ".card", sort: false, animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 110,
        delay: 180, delayOnTouchOnly: true, forceFallback: true, fallbackOnBody: true, fallbackTolerance: 4, filter: ".move", preventOnFilter: false,
        onMove: ({ to }) => { for (const lane of this.lanes) lane.classList.toggle("over", lane.contains(to)); },
        onEnd: ({ item, from, to, oldIndex }) => {
          for (const lane of this.lanes) lane.classList.remove("over");
          if (from === to) return;
          const others = [...from.querySelectorAll(".card")];
          void this.move(item, { cards: from, next: others[oldIndex ?? 0] ?? null });
        },
      });
    }
  }

  private key(event: KeyboardEvent): void {
    const card = (event.target as Element).closest<HTMLElement>(".card");
    if (!card || typing(event.target) || event.ctrlKey || event.metaKey || event.altKey || (event.target as Element).closest(".move")) return;
    const handled = this.lifted ? this.carry(event.key) : this.walk(card, event.key);
    if (handled) event.preventDefault();
  }

  private walk(card: HTMLElement, key: string): boolean {
    if (key === " ") return this.lift(card);
    if (key.toLowerCase() === "m" && document.body.dataset.shortcuts !== "off") {
      this.openMenu(card.querySelector<HTMLElement>(".move")!);
      return true;
    }
    if (/^[1-9]$/.test(key) && document.body.dataset.shortcuts !== "off") {
      const lane = this.lanes[Number(key) - 1];
      if (lane) void this.to(card, lane);
      return true;
    }
    const cards = [...card.closest(".cards")!.querySelectorAll<HTMLElement>(".card")];
    const at = cards.indexOf(card);
    if (key === "ArrowDown" || key === "ArrowUp") return focus(cards[at + (key === "ArrowDown" ? 1 : -1)]);
    if (key === "ArrowRight" || key === "ArrowLeft") {
      const step = (key === "ArrowRight") !== (document.dir === "rtl") ? 1 : -1;
      for (let index = this.laneOf(card) + step; this.lanes[index]; index += step) {
        const there = [...this.lanes[index]!.querySelectorAll<HTMLElement>(".card")];
        if (there.length) return focus(there[Math.min(at, there.length - 1)]);
      }
    }
    return false;
  }

  private laneOf(card: HTMLElement): number {
    return this.lanes.indexOf(card.closest<HTMLElement>(".lane")!);
  }

  private lift(card: HTMLElement): boolean {
    this.lifted = card;
    this.home = { cards: card.parentElement!, next: card.nextElementSibling };
    card.classList.add("lifted");
    announce(t("{title} lifted. Arrow keys choose the stage, Space drops, Escape cancels.", { title: name(card) }));
    return true;
  }

  private carry(key: string): boolean {
    const card = this.lifted!;
    if (key === "Escape") this.cancel();
    else if (key === " " || key === "Enter") {
      const home = this.home!;
      this.drop();
      if (card.parentElement !== home.cards) void this.move(card, home);
      else announce(t("{title} dropped where it was.", { title: name(card) }));
    } else if (key === "ArrowRight" || key === "ArrowLeft") {
      const step = (key === "ArrowRight") !== (document.dir === "rtl") ? 1 : -1;
      const lane = this.lanes[this.laneOf(card) + step];
      if (lane) {
        put(card, lane);
        focus(card);
        announce(t("{title}, {stage}", { title: name(card), stage: lane.dataset.label ?? "" }));
      }
    } else return key.startsWith("Arrow");
    return true;
  }

  private drop(): void {
    this.lifted?.classList.remove("lifted");
    this.lifted = this.home = null;
  }

  private cancel(): void {
    const { lifted, home } = this;
    this.drop();
    if (!lifted || !home) return;
    home.cards.insertBefore(lifted, home.next);
    focus(lifted);
    announce(t("Cancelled. {title} is where it was.", { title: name(lifted) }));
  }

  private openMenu(button: HTMLElement): void {
    const card = button.closest<HTMLElement>(".card")!;
    this.menu?.remove();
    const menu = h("div", { class: "menu", popover: "auto", role: "menu", "aria-label": t("Move to") }, h("div", { class: "head", role: "presentation" }, t("Move to")));
    this.menu = menu;
    this.lanes.forEach((lane, index) => {
      const item = h("button", { type: "button", role: "menuitemradio", "aria-checked": String(lane.contains(card)), tabindex: "-1" }, h("span", { class: "chip", "data-hue": lane.dataset.hue ?? "gray" }, h("span", {}, lane.dataset.label ?? "")), index < 9 && h("kbd", { "aria-hidden": "true" }, String(index + 1)));
      item.addEventListener("click", () => {
        menu.hidePopover();
        void this.to(card, lane);
      });
      menu.append(item);
    });
    menu.addEventListener("keydown", (event) => {
      const items = [...menu.querySelectorAll<HTMLElement>("[role^=menuitem]")];
      const at = items.indexOf(document.activeElement as HTMLElement);
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        items[(at + (event.key === "ArrowDown" ? 1 : items.length - 1)) % items.length]?.focus();
      } else if (/^[1-9]$/.test(event.key)) items[Number(event.key) - 1]?.click();
      event.stopPropagation();
    });
    menu.addEventListener("toggle", (event) => {
      const isOpen = (event as ToggleEvent).newState === "open";
      button.setAttribute("aria-expanded", String(isOpen));
      if (isOpen) return;
      if (menu.contains(document.activeElement) || document.activeElement === document.body) focus(card);
      menu.remove();
    });
    this.closest("main")!.append(menu);
    menu.showPopover();
    place(menu, button, "bottom-end");
    (menu.querySelector<HTMLElement>("[aria-checked=true]") ?? menu.querySelector<HTMLElement>("button"))?.focus();
  }

  /** Move without a drag: the card goes to the top of its new lane. */
  private async to(card: HTMLElement, lane: HTMLElement): Promise<void> {
    if (lane.contains(card)) return;
    const home = { cards: card.parentElement!, next: card.nextElementSibling };
    put(card, lane);
    focus(card);
    await this.move(card, home);
  }

  /** The card is in its new lane already; tell the server, or put it back. */
  private async move(card: HTMLElement, home: Home, undo = true): Promise<void> {
    const lane = card.closest<HTMLElement>(".lane")!;
    const before = home.cards.closest<HTMLElement>(".lane")!;
    const back = () => {
      home.cards.insertBefore(card, home.next?.parentElement === home.cards ? home.next : null);
      count(before, 1);
      count(lane, -1);
      focus(card);
    };
    count(before, -1);
    count(lane, 1);
    let reason: string | null = null;
    if (lane.dataset.reasons) {
      reason = await askReason(lane.dataset.label ?? "", JSON.parse(lane.dataset.reasons) as [string, string][]);
      if (!reason) return back();
    }
    card.classList.add("busy");
    try {
      const url = `/api/v1/records/${this.dataset.module}/${card.dataset.id}/move`;
      const record = await api<{ version: number }>("POST", url, { stage: lane.dataset.stage, ...(reason ? { reason } : {}) }, { "If-Match": `"${card.dataset.version}"` });
      card.dataset.version = String(record.version);
      announce(t("{title}, {stage}, {at} of {count}", { title: name(card), stage: lane.dataset.label ?? "", at: [...lane.querySelectorAll(".card")].indexOf(card) + 1, count: lane.dataset.count ?? "" }));
      toast(t("{title} moved to {stage}", { title: name(card), stage: lane.dataset.label ?? "" }), undo ? { label: t("Undo"), act: () => this.undo(card, before, lane) } : {});
    } catch (error) {
      back();
      await this.refused(card, lane, error as ApiError);
    } finally {
      card.classList.remove("busy");
    }
  }

  private undo(card: HTMLElement, before: HTMLElement, lane: HTMLElement): void {
    const home = { cards: lane.querySelector<HTMLElement>(".cards")!, next: card.nextElementSibling };
    put(card, before);
    focus(card);
    void this.move(card, home, false);
  }

  /** Say why; what is missing can be filled in at once. */
  private async refused(card: HTMLElement, lane: HTMLElement, error: ApiError): Promise<void> {
    if (error.status !== 422 || !error.problems.length) {
      const stale = error.status === 412 || error.status === 409;
      toast(stale ? t("Someone changed it meanwhile. Reload to see the change.") : error.message, stale ? { kind: "bad", label: t("Reload"), act: () => location.reload() } : { kind: "bad" });
      return;
    }
    const problems = h("ul", { class: "problems" }, ...error.problems.map((problem) => h("li", { class: "field" }, h("span", { class: "err" }, icon("circle-alert"), problem.message))));
    const fill = await ask(t("{stage} needs something first", { stage: lane.dataset.label ?? "" }), t("Fill in"), problems);
    if (fill) location.assign(`/m/${this.dataset.module}/${card.dataset.id}/edit?stage=${encodeURIComponent(lane.dataset.stage ?? "")}`);
  }
}

function name(card: HTMLElement): string {
  return card.querySelector(".title")?.textContent?.trim() ?? "";
}

function focus(card: HTMLElement | undefined): boolean {
  card?.querySelector<HTMLElement>(".title")?.focus();
  card?.scrollIntoView({ block: "nearest", inline: "nearest" });
  return !!card;
}

function put(card: HTMLElement, lane: HTMLElement): void {
  lane.querySelector(".cards")!.prepend(card);
}

function count(lane: HTMLElement, by: number): void {
  const now = Math.max(0, Number(lane.dataset.count ?? "0") + by);
  lane.dataset.count = String(now);
  const shown = lane.querySelector(".count");
  if (shown) shown.textContent = now.toLocaleString(document.documentElement.lang);
}
