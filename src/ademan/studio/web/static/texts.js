/** The studio's texts in the language of the page. */

const texts = await (await fetch(`/texts/${document.documentElement.lang}.json`)).json();

/** Return a text, its {places} filled.
 * @param {string} key as in texts/en.json
 * @param {Record<string, unknown>} [values]
 */
export function text(key, values = {}) {
  return texts[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}
