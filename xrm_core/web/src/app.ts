// Entry: starts htmx, registers the elements, wires what is the same on every page.
import "htmx.org";
import { csrf, signInAgain, t, toast } from "./core.ts";
import { Combobox } from "./elements/combobox.ts";
import { Filter } from "./elements/filter.ts";
import { Toasts } from "./elements/toasts.ts";
// Two that most pages need: asking for them one by one would take longer than they are long.
import "./elements/grid_editors.ts";
import "./elements/views.ts";
import { wireDrawer } from "./drawer.ts";
import { wireFavourites } from "./favourites.ts";
import { restoreForm, wireForms } from "./forms.ts";
import { wireKeys } from "./keys.ts";
import { wireLast } from "./last.ts";
import { wireLive } from "./live.ts";
import { wireMenus } from "./menus.ts";
import { wireOffline } from "./offline.ts";
import { remember } from "./recent.ts";

restoreForm();
for (const [name, element] of Object.entries({ "xrm-toasts": Toasts, "xrm-combobox": Combobox, "xrm-filter": Filter })) {
  if (!customElements.get(name)) customElements.define(name, element);
}
// Elements that few pages have come with those pages, which name their scripts; this is for what arrives later.
const LATER: Record<string, () => Promise<unknown>> = {
  "xrm-grid": () => import("./elements/grid.ts"),
  "xrm-calendar": () => import("./elements/calendar.ts"),
  "xrm-moneyline": () => import("./elements/moneyline.ts"),
  "xrm-board": () => import("./elements/board.ts"),
  "xrm-record": () => import("./elements/record.ts"),
  "xrm-today": () => import("./elements/today.ts"),
  "xrm-automation": () => import("./elements/automation.ts"),
  "xrm-designer": () => import("./elements/designer.ts"),
  "xrm-import": () => import("./elements/importing.ts"),
};
for (const [name, load] of Object.entries(LATER)) if (document.querySelector(name)) void load();
wireMenus();
wireForms();
wireDrawer();
wireKeys();
wireLast();
wireFavourites();
wireLive();
wireOffline();
remember();

interface Context { request: { headers: Record<string, string> }; response?: { status?: number } }

document.addEventListener("htmx:config:request", (event) => {
  (event as CustomEvent<{ ctx: Context }>).detail.ctx.request.headers["X-CSRF-Token"] = csrf();
});
const progress = document.getElementById("progress");
let under_way = 0;
const waits = new Set<Element>();
document.addEventListener("htmx:before:request", (event) => {
  under_way += 1;
  progress?.classList.add("on");
  // What takes longer than a moment shows rows of the right height instead of old ones.
  const results = (event.target as Element).closest?.("form.find, .tabs") && document.getElementById("results");
  if (results && !waits.has(results)) {
    waits.add(results);
    setTimeout(() => { if (waits.has(results)) results.classList.add("loading"); }, 300);
  }
});
document.addEventListener("htmx:finally:request", () => {
  under_way = Math.max(0, under_way - 1);
  if (under_way) return;
  progress?.classList.remove("on");
  for (const results of waits) results.classList.remove("loading");
  waits.clear();
});
document.addEventListener("htmx:response:error", (event) => {
  const status = (event as CustomEvent<{ ctx: Context }>).detail.ctx.response?.status ?? 0;
  if (status === 401) void signInAgain().then((signed) => { if (signed) toast(t("You are signed in again. Do it once more.")); });
  else if (status !== 422) toast(t("Something went wrong. Nothing was changed."), { kind: "bad" });
});
document.addEventListener("htmx:error", () => {
  document.dispatchEvent(new Event("xrm:unreachable"));
  toast(t("The server cannot be reached."), { kind: "bad" });
});
