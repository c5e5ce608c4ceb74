// Fields that are shown or needed under a condition: the server works the conditions out while somebody types.
import { debounce, send } from "./core.ts";

/** Keep a form's conditional fields right. */
export function wireConditions(form: HTMLFormElement, module: string): void {
  const there = () => form.querySelector("[data-conditional]");
  const ask = debounce(180, async () => {
    if (!there()) return;
    const body = new FormData(form);
    body.delete("_csrf");
    try {
      const { data } = await send<{ fields: Record<string, { shown: boolean; needed: boolean }> }>("POST", `/m/${module}/conditions`, body);
      for (const [name, state] of Object.entries(data.fields)) {
        const field = form.querySelector<HTMLElement>(`[data-field="${CSS.escape(name)}"]`);
        field?.toggleAttribute("data-off", !state.shown);
        field?.toggleAttribute("data-needed", state.needed);
      }
    } catch { /* all fields stay as they are; the server checks what is sent */ }
  });
  form.addEventListener("input", ask);
  form.addEventListener("change", ask);
}
