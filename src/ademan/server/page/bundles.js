// Which bundle is served and in which version; a choice if there are several; a note when a new version came.

import { ask } from "./api.js";
import { $, element, labelled, say, show } from "./element.js";
import { timeOfDay } from "./words.js";

export class Bundles {
  #known = new Map(); // name: {name, version, labels}
  #manifests = new Map(); // name and version: manifest
  #chosen = null;

  constructor({ onChoice }) {
    this.onChoice = onChoice;
    $("bundle-choice").addEventListener("change", (event) => {
      this.#chosen = event.target.value;
      this.#draw();
    });
    $("news-close").addEventListener("click", () => show($("news"), false));
  }

  // What clips and programs are given to; the camera has the server's own.
  get chosen() {
    return this.#known.get(this.#chosen) ?? null;
  }

  get several() {
    return this.#known.size > 1;
  }

  async load() {
    const { bundles, default: first } = await ask("bundles");
    for (const { name, version } of bundles) this.served(name, version);
    this.#known = new Map(bundles.map((bundle) => [bundle.name, bundle]));
    if (!this.#known.has(this.#chosen)) this.#chosen = first;
    this.#draw();
  }

  // Says whether this version is another than the one known, and tells people.
  served(name, version) {
    const before = this.#known.get(name);
    if (!before?.version || !version || before.version === version) return false;
    before.version = version;
    say($("news-text"), `A new version of ${name} is served since ${timeOfDay(new Date())}: ${version}.`);
    show($("news"), true);
    this.#draw();
    return true;
  }

  async manifest(name) {
    const version = `${name} ${this.#known.get(name)?.version}`;
    if (!this.#manifests.has(version)) {
      const manifest = await ask(`bundles/${encodeURIComponent(name)}`);
      this.#manifests = new Map([...this.#manifests].slice(-8)).set(version, manifest);
    }
    return this.#manifests.get(version);
  }

  #draw() {
    const bundle = this.chosen;
    show($("bundle"), bundle !== null);
    show($("bundle-choice"), this.several);
    show($("bundle-choice-label"), this.several);
    show($("bundle-name"), !this.several);
    const names = [...this.#known.keys()];
    const choice = $("bundle-choice");
    if (names.join("\n") !== [...choice.options].map((option) => option.value).join("\n")) {
      choice.replaceChildren(...names.map((name) => element("option", { text: name, value: name })));
    }
    if (bundle === null) return;
    choice.value = bundle.name;
    say($("bundle-name"), bundle.name);
    say($("bundle-version"), bundle.version ?? "not there yet");
    this.#knows(bundle.labels ?? []);
    this.onChoice(bundle);
  }

  #knows(labels) {
    show($("knows"), labels.length > 0);
    say($("knows-text"), `The ${labels.length} classes that it knows`);
    $("knows-labels").replaceChildren(...labels.map((label) => labelled("li", label)));
  }
}
