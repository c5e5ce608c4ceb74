// Entry: starts htmx, registers the elements, wires what is the same on every page.
import "htmx.org";
import { csrf, t, toast } from "./core.ts";
import { Board } from "./elements/board.ts";
import { Combobox } from "./elements/combobox.ts";
import { Filter } from "./elements/filter.ts";
import { Palette } from "./elements/palette.ts";
import { Toasts } from "./elements/toasts.ts";
import { restoreForm, wireForms } from "./forms.ts";
import { wireKeys } from "./keys.ts";
import { wireMenus } from "./menus.ts";

restoreForm();
for (const [name, element] of Object.entries({ "xrm-toasts": Toasts, "xrm-palette": Palette, "xrm-board": Board, "xrm-combobox": Combobox, "xrm-filter": Filter })) {
  if (!customElements.get(name)) customElements.define(name, element);
}
wireMenus();
wireForms();
wireKeys();

interface Context { request: { headers: Record<string, string> }; response?: { status?: number } }

document.addEventListener("htmx:config:request", (event) => {
  (event as CustomEvent<{ ctx: Context }>).detail.ctx.request.headers["X-CSRF-Token"] = csrf();
});
const progress = document.getElementById("progress");
let under_way = 0;
document.addEventListener("htmx:before:request", () => {
  under_way += 1;
  progress?.classList.add("on");
});
document.addEventListener("htmx:finally:request", () => {
  under_way = Math.max(0, under_way - 1);
  if (!under_way) progress?.classList.remove("on");
});
document.addEventListener("htmx:response:error", (event) => {
  const status = (event as CustomEvent<{ ctx: Context }>).detail.ctx.response?.status ?? 0;
  if (status === 401) location.reload();
  else if (status !== 422) toast(t("Something went wrong. Nothing was changed."), { kind: "bad" });
});
document.addEventListener("htmx:error", () => toast(t("The server cannot be reached."), { kind: "bad" }));
