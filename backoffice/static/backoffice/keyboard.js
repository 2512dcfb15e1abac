// Unfold opens its menus with elements that only a mouse reaches: make buttons of them.
(({ menu, account, close }) => {
  const AT_A_CLICK = "[x-on\\:click]:not(a[href], button, input, select, textarea, label)";

  const nameOf = (element) => {
    const action = element.getAttribute("x-on:click");
    if (/sidebar(Mobile|Desktop)Open/.test(action)) return menu;
    if (action.startsWith("openUserLinks")) return account;
    return element.textContent.trim() ? null : close;
  };

  const makeButton = (element) => {
    element.setAttribute("role", "button");
    element.tabIndex = 0;
    const name = nameOf(element);
    if (name) element.setAttribute("aria-label", name);
    element.addEventListener("keydown", (event) => {
      if (event.target !== element || !["Enter", " "].includes(event.key)) return;
      event.preventDefault();
      element.click();
      // The sidebar comes before the button that opened it.
      if (name === menu) requestAnimationFrame(() => document.querySelector("#nav-sidebar a")?.focus());
    });
  };

  // An icon is a word in a font of pictures, which nobody wants to hear.
  const hush = (icon) => {
    const around = icon.parentElement.textContent.trim();
    if (!icon.matches(AT_A_CLICK) && around !== icon.textContent.trim()) icon.ariaHidden = "true";
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll(AT_A_CLICK).forEach(makeButton);
    document.querySelectorAll(".material-symbols-outlined").forEach(hush);
  });
})(document.currentScript.dataset);
