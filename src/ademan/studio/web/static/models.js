/** Commands that can be copied by a button, where the browser lets pages copy. */

import { text } from "/static/texts.js";
import { toast } from "/static/toast.js";

for (const line of navigator.clipboard ? document.querySelectorAll(".command") : []) {
  const code = line.querySelector("code");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text("page.copy");
  button.setAttribute("aria-label", text("page.copy_what", { what: code.textContent }));
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      toast(text("page.copied"));
    } catch {
      toast(text("page.not_copied"), "bad");
    }
  });
  line.append(button);
}
