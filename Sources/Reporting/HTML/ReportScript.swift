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

      const row = ([cell, prompt, verdicts, text, note]) => {
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
          page = 0;
          draw();
        });
        header.append(same, make("span", "", category));
        if (data.judges.length > 1) {
          const others = data.judges.map((name, index) => [name, data.verdicts[verdicts[index]]])
            .filter(([, value]) => value !== undefined).map((pair) => pair.join(": "));
          header.append(make("span", "", others.join(", ")));
        }
        article.append(header, make("p", "prompt", question), reply(text));
        if (note) article.append(make("p", "note", note));
        return article;
      };

      const draw = () => {
        const found = matching();
        const pages = Math.max(1, Math.ceil(found.length / pageSize));
        page = Math.min(page, pages - 1);
        list.replaceChildren(...found.slice(page * pageSize, (page + 1) * pageSize).map(row));
        count.textContent = found.length + " of " + data.samples.length + " samples, page "
          + (page + 1) + " of " + pages;
        previous.disabled = page === 0;
        next.disabled = page >= pages - 1;
      };

      form.addEventListener("input", () => { page = 0; draw(); });
      form.addEventListener("submit", (event) => event.preventDefault());
      previous.addEventListener("click", () => { page -= 1; draw(); });
      next.addEventListener("click", () => {
        page += 1;
        draw();
        section.scrollIntoView();
      });
      section.hidden = false;
      draw();
    })();
    """#
}
