// Why a computed value is what it is: told beside the value; what is computed in turn opens in the same place.
import { h, place, toast } from "../core.ts";
import { part } from "../fragments.ts";

/** Tell the lineage that `link` leads to, beside it; closing gives the focus back. */
export async function tellWhy(link: HTMLAnchorElement): Promise<void> {
  const inside = link.closest<HTMLElement>(".why-pop");
  const content = await part(link.href).catch((error: Error) => void toast(error.message, { kind: "bad" }));
  const told = content?.querySelector<HTMLElement>(".why-told");
  if (!content || !told) return;
  const popover = inside ?? h("div", { class: "why-pop", popover: "auto", role: "dialog", "aria-labelledby": "why-title", tabindex: "-1" });
  popover.replaceChildren(content);
  if (!inside) {
    popover.addEventListener("toggle", (event) => {
      if ((event as ToggleEvent).newState !== "closed") return;
      popover.remove();
      link.focus();
    });
    popover.addEventListener("click", (event) => {
      const further = (event.target as Element).closest<HTMLAnchorElement>("[data-why]");
      if (!further || event.button || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      void tellWhy(further);
    });
    document.body.append(popover);
    popover.showPopover();
    place(popover, link);
  }
  popover.focus();
}
