// Paper has no folds: whatever is folded is open while the page is printed.

addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details:not([open])")) {
    fold.dataset.closed = "";
    fold.open = true;
  }
});
addEventListener("afterprint", () => {
  for (const fold of document.querySelectorAll("details[data-closed]")) {
    delete fold.dataset.closed;
    fold.open = false;
  }
});
