// What the package without types of its own looks like from here.
declare module "htmx.org" {
  interface Htmx { process(node: Element): void; ajax(verb: string, path: string, context: Record<string, unknown>): Promise<void>; config: Record<string, unknown> }
  const htmx: Htmx;
  export default htmx;
}
