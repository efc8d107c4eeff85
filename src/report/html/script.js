
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { calls, texts, messages, words } = data;
  const PER_PAGE = 100;
  const body = document.querySelector("#table tbody");
  const search = document.getElementById("search");
  const show = document.getElementById("show");
  const severities = { error: 3, warning: 2, info: 1 };
  const state = { key: "t", down: false, page: 0, open: null, list: [] };

  // Strangers wrote much of the data: it becomes text nodes and never markup.
  const element = (name, attributes, ...children) => {
    const it = document.createElement(name);
    for (const key in attributes) it.setAttribute(key, attributes[key]);
    it.append(...children);
    return it;
  };
  const svg = (name, attributes, ...children) => {
    const it = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) it.setAttribute(key, attributes[key]);
    it.append(...children);
    return it;
  };
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
  const decimal = (number, digits) => number.toFixed(digits).replace(".", words.decimal);
  const duration = (ms) => {
    if (ms === undefined) return "";
    if (ms < 1000) return ms + " ms";
    if (ms < 120000) return decimal(ms / 1000, 1) + " s";
    const seconds = Math.floor(ms / 1000);
    if (seconds < 3600) return Math.floor(seconds / 60) + " min " + (seconds % 60) + " s";
    return Math.floor(seconds / 3600) + " h " + Math.floor((seconds % 3600) / 60) + " min";
  };
  const moment = (micros) => {
    const date = new Date(data.start + micros / 1000);
    return isNaN(date) ? String(micros) : date.toISOString().slice(0, 23).replace("T", " ");
  };
  const day = (call) => moment(call.t).slice(0, 10);
  const ofDays = calls.some((call) => day(call) !== day(calls[0]));
  // On a phone a row is no longer laid out as one, but stays one for who hears it.
  const cell = (attributes, ...children) => element("td", { role: "cell", ...attributes }, ...children);
  const bdi = (text) => element("bdi", {}, text);
  const outcome = (call) => [words[call.s] ?? call.s, call.c].filter((it) => it !== undefined).join(" · ");
  const found = (call) => (call.n ?? []).filter(([severity]) => severity !== "info");
  const rank = (call) => severities[call.v] ?? 0;
  // Each time that a message was sent; an ICMP error is none.
  const sent = (call) => (call.r ?? []).reduce((sum, it) => it[5] === 7 ? sum : sum + 1 + (it[6] ?? 0), call.x ?? 0);

  // The table.
  const haystacks = new Array(calls.length);
  const haystack = (call, index) => haystacks[index] ??= [
    texts[call.m], texts[call.f], texts[call.o], call.i, outcome(call), moment(call.t),
    ...(call.l ?? []).flatMap(([name, agent]) => [texts[name], texts[agent]]),
    ...(call.n ?? []).flatMap(([, name, message]) => [texts[name], message]),
  ].join("\n").toLowerCase();
  const values = {
    t: (call) => call.t,
    m: (call) => texts[call.m],
    f: (call) => texts[call.f],
    o: (call) => texts[call.o],
    c: (call) => call.c ?? 0,
    p: (call) => call.p ?? -1,
    d: (call) => call.d ?? -1,
    n: sent,
    v: (call) => rank(call) * 1000 + found(call).length,
  };
  const select = () => {
    const needles = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = show.value;
    const list = [];
    calls.forEach((call, index) => {
      if (wanted === "!" ? rank(call) === 0 : wanted && texts[call.m] !== wanted) return;
      if (needles.length && !needles.every((it) => haystack(call, index).includes(it))) return;
      list.push(index);
    });
    const value = values[state.key];
    const keys = new Map(list.map((index) => [index, value(calls[index])]));
    const sign = state.down ? -1 : 1;
    list.sort((a, b) => {
      const [one, two] = [keys.get(a), keys.get(b)];
      return one < two ? -sign : one > two ? sign : a - b;
    });
    state.list = list;
  };
  const row = (index) => {
    const call = calls[index];
    const open = state.open === index;
    const button = element("button", {
      type: "button", class: "open", id: "call-" + index, "aria-expanded": open, title: moment(call.t),
    }, ofDays ? moment(call.t) : moment(call.t).slice(11));
    const marks = cell({ class: "found" });
    const all = found(call);
    for (const [severity, name] of all.slice(0, 3)) {
      marks.append(element("span", { class: "badge " + severity }, words[severity]), " ", texts[name], element("br", {}));
    }
    if (all.length > 3) marks.append("+" + (all.length - 3));
    if (!marks.hasChildNodes() && call.v) marks.append(element("span", { class: "badge " + call.v }, words[call.v]));
    const line = element("tr", { role: "row", "data-call": index },
      cell({ class: "start" }, button),
      cell({ class: "method" }, bdi(texts[call.m])),
      cell({ class: "from" }, bdi(texts[call.f])),
      cell({ class: "to" }, bdi(texts[call.o])),
      cell({ class: "outcome" }, outcome(call)),
      cell({ class: "number more" }, duration(call.p)),
      cell({ class: "number more" }, duration(call.d)),
      cell({ class: "number more" }, String(sent(call))),
      marks);
    return open ? [line, detail(index)] : [line];
  };
  const draw = () => {
    const pages = Math.max(1, Math.ceil(state.list.length / PER_PAGE));
    state.page = Math.min(Math.max(0, state.page), pages - 1);
    const first = state.page * PER_PAGE;
    const rows = state.list.slice(first, first + PER_PAGE).flatMap(row);
    if (!rows.length) rows.push(element("tr", { role: "row" }, cell({ colspan: 9 }, words.none)));
    body.replaceChildren(...rows);
    document.getElementById("shown").textContent =
      fill(words.shown, { shown: state.list.length, all: calls.length });
    document.getElementById("page").textContent = fill(words.page, { page: state.page + 1, pages });
    document.getElementById("previous").disabled = state.page === 0;
    document.getElementById("next").disabled = state.page === pages - 1;
    document.querySelector(".pages").hidden = pages === 1;
  };
  const again = () => { state.page = 0; select(); draw(); };
  const toggle = (index) => {
    state.open = state.open === index ? null : index;
    draw();
    document.getElementById("call-" + index)?.focus({ preventScroll: true });
  };

  // A call: its findings, its ladder with those of its other legs, a message.
  const legs = (index) => {
    const group = calls[index].g;
    if (group === undefined) return [calls[index]];
    return calls.filter((call) => call.g === group);
  };
  const detail = (index) => {
    const all = legs(index);
    const box = element("div", { class: "box" });
    box.append(element("p", {}, words.callId + " ", bdi(all.map((call) => call.i ?? "").join(" · "))));
    if (all.length > 1) box.append(element("p", { class: "quiet" }, fill(words.legs, { n: all.length })));
    const notes = all.flatMap((call) => call.n ?? []);
    if (notes.length) {
      const list = element("ol", {});
      for (const [severity, name, message] of notes) {
        list.append(element("li", {}, element("span", { class: "badge " + severity }, words[severity]),
          " ", texts[name] + words.colon, bdi(message)));
      }
      box.append(list);
    }
    const text = element("pre", { tabindex: 0, role: "region", "aria-label": words.message, "aria-live": "polite" }, bdi(words.pick));
    const ladder = element("div", { class: "ladder", tabindex: 0, role: "region", "aria-label": words.ladder }, draws(all, text));
    box.append(element("div", { class: "ladder-and-text" }, ladder, text));
    const left = all.reduce((sum, call) => sum + (call.x ?? 0), 0);
    if (left) box.append(element("p", { class: "quiet" }, fill(words.leftOut, { n: left })));
    return element("tr", { role: "row", class: "detail" }, cell({ colspan: 9 }, box));
  };
  const draws = (all, text) => {
    const lanes = [];
    const lane = (name, agent) => {
      let at = lanes.findIndex((it) => it.name === name);
      if (at < 0) at = lanes.push({ name, agent }) - 1;
      lanes[at].agent ??= agent;
      return at;
    };
    const rows = [];
    let notes = 0;
    for (const call of all) {
      const own = (call.l ?? []).map(([name, agent]) => lane(texts[name], texts[agent]));
      for (const it of call.r ?? []) {
        rows.push({
          time: it[0], frame: it[1], from: own[it[2] ?? 0], to: own[it[3] ?? 0], label: texts[it[4] ?? 0], kind: it[5] ?? 0,
          repeats: it[6] ?? 0, intervals: it[7] ?? [], media: texts[it[8]], text: messages[it[9]],
          marks: (it[10] ?? []).map((mark) => mark + notes + 1),
        });
      }
      notes += (call.n ?? []).length;
    }
    rows.sort((a, b) => a.time - b.time || a.frame - b.frame);
    // Lanes as wide as the window has room for, and words can bear.
    const room = innerWidth > 736 ? Math.min(innerWidth, 1344) * 0.58 - 60 : innerWidth - 60;
    const LEFT = 104, HEAD = 44;
    const GAP = Math.max(128, Math.min(230, (room - LEFT - 12) / Math.max(1, lanes.length)));
    const x = (index) => LEFT + GAP / 2 + index * GAP;
    const width = LEFT + GAP * Math.max(1, lanes.length) + 12;
    const picture = svg("svg", { width });
    const lines = svg("g", {});
    picture.append(lines);
    lanes.forEach((it, index) => {
      picture.append(svg("text", { x: x(index), y: 17, "text-anchor": "middle", class: "head" }, it.name));
      if (it.agent) {
        const short = it.agent.length > 28 ? it.agent.slice(0, 27) + "…" : it.agent;
        picture.append(svg("text", { x: x(index), y: 32, "text-anchor": "middle", class: "small" }, short,
          svg("title", {}, it.agent)));
      }
    });
    let y = HEAD;
    let before = rows[0]?.time ?? 0;
    const start = before;
    for (const it of rows) {
      const small = [];
      if (it.repeats) {
        small.push("×" + (it.repeats + 1) + (it.intervals.length ? ": " + it.intervals.map((ms) => decimal(ms / 1000, 1)).join(" ") + " s" : ""));
      }
      if (it.media) small.push(it.media);
      const height = 32 + small.length * 12;
      const seconds = decimal((it.time - start) / 1e6, 3);
      const gap = it.time - before;
      const name = [words.frame + " " + it.frame, seconds + " s", it.label, lanes[it.from].name + " → " + lanes[it.to].name, ...small];
      const group = svg("g", {
        class: "row" + (it.marks.length ? " marked" : ""), tabindex: 0, role: "button",
        "aria-pressed": "false", "aria-label": name.join(", "), "data-frame": it.frame,
      }, svg("rect", { class: "back", x: 1, y: y + 1, width: width - 2, height: height - 1 }));
      group.append(svg("text", { x: 6, y: y + 17 }, seconds), svg("text", { x: 6, y: y + 29, class: "small" },
        "#" + it.frame + (gap >= 1e6 ? "  +" + decimal(gap / 1e6, 1) + " s" : "")));
      const [from, to] = [x(it.from), x(it.to)];
      const away = from === to ? 40 : 0;
      const middle = (from + to + away) / 2;
      const tip = from === to || to > from ? 1 : -1;
      const arrow = svg("g", { class: "k" + it.kind });
      const line = y + 21;
      arrow.append(svg("path", { class: "arrow" + (it.repeats ? " again" : ""), d: away
        ? `M${from},${line - 4}h${away}v8h${6 - away}` : `M${from},${line}H${to - tip * 6}` }));
      const [tx, ty] = away ? [from, line + 4] : [to, line];
      const side = away ? -1 : tip;
      arrow.append(svg("path", { class: "tip", d: `M${tx},${ty}l${-side * 8},-4v8z` }));
      const letters = Math.max(22, Math.floor(Math.abs(to - from) / 6.2));
      const label = it.label.length > letters ? it.label.slice(0, letters - 1) + "…" : it.label;
      group.append(arrow, svg("text", { x: middle, y: y + 15, "text-anchor": "middle", class: "label" }, label));
      small.forEach((part, index) => group.append(svg("text", {
        x: middle, y: y + 33 + index * 12, "text-anchor": "middle", class: "small" }, part)));
      // There is room for three beside the time.
      const marks = it.marks.length > 3 ? [...it.marks.slice(0, 2), "+" + (it.marks.length - 2)] : it.marks;
      marks.forEach((mark, index) => {
        const cx = 90 - (marks.length - 1 - index) * 18;
        group.append(svg("circle", { class: "mark", cx, cy: y + 13, r: 8 }), svg("text", { class: "mark-text", x: cx, y: y + 17 }, String(mark)));
      });
      const press = () => {
        for (const other of picture.querySelectorAll("[aria-pressed=true]")) other.setAttribute("aria-pressed", "false");
        group.setAttribute("aria-pressed", "true");
        text.textContent = it.text ?? name.join("\n") + "\n\n" + words.notKept;
      };
      group.addEventListener("click", press);
      group.addEventListener("keydown", (event) => {
        const next = { ArrowDown: group.nextElementSibling, ArrowUp: group.previousElementSibling }[event.key];
        if (event.key === "Enter" || event.key === " ") press();
        else if (next?.classList.contains("row")) next.focus();
        else return;
        event.preventDefault();
        event.stopPropagation();
      });
      picture.append(group);
      before = it.time;
      y += height;
    }
    lanes.forEach((_, index) => lines.append(svg("line", { class: "lane", x1: x(index), x2: x(index), y1: HEAD - 6, y2: y + 6 })));
    picture.setAttribute("height", y + 10);
    picture.setAttribute("viewBox", `0 0 ${width} ${y + 10}`);
    return picture;
  };

  // What the user does.
  for (const method of [...new Set(calls.map((call) => texts[call.m]))].sort()) {
    show.append(element("option", { value: method }, method));
  }
  let waiting = 0;
  search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(again, 120); });
  search.form.addEventListener("submit", (event) => { event.preventDefault(); again(); });
  show.addEventListener("change", again);
  document.getElementById("previous").addEventListener("click", () => { state.page -= 1; draw(); });
  document.getElementById("next").addEventListener("click", () => { state.page += 1; draw(); });
  for (const head of document.querySelectorAll("#table th")) {
    head.firstElementChild.addEventListener("click", () => {
      state.down = state.key === head.dataset.key ? !state.down : head.dataset.key === "v";
      state.key = head.dataset.key;
      document.querySelector("#table th[aria-sort]")?.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      again();
    });
  }
  body.addEventListener("click", (event) => {
    const line = event.target.closest("tr[data-call]");
    const marked = String(getSelection()) && !event.target.closest("button");
    if (line && !marked) toggle(Number(line.dataset.call));
  });
  body.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && state.open !== null) return toggle(state.open);
    if (!event.target.classList.contains("open")) return;
    const buttons = [...body.querySelectorAll(".open")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    buttons[buttons.indexOf(event.target) + step]?.focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/INPUT|SELECT/.test(event.target.tagName)) {
      event.preventDefault();
      search.focus();
    }
  });
  const follow = () => {
    const [, index, frame] = /^#call-(\d+)(?:-frame-(\d+))?$/.exec(location.hash) ?? [];
    if (index === undefined || !calls[index]) return;
    search.value = "";
    show.value = "";
    select();
    state.open = Number(index);
    state.page = Math.floor(state.list.indexOf(state.open) / PER_PAGE);
    draw();
    const button = document.getElementById("call-" + index);
    button?.scrollIntoView({ block: "start" });
    button?.focus({ preventScroll: true });
    body.querySelector(`.row[data-frame="${frame}"]`)?.dispatchEvent(new Event("click"));
  };
  addEventListener("hashchange", follow);
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((it) => { it.open = true; }));
  // A call of its own needs no click.
  if (calls.length === 1) state.open = 0;
  select();
  draw();
  follow();
  document.documentElement.dataset.ready = "yes";
})();
