// Dragging an element to a place by mouse, or by touch after a long press; what it means is up to the caller.
export interface Drag {
  /** What can be dragged, and where it can be let go: selectors. */
  item: string;
  target: string;
  /** It is taken by these parts only; never by those. */
  handle?: string;
  skip?: string;
  /** The children of a target that it goes between: a mark shows where, `drop` is told how many come before it. */
  among?: string;
  /** The part of a target that holds them; without it the target itself. */
  into?: string;
  /** Whether that target takes this; without it every one does. */
  takes?(item: HTMLElement, target: HTMLElement): boolean;
  drop(item: HTMLElement, target: HTMLElement, event: PointerEvent, index: number): void;
}

const FAR = 5;
const PRESS = 260;
const EDGE = 44;
const SPEED = 16;

export function dragging(root: HTMLElement, drag: Drag): void {
  root.addEventListener("dragstart", (event) => event.preventDefault());
  root.addEventListener("pointerdown", (event) => {
    const origin = event.target as Element;
    const item = origin.closest<HTMLElement>(drag.item);
    if (!item || event.button || !event.isPrimary || (drag.skip && origin.closest(drag.skip)) || (drag.handle && !origin.closest(drag.handle))) return;
    new Dragged(drag, item, event);
  });
}

/** One movement, from the press to the end. */
class Dragged {
  private readonly drag: Drag;
  private readonly item: HTMLElement;
  private readonly touch: boolean;
  private readonly from: [number, number];
  private readonly gone = new AbortController();
  private readonly timer: number = 0;
  private ghost: HTMLElement | null = null;
  private grip: [number, number] = [0, 0];
  private place: [number, number];
  private over: HTMLElement | null = null;
  private mark: HTMLElement | null = null;
  private frame = 0;

  constructor(drag: Drag, item: HTMLElement, event: PointerEvent) {
    this.drag = drag;
    this.item = item;
    this.touch = event.pointerType === "touch";
    this.from = this.place = [event.clientX, event.clientY];
    const { signal } = this.gone;
    const mine = (work: (moved: PointerEvent) => void) => (moved: PointerEvent) => { if (moved.pointerId === event.pointerId) work(moved); };
    document.addEventListener("pointermove", mine((moved) => this.move(moved)), { signal });
    document.addEventListener("pointerup", mine((moved) => this.up(moved)), { signal });
    document.addEventListener("pointercancel", mine(() => this.cancel()), { signal });
    // What moves under a finger does not scroll, and holding it opens no menu of the browser.
    document.addEventListener("touchmove", (moved) => { if (this.ghost && moved.cancelable) moved.preventDefault(); }, { signal, passive: false });
    if (this.touch) document.addEventListener("contextmenu", (asked) => asked.preventDefault(), { signal });
    document.addEventListener("keydown", (pressed) => {
      if (pressed.key !== "Escape" || !this.ghost) return;
      pressed.preventDefault();
      pressed.stopImmediatePropagation();
      this.cancel();
    }, { signal, capture: true });
    addEventListener("blur", () => this.cancel(), { signal });
    if (this.touch) this.timer = window.setTimeout(() => this.begin(), PRESS);
  }

  private begin(): void {
    const box = this.item.getBoundingClientRect();
    const ghost = this.item.cloneNode(true) as HTMLElement;
    for (const one of [ghost, ...ghost.querySelectorAll("[id]")]) one.removeAttribute("id");
    ghost.classList.add("dragged");
    ghost.inert = true;
    ghost.style.inlineSize = `${box.width}px`;
    ghost.style.blockSize = `${box.height}px`;
    this.ghost = ghost;
    this.grip = [this.from[0] - box.left, this.from[1] - box.top];
    this.item.classList.add("dragging");
    document.documentElement.classList.add("drags");
    getSelection()?.removeAllRanges();
    document.body.append(ghost);
    this.show();
    this.frame = requestAnimationFrame(() => this.scroll());
  }

  private move(event: PointerEvent): void {
    this.place = [event.clientX, event.clientY];
    if (this.ghost) return this.show();
    if (Math.hypot(this.place[0] - this.from[0], this.place[1] - this.from[1]) <= FAR) return;
    // A finger that moves before the press was long enough scrolls.
    if (this.touch) return this.end();
    this.begin();
  }

