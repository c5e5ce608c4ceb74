// Choices of how a layout arranges records: a form that sends itself when something is chosen.
export function pick(element: Element): void {
  const form = element.closest("main")?.querySelector<HTMLFormElement>("form[data-auto]");
  if (!form || form.dataset.auto === "on") return;
  form.dataset.auto = "on";
  form.addEventListener("change", () => form.requestSubmit());
}
