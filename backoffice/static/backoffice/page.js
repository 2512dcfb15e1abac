// `/` goes to the search box of the page, not to the list's: hence before Unfold's own listener.
document.addEventListener("keydown", (event) => {
  const box = document.getElementById("find");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || !box) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  event.preventDefault();
  event.stopPropagation();
  box.focus();
  box.select();
}, true);

// A button copies what its data-copy holds; where no clipboard is to be had, the text below it is selected.
document.addEventListener("click", async ({ target }) => {
  if (!target.dataset.copy) return;
  try {
    await navigator.clipboard.writeText(target.dataset.copy);
    target.textContent = target.dataset.done;
  } catch {
    getSelection().selectAllChildren(target.nextElementSibling);
  }
});
