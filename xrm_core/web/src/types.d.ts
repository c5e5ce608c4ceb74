// What the two packages without types of their own look like from here.
declare module "sortablejs" {
  interface SortableEvent { item: HTMLElement; from: HTMLElement; to: HTMLElement; oldIndex?: number; newIndex?: number; oldDraggableIndex?: number; newDraggableIndex?: number; originalEvent?: Event }
  interface Options { group?: string | { name: string; pull?: boolean | "clone"; put?: boolean }; handle?: string; onAdd?(event: SortableEvent): void; draggable?: string; sort?: boolean; animation?: number; delay?: number; delayOnTouchOnly?: boolean; forceFallback?: boolean; fallbackOnBody?: boolean; fallbackTolerance?: number; touchStartThreshold?: number; fallbackClass?: string; filter?: string; preventOnFilter?: boolean; scroll?: boolean; onStart?(event: SortableEvent): void; onMove?(event: { to: HTMLElement }): void; onEnd?(event: SortableEvent): void }
  export default class Sortable { static create(element: HTMLElement, options: Options): Sortable; destroy(): void }
}
declare module "htmx.org" {
  interface Htmx { process(node: Element): void; ajax(verb: string, path: string, context: Record<string, unknown>): Promise<void>; config: Record<string, unknown> }
  const htmx: Htmx;
  export default htmx;
}
declare module "sortablejs/modular/sortable.core.esm.js" { export { default } from "sortablejs"; }
