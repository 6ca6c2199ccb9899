/* The theme styles the SVG of an older Mermaid. What the pinned one draws otherwise gets the page's colours here. */
const drawnSince11 = `
  rect.actor { fill: var(--md-mermaid-sequence-actor-bg-color) !important;
               stroke: var(--md-mermaid-sequence-actor-border-color) !important; filter: none !important; }
  rect.note { fill: var(--md-mermaid-sequence-note-bg-color) !important;
              stroke: var(--md-mermaid-sequence-note-border-color) !important; filter: none !important; }
  .noteText, .noteText > tspan { fill: var(--md-mermaid-sequence-note-fg-color) !important; }
  .actor-line { stroke: var(--md-default-fg-color--light) !important; }
  rect.rect { fill: var(--md-default-fg-color--lightest) !important; }
  [id$="-arrowhead"] path, [id$="-filled-head"] path { fill: var(--md-mermaid-sequence-message-line-color) !important;
                                                      stroke: none !important; }
  [id$="-crosshead"] path { stroke: var(--md-mermaid-sequence-message-line-color) !important; }
  marker[id*="barbEnd"] path { fill: var(--md-mermaid-edge-color) !important;
                               stroke: var(--md-mermaid-edge-color) !important; }
`;
const initialize = mermaid.initialize;
mermaid.initialize = (given) =>
  initialize({ ...given, theme: "default", look: "classic", themeCSS: given.themeCSS + drawnSince11 });
