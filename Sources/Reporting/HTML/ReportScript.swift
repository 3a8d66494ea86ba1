/// The script of `report.html`: filters and pages through the samples, which stand in the page as
/// JSON. It only ever sets text, never markup.
enum ReportScript {
  static let source = #"""
    (() => {
      "use strict";
      const holder = document.getElementById("samples-data");
      const section = document.getElementById("samples-browser");
      if (!holder || !section) return;
      const data = JSON.parse(holder.textContent);
      const list = document.getElementById("samples-list");
      const count = document.getElementById("samples-count");
      const form = document.getElementById("samples-form");
      const [previous, next] = ["samples-previous", "samples-next"]
        .map((id) => document.getElementById(id));
      const fields = ["dataset", "attack", "rank", "alpha"];
      const pageSize = 25;
      const shown = 400;
      let page = 0;
      // The sample that the address names, shown alone; null for those that the filters choose.
      let pinned = null;

      // #sample=CELL/ID/NUMBER, as samples.jsonl has them: it stays true when the page is written anew.
      const numbers = new Map();
      const places = new Map(data.samples.map((sample) => {
        const key = sample[0] + "/" + sample[1];
        const number = numbers.get(key) ?? 0;
        numbers.set(key, number + 1);
        const parts = [data.cells[sample[0]].id, data.prompts[sample[1]][0], number];
        return [sample, "#sample=" + parts.map(encodeURIComponent).join("/")];
      }));
      numbers.clear();
      // Programs that pass links on may spell characters otherwise.
      const spelled = (link) => {
        try { return link.split("/").map(decodeURIComponent).join("\n"); } catch { return link; }
      };

      const make = (name, className, text) => {
        const element = document.createElement(name);
        if (className) element.className = className;
        if (text !== undefined) element.textContent = text;
        return element;
      };

      const fill = (name, values) => {
        const select = form.elements[name];
        for (const value of values) {
          const option = make("option", "", value);
          option.value = value;
          select.append(option);
        }
        if (values.length < 2) select.parentElement.hidden = true;
      };
      for (const field of fields) fill(field, [...new Set(data.cells.map((cell) => cell[field]))]);
      if (data.judges.length > 1) fill("judge", data.judges);
      else form.elements.judge.parentElement.hidden = true;
      fill("verdict", data.verdicts);

      // The chosen judge, or the first that judged this sample.
      const verdictOf = (verdicts) => {
        const chosen = data.judges.indexOf(form.elements.judge.value);
        return chosen >= 0 ? verdicts[chosen] : verdicts.find((verdict) => verdict >= 0) ?? -1;
      };

      const matching = () => {
        if (pinned !== null) return data.samples.filter((sample) => spelled(places.get(sample)) === pinned);
        const wanted = fields.map((field) => [field, form.elements[field].value])
          .filter(([, value]) => value !== "");
        const cells = data.cells.map((cell) => wanted.every(([field, value]) => cell[field] === value));
        const verdict = data.verdicts.indexOf(form.elements.verdict.value);
        const needle = form.elements.text.value.trim().toLowerCase();
        const ids = needle === "" ? null : data.prompts.map(([id, category, prompt]) =>
          (id + "\n" + category + "\n" + prompt).toLowerCase().includes(needle));
        return data.samples.filter(([cell, prompt, verdicts, reply]) =>
          cells[cell] && (verdict < 0 || verdictOf(verdicts) === verdict)
          && (ids === null || ids[prompt] || reply.toLowerCase().includes(needle)));
      };

      const reply = (text) => {
        const paragraph = make("p", "reply", text.length > shown ? text.slice(0, shown) + " … " : text);
        if (text === "") paragraph.append(make("em", "", "(empty)"));
        if (text.length > shown) {
          const more = make("button", "", "show all of it");
          more.type = "button";
          more.addEventListener("click", () => { paragraph.textContent = text; });
          paragraph.append(more);
        }
        return paragraph;
      };

      const row = (sample) => {
        const [cell, prompt, verdicts, text, note] = sample;
        const place = data.cells[cell];
        const [id, category, question] = data.prompts[prompt];
        const article = make("article", "sample " + place.kind);
        const header = make("header");
        const verdict = data.verdicts[verdictOf(verdicts)] ?? "";
        header.append(make("span", "tag " + verdict, verdict));
        header.append(make("span", "", place.label));
        const same = make("button", "", id);
        same.type = "button";
        same.title = "every model's reply to this prompt";
        same.addEventListener("click", () => {
          for (const field of ["attack", "rank", "alpha", "verdict"]) form.elements[field].value = "";
          form.elements.dataset.value = form.elements.dataset.value && place.dataset;
          form.elements.text.value = id;
          choose();
        });
        header.append(same, make("span", "", category));
        if (data.judges.length > 1) {
          const others = data.judges.map((name, index) => [name, data.verdicts[verdicts[index]]])
            .filter(([, value]) => value !== undefined).map((pair) => pair.join(": "));
          header.append(make("span", "", others.join(", ")));
        }
        const link = make("a", "link", "link");
        link.href = places.get(sample);
        link.setAttribute("aria-label", "link to this sample");
        header.append(link);
        article.append(header, make("p", "prompt", question), reply(text));
        if (note) article.append(make("p", "note", note));
        return article;
      };

      const draw = () => {
        const found = matching();
        const pages = Math.max(1, Math.ceil(found.length / pageSize));
        page = Math.min(page, pages - 1);
        list.replaceChildren(...found.slice(page * pageSize, (page + 1) * pageSize).map(row));
        count.classList.toggle("pinned", pinned !== null);
        if (pinned === null) {
          count.textContent = found.length + " of " + data.samples.length + " samples, page "
            + (page + 1) + " of " + pages;
        } else {
          count.textContent = found.length > 0 ? "The sample of this link. "
            : "This page has no sample of that link. ";
          const all = make("button", "", "show all");
          all.type = "button";
          all.addEventListener("click", choose);
          count.append(all);
        }
        previous.disabled = page === 0;
        next.disabled = page >= pages - 1;
      };

      // What the filters choose, from its first page.
      const choose = () => {
        if (pinned !== null) history.replaceState(null, "", "#samples");
        pinned = null;
        page = 0;
        draw();
      };

      const follow = () => {
        if (!location.hash.startsWith("#sample=")) return false;
        pinned = spelled(location.hash);
        page = 0;
        draw();
        section.scrollIntoView();
        return true;
      };

      form.addEventListener("input", choose);
      window.addEventListener("hashchange", follow);
      form.addEventListener("submit", (event) => event.preventDefault());
      previous.addEventListener("click", () => { page -= 1; draw(); });
      next.addEventListener("click", () => {
        page += 1;
        draw();
        section.scrollIntoView();
      });
      section.hidden = false;
      if (!follow()) draw();

      // On paper nothing can be opened.
      let opened = [];
      window.addEventListener("beforeprint", () => {
        opened = [...document.querySelectorAll("details:not([open])")];
        for (const part of opened) part.open = true;
      });
      window.addEventListener("afterprint", () => {
        for (const part of opened) part.open = false;
      });
    })();
    """#
}
