// <xrm-import>: the steps of an import that need more than a form; progress that goes on when one leaves and comes back.
export class Importing extends HTMLElement {}
