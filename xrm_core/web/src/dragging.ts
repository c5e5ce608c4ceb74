// Dragging an element to a place by mouse, or by touch after a long press; what it means is up to the caller.
export interface Drag { item: string; target: string; skip?: string; drop(item: HTMLElement, target: HTMLElement, event: PointerEvent): void }

const FAR = 5;
const PRESS = 260;

export function dragging(root: HTMLElement, drag: Drag): void {
  root.addEventListener("dragstart", (event) => event.preventDefault());
  root.addEventListener("pointerdown", (event) => {
    const origin = event.target as Element;
    const item = origin.closest<HTMLElement>(drag.item);
    if (!item || event.button || (drag.skip && origin.closest(drag.skip))) return;
    const touch = event.pointerType === "touch";
    const [x, y] = [event.clientX, event.clientY];
    let ghost: HTMLElement | null = null;
    let over: HTMLElement | null = null;
    const timer = touch ? window.setTimeout(() => begin(), PRESS) : 0;
    const begin = () => {
      const box = item.getBoundingClientRect();
      ghost = item.cloneNode(true) as HTMLElement;
      ghost.classList.add("dragged");
      ghost.style.inlineSize = `${box.width}px`;
      ghost.style.blockSize = `${box.height}px`;
      ghost.dataset.dx = String(x - box.left);
      ghost.dataset.dy = String(y - box.top);
      item.classList.add("dragging");
      document.body.append(ghost);
      at(x, y);
    };
    const at = (left: number, top: number) => {
      if (!ghost) return;
      ghost.style.left = `${left - Number(ghost.dataset.dx)}px`;
      ghost.style.top = `${top - Number(ghost.dataset.dy)}px`;
      const found = document.elementFromPoint(left, top)?.closest<HTMLElement>(drag.target) ?? null;
      if (found === over) return;
      over?.classList.remove("over");
      over = found;
      over?.classList.add("over");
    };
    const move = (moved: PointerEvent) => {
      if (!ghost && Math.hypot(moved.clientX - x, moved.clientY - y) > FAR) {
        if (touch) return end();
        begin();
      }
      at(moved.clientX, moved.clientY);
    };
    const still = (moved: TouchEvent) => { if (ghost && moved.cancelable) moved.preventDefault(); };
    const click = (clicked: MouseEvent) => {
      clicked.preventDefault();
      clicked.stopPropagation();
    };
    const key = (pressed: KeyboardEvent) => { if (pressed.key === "Escape") end(); };
    const end = () => {
      clearTimeout(timer);
      ghost?.remove();
      over?.classList.remove("over");
      item.classList.remove("dragging");
      document.removeEventListener("pointermove", move);
      document.removeEventListener("pointerup", up);
      document.removeEventListener("pointercancel", end);
      document.removeEventListener("touchmove", still);
      document.removeEventListener("keydown", key, true);
    };
    const up = (released: PointerEvent) => {
      const [moved, target] = [!!ghost, over];
      if (moved) {
        // The click that follows a drag opens nothing.
        addEventListener("click", click, { capture: true, once: true });
        setTimeout(() => removeEventListener("click", click, true));
      }
      end();
      if (moved && target) drag.drop(item, target, released);
    };
    document.addEventListener("pointermove", move);
    document.addEventListener("pointerup", up);
    document.addEventListener("pointercancel", end);
    document.addEventListener("touchmove", still, { passive: false });
    document.addEventListener("keydown", key, true);
  });
}
