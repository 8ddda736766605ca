// Blocks of code that are wider than the page can be scrolled with the keyboard, too. After the theme's own scripts.
addEventListener("load", () =>
  setTimeout(() => {
    for (const code of document.querySelectorAll("pre > code")) {
      if (code.scrollWidth > code.clientWidth) code.tabIndex = 0;
    }
  }, 300),
);