  private show(): void {
    const [x, y] = this.place;
    this.ghost!.style.translate = `${x - this.grip[0]}px ${y - this.grip[1]}px`;
    const under = at(x, y);
    const there = under?.closest<HTMLElement>(this.drag.target) ?? null;
    const found = there && (this.drag.takes?.(this.item, there) ?? true) ? there : null;
    if (found !== this.over) {
      this.over?.classList.remove("over");
      this.over = found;
      found?.classList.add("over");
    }
    if (this.drag.among) this.between(under, y);
  }

  /** The mark goes before or after what is under the pointer, whichever half it is in. */
  private between(under: Element | null, y: number): void {
    if (!this.over) return this.mark?.remove();
    const list = this.list(this.over);
    this.mark ??= Object.assign(document.createElement(this.item.localName), { className: "drag-mark", ariaHidden: "true" });
    if (under === this.mark) return;
    const one = under?.closest<HTMLElement>(this.drag.among!) ?? null;
    let before: Element | null = null;
    if (one && list.contains(one)) {
      const box = one.getBoundingClientRect();
      before = y < box.top + box.height / 2 ? one : one.nextElementSibling;
    } else before = this.members(list).find((member) => member.getBoundingClientRect().top + member.offsetHeight / 2 > y) ?? null;
    if (before !== this.mark && (this.mark.parentElement !== list || this.mark.nextElementSibling !== before)) list.insertBefore(this.mark, before);
  }

  private list(target: HTMLElement): HTMLElement {
    return (this.drag.into && target.querySelector<HTMLElement>(this.drag.into)) || target;
  }

  private members(list: HTMLElement): HTMLElement[] {
    return [...list.querySelectorAll<HTMLElement>(this.drag.among!)];
  }

  /** Near an edge of what scrolls under the pointer, it scrolls that way. */
  private scroll(): void {
    if (!this.ghost) return;
    const [x, y] = this.place;
    let moved = false;
    for (let one = at(x, y); one && one !== document.documentElement; one = one.parentElement) {
      const box = one.getBoundingClientRect();
      const { overflowX, overflowY } = getComputedStyle(one);
      const before = [one.scrollLeft, one.scrollTop];
      if (/auto|scroll/.test(overflowX) && one.scrollWidth > one.clientWidth) one.scrollLeft += pull(x, box.left, box.right);
      if (/auto|scroll/.test(overflowY) && one.scrollHeight > one.clientHeight) one.scrollTop += pull(y, box.top, box.bottom);
      moved ||= one.scrollLeft !== before[0] || one.scrollTop !== before[1];
    }
    if (moved) this.show();
    this.frame = requestAnimationFrame(() => this.scroll());
  }

  private up(event: PointerEvent): void {
    this.move(event);
    const { ghost, over } = this;
    if (!ghost) return this.end();
    // The click that follows a drag opens nothing.
    const click = (clicked: MouseEvent) => {
      clicked.preventDefault();
      clicked.stopPropagation();
    };
    addEventListener("click", click, { capture: true, once: true });
    setTimeout(() => removeEventListener("click", click, true));
    if (!over) return this.cancel();
    let index = 0;
    if (this.mark?.isConnected) {
      for (const one of this.members(this.list(over))) if (one !== this.item && one.compareDocumentPosition(this.mark) & Node.DOCUMENT_POSITION_FOLLOWING) index += 1;
    }
    this.end();
    ghost.remove();
    this.drag.drop(this.item, over, event, index);
  }

  /** Back to where it came from: nothing has happened. */
  private cancel(): void {
    const { ghost } = this;
    this.end();
    if (!ghost) return;
    const home = this.item.getBoundingClientRect();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches || !home.width;
    if (still) ghost.remove();
    else ghost.animate({ translate: `${home.left}px ${home.top}px` }, 110).finished.finally(() => ghost.remove());
  }

  private end(): void {
    this.gone.abort();
    clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
    this.ghost = null;
    this.mark?.remove();
    this.over?.classList.remove("over");
    this.item.classList.remove("dragging");
    document.documentElement.classList.remove("drags");
  }
}

/** What is there; a pointer that has left the window counts at its edge. */
function at(x: number, y: number): Element | null {
  return document.elementFromPoint(Math.min(Math.max(x, 0), innerWidth - 1), Math.min(Math.max(y, 0), innerHeight - 1));
}

/** How far to scroll: the nearer to the edge, the faster. */
function pull(where: number, start: number, end: number): number {
  const room = Math.min(EDGE, (end - start) / 4);
  if (where < start + room) return -Math.ceil(SPEED * Math.min(1, (start + room - where) / room));
  return where > end - room ? Math.ceil(SPEED * Math.min(1, (where - end + room) / room)) : 0;
}
