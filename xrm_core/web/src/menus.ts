// Popovers at their buttons, preferences without a page load, dialogs by name.
import { csrf, place, t, toast } from "./core.ts";

export function wireMenus(): void {
  for (const button of document.querySelectorAll<HTMLElement>("[popovertarget][hidden], [data-reveal][hidden], .report [data-print][hidden]")) button.hidden = false;
  document.addEventListener("toggle", (event) => {
    const popover = event.target as HTMLElement;
    if (!popover.matches?.("[popover]") || (event as ToggleEvent).newState !== "open") return;
    const button = popover.id ? document.activeElement?.closest(`[popovertarget="${popover.id}"]`) ?? visible(`[popovertarget="${popover.id}"]`) : null;
    if (button) place(popover, button, popover.dataset.place);
  }, true);
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    const opener = target.closest<HTMLElement>("[data-open]");
    if (opener && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      opener.closest<HTMLElement>("[popover]")?.hidePopover();
      open(opener.dataset.open ?? "");
    }
    if (target.closest(".report [data-print]")) print();
    const bell = target.closest<HTMLElement>("a.bell");
    if (bell && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      bell.closest<HTMLElement>("[popover]")?.hidePopover();
      void import("./elements/notices.ts").then(({ openNotices }) => openNotices(bell.checkVisibility() ? bell : document.querySelector<HTMLElement>(".bottom button") ?? bell));
    }
    const reveal = target.closest<HTMLElement>("[data-reveal]");
    const input = reveal && document.getElementById(reveal.dataset.reveal ?? "");
    if (reveal && input instanceof HTMLInputElement) {
      input.type = input.type === "password" ? "text" : "password";
      reveal.setAttribute("aria-pressed", String(input.type === "text"));
    }
  });
  document.addEventListener("submit", (event) => {
    const form = event.target as HTMLFormElement;
    const choice = (event as SubmitEvent).submitter;
    if (!form.matches(".prefs") || !(choice instanceof HTMLButtonElement) || !["theme", "density"].includes(choice.name)) return;
    event.preventDefault();
    document.documentElement.dataset[choice.name] = choice.value;
    for (const button of document.querySelectorAll(`.prefs [name="${choice.name}"]`)) button.setAttribute("aria-pressed", String((button as HTMLButtonElement).value === choice.value));
    const body = new URLSearchParams({ _csrf: csrf(), [choice.name]: choice.value, next: "" });
    void fetch("/preferences", { method: "POST", body, headers: { "HX-Request": "true", "X-CSRF-Token": csrf() }, redirect: "manual" });
  });
}

function visible(selector: string): Element | null {
  return [...document.querySelectorAll(selector)].find((element) => element.getClientRects().length) ?? null;
}

const palette = () => import("./elements/palette.ts");

/** Fetch what Ctrl+K needs, while Ctrl is being held. */
export function warm(): void {
  void palette().catch(() => undefined);
}

let helped: Promise<void> | undefined;

/** Fetch the list of shortcuts, once, for the help and for the palette. */
export function loadHelp(): Promise<void> {
  helped ??= fetch("/help", { headers: { "HX-Request": "true" } }).then(async (answer) => {
    const dialog = document.getElementById("help");
    if (!answer.ok || answer.redirected || !dialog) throw new Error(String(answer.status));
    dialog.innerHTML = await answer.text();
  }).catch((error) => {
    helped = undefined;
    throw error;
  });
  return helped;
}

/** Open one of the page's own layers. */
export function open(name: string): void {
  const dialog = document.querySelector<HTMLDialogElement>(`dialog#${name}`);
  if (!dialog || dialog.open) return;
  if (name === "help" && !dialog.childElementCount) return void loadHelp().then(() => open("help"), () => toast(t("The server cannot be reached."), { kind: "bad" }));
  const input = name === "palette" ? dialog.querySelector("input") : null;
  // Something half open would hide behind the dialog.
  for (const popover of document.querySelectorAll<HTMLElement>(".menu:popover-open")) popover.hidePopover();
  if (input) input.value = "";
  dialog.showModal();
  if (!input) return;
  input.focus();
  void palette().then(({ attach }) => attach(dialog), () => toast(t("The server cannot be reached."), { kind: "bad" }));
}
