"use strict";
// The page is whole without this script; it adds the search over the items.
(() => {
  const search = document.getElementById("search");
  const words = document.getElementById("words");
  const state = document.getElementById("state");
  const found = document.getElementById("found");
  const blocks = [...document.querySelectorAll(".block")];
  let index = null;
  let waiting = 0;

  const texts = () => {
    index ??= blocks.map((block) =>
      [...block.querySelectorAll("tbody > tr")].map((row) => ({ row, text: row.textContent.toLowerCase() })),
    );
    return index;
  };

  const show = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const states = state.value.split(" ").filter(Boolean);
    let count = 0;
    let all = 0;
    texts().forEach((rows, number) => {
      let inBlock = 0;
      for (const { row, text } of rows) {
        const fits = (!states.length || states.includes(row.className)) && wanted.every((word) => text.includes(word));
        row.hidden = !fits;
        inBlock += fits ? 1 : 0;
      }
      blocks[number].hidden = inBlock === 0;
      count += inBlock;
      all += rows.length;
    });
    found.textContent = wanted.length || states.length ? `${count} of ${all}` : "";
  };

  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(show, 150);
  };

  // A link to an item that the search has hidden shows all items again.
  addEventListener("hashchange", () => {
    const item = document.getElementById(location.hash.slice(1));
    if (item?.hidden) {
      words.value = "";
      state.value = "";
      show();
      item.scrollIntoView();
    }
  });
  words.addEventListener("input", soon);
  state.addEventListener("change", show);
  search.hidden = false;
  if (words.value || state.value) show();
})();
