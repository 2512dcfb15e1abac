// Adds what Swagger UI lacks for screen readers; it redraws at each click.
(() => {
  const set = (selector, attribute, value) => {
    document.querySelectorAll(`#swagger-ui :is(${selector})`).forEach((element) => element.setAttribute(attribute, value));
  };
  const mend = () => {
    set("main", "role", "group");
    set("main", "aria-label", "Operations");
    set("h3.opblock-tag, .models h4", "aria-level", "2");
    set(".opblock-title", "aria-level", "3");
    set("select#servers", "aria-label", "Server");
    set("select.examples-select-element", "aria-label", "Example");
    set(".parameters-col_description select", "aria-label", "Value");
    set("table.responses-table", "role", "table");
  };
  new MutationObserver(mend).observe(document.getElementById("swagger-ui"), { childList: true, subtree: true });
})();
