// What tests/pages/test_pages.py asks of a page from inside it.
window.inPage = {
  // The words of the article, without code, formulas that are set, and drawings.
  words() {
    const copy = document.querySelector(".bd-article").cloneNode(true);
    copy.querySelectorAll("code, pre, script, mjx-container, svg").forEach((element) => element.remove());
    return copy.textContent;
  },

  // Every sound, decoded: how long it is, how loud, and how long its player says it is.
  async sounds() {
    const context = new OfflineAudioContext(1, 1, 48000);
    const found = [];
    for (const audio of document.querySelectorAll("audio")) {
      const first = audio.getAttribute("src");
      const sources = JSON.parse(audio.dataset.sources || "[]"), lengths = JSON.parse(audio.dataset.lengths || "[]");
      for (const source of new Set([first, ...sources])) {
        const sound = await context.decodeAudioData(await (await fetch(source)).arrayBuffer());
        const peak = sound.getChannelData(0).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const said = source === first ? Number(audio.dataset.seconds) : lengths[sources.indexOf(source)];
        found.push({ source, seconds: sound.duration, peak, said });
      }
    }
    return found;
  },

  // What a slider's box shows now.
  shown(box) {
    const visible = [...box.querySelectorAll(".dlm-frame")].map((frame) => frame.checkVisibility());
    return {
      frame: visible.indexOf(true),
      frames: visible.filter(Boolean).length,
      sound: box.querySelector("audio")?.getAttribute("src") ?? null,
      values: [...box.querySelectorAll("output")].map((output) => output.textContent).join("; "),
    };
  },

  // Text whose contrast with what lies behind it is below WCAG AA: 4.5, or 3 where it is large.
  faint() {
    const numbers = (color) => color.match(/[\d.]+/g).map(Number);
    const linear = (v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const behind = (element) => {
      for (let e = element; e; e = e.parentElement) {
        const color = numbers(getComputedStyle(e).backgroundColor);
        if (color.length < 4 || color[3] === 1) return color;
      }
      return [255, 255, 255];
    };
    const found = new Set();
    for (const e of document.querySelectorAll("body *")) {
      if (e.closest("svg, mjx-container, script, style, audio, noscript, .headerlink, .copybtn, .skip-link")) continue;
      if (!e.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
      if (![...e.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim())) continue;
      const style = getComputedStyle(e);
      const [light, dark] = [numbers(style.color), behind(e)].map(luminance).sort((a, b) => b - a);
      const size = parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      if ((light + 0.05) / (dark + 0.05) < (large ? 3 : 4.5)) {
        found.add(`${e.tagName}.${e.className} in ${style.color}: ${e.textContent.trim().slice(0, 40)}`);
      }
    }
    return [...found];
  },

  // Pictures that do not say in words what they show.
  unsaid() {
    return [...document.querySelectorAll(".bd-article img, .bd-article svg")]
      .filter((e) => !e.closest("mjx-container, [aria-hidden=true], a.headerlink, button, svg[role=img] svg"))
      .filter((e) => {
        const words = (e.getAttribute("alt") ?? e.getAttribute("aria-label") ?? "").trim();
        return !words.includes(" ") || /\.(png|svg|webp|jpg)$/.test(words);
      })
      .map((e) => e.outerHTML.slice(0, 200));
  },

  // The text of figures, each slider's frames too: what lies outside its figure, and which two lie on each other.
  textOfFigures() {
    const found = { outside: [], together: [], unreadable: [] };
    const frames = [...document.querySelectorAll(".dlm-frame[hidden]")];
    frames.forEach((frame) => { frame.hidden = false; });
    document.querySelectorAll(":is(.dlm-figure, .dlm-frame) svg").forEach((svg, number) => {
      const figure = svg.getBoundingClientRect(), scale = figure.width / svg.viewBox.baseVal.width;
      const texts = [...svg.querySelectorAll("text")].filter((text) => text.textContent.trim()).map((text) => {
        // The box of a line is higher than its ink; which side is up, its own transformation says.
        const box = text.getBBox(), size = parseFloat(getComputedStyle(text).fontSize);
        const m = svg.getScreenCTM().inverse().multiply(text.getScreenCTM());
        const [top, bottom] = [box.y + 0.25 * size, box.y + box.height - 0.2 * size];
        const corners = [box.x, box.x + box.width].flatMap((x) => [top, bottom].map((y) => [x, y]));
        const xs = corners.map(([x, y]) => m.a * x + m.c * y + m.e), ys = corners.map(([x, y]) => m.b * x + m.d * y + m.f);
        const slanted = Math.abs(m.a) > 0.1 && Math.abs(m.b) > 0.1;
        const edges = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)].map((v) => v * scale);
        return { words: text.textContent.replace(/\s+/g, " ").trim(), edges, slanted, size: size * scale };
      });
      const right = svg.viewBox.baseVal.width * scale, bottom = svg.viewBox.baseVal.height * scale;
      texts.forEach(({ words, edges, size }) => {
        const by = Math.max(-edges[0], -edges[1], edges[2] - right, edges[3] - bottom);
        if (by > 1.5) found.outside.push(`${number}: ${words} by ${by.toFixed(1)} px`);
        if (size < 8) found.unreadable.push(`${number}: ${words} at ${size.toFixed(1)} px`);
      });
      const level = texts.filter((text) => !text.slanted);
      level.forEach((one, i) => level.slice(i + 1).forEach((other) => {
        const shared = (k) => Math.min(one.edges[k + 2], other.edges[k + 2]) - Math.max(one.edges[k], other.edges[k]);
        if (shared(0) > 1.5 && shared(1) > 1.5) found.together.push(`${number}: ${one.words} | ${other.words}`);
      }));
    });
    frames.forEach((frame) => { frame.hidden = true; });
    return found;
  },
};
