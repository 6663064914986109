// What the browser keeps for the page: for as long as the tab is open, or for good. Some refuse to keep anything.

class Memory {
  #own = new Map();

  constructor(storage) {
    try {
      this.storage = storage();
    } catch {
      this.storage = null;
    }
  }

  get(name) {
    return (this.storage ? this.storage.getItem(name) : this.#own.get(name)) ?? "";
  }

  set(name, text) {
    if (this.storage) this.storage.setItem(name, text);
    else this.#own.set(name, text);
  }
}

export const ofTheTab = new Memory(() => sessionStorage);
export const forGood = new Memory(() => localStorage);
