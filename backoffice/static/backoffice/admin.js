// What Unfold leaves to a mouse, a wide screen, and eyes.
(({ menu, account, close, search, scrolls, others, choose }) => {
  const AT_A_CLICK = "[x-on\\:click]:not(a[href], button, input, select, textarea, label)";
  const CARDS = 20;

  const nameOf = (element) => {
    const action = element.getAttribute("x-on:click");
    if (/sidebar(Mobile|Desktop)Open/.test(action)) return menu;
    // It shows whose it is.
    if (action.startsWith("openUserLinks")) element.title = account;
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
    const { title, textContent } = icon.parentElement;
    if (!icon.matches(AT_A_CLICK) && (title || textContent.trim() !== icon.textContent.trim())) icon.ariaHidden = "true";
  };

  const isSeen = (element) => element.checkVisibility({ visibilityProperty: true });
  const firstOf = (selector) => [...document.querySelectorAll(selector)].find(isSeen);
  const FIELDS = "#content form :is(input:not([type=hidden], :disabled), select, textarea)";

  // Alpine shows a form some frames after its page is there.
  const focusOnceSeen = (element, frames = 60) => {
    if (!element) return;
    if (isSeen(element)) element.focus();
    else if (frames > 0) requestAnimationFrame(() => focusOnceSeen(element, frames - 1));
  };

  // To the first row or field, past what sorts and selects.
  const skip = (event) => {
    const target = firstOf("#result_list tbody a") ?? firstOf(FIELDS) ?? document.querySelector(FIELDS);
    if (!target) return;
    event.preventDefault();
    focusOnceSeen(target);
  };

  // Simplebar makes a landmark of whatever scrolls, and calls each the same in English.
  const nameScrolling = (area) => {
    area.setAttribute("role", "group");
    area.setAttribute("aria-label", scrolls);
  };

  const LABELS = { "#searchbar-submit": search, "#nav-sidebar-inner": menu, "#nav-sidebar-inner nav": account };
  const label = ([selector, name]) => document.querySelector(selector)?.setAttribute("aria-label", name);

  // CSS hides them on a phone.
  const offerOtherCards = (table) => {
    const more = table.querySelectorAll("tbody").length - CARDS;
    if (more <= 0) return;
    const button = Object.assign(document.createElement("button"), { type: "button", className: "more-cards" });
    button.textContent = `${others} (${more})`;
    button.addEventListener("click", () => {
      table.classList.add("all-cards");
      button.remove();
      table.querySelectorAll("tbody")[CARDS].querySelector("a, input")?.focus();
    });
    table.after(button);
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll(AT_A_CLICK).forEach(makeButton);
    document.querySelectorAll(".material-symbols-outlined").forEach(hush);
    document.querySelectorAll(".simplebar-content-wrapper").forEach(nameScrolling);
    Object.entries(LABELS).forEach(label);
    // The page has its name for a heading, and no second one before these.
    document.querySelectorAll("#changelist-filter h3").forEach((heading) => heading.setAttribute("aria-level", "2"));
    document.querySelector(".skip-link")?.addEventListener("click", skip);
    document.querySelectorAll("#result_list").forEach(offerOtherCards);
  });
  // Django has made its calendars and clocks by now, and has put the focus into the first field.
  window.addEventListener("load", () => {
    focusOnceSeen(document.querySelector("[aria-invalid=true]:not([type=hidden])"));
    document.querySelectorAll(".calendarbox, .clockbox").forEach((box) => {
      box.setAttribute("role", "dialog");
      box.setAttribute("aria-label", choose);
    });
  });
})(document.currentScript.dataset);
