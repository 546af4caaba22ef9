// What tests/test_book.py asks of a page from inside it.
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
};
