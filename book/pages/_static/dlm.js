// Comforts on top of pages that work without them: one sound at a time, and a waveform that shows where the sound is
// and takes a click to go there, sliders that keep their length, a field that finds a result.
(() => {
  "use strict";

  document.addEventListener("play", (event) => {
    for (const other of document.querySelectorAll("audio")) {
      if (other !== event.target) other.pause();
    }
  }, true);

  // A server without range requests (python -m http.server) leaves a sound that cannot be moved in; kept in memory, it can.
  const movable = (audio) => audio.seekable.length > 0 && audio.seekable.end(audio.seekable.length - 1) > 0;
  document.addEventListener("loadedmetadata", async (event) => {
    const audio = event.target;
    if (movable(audio) || !/^https?:/.test(audio.currentSrc)) return;
    const source = audio.currentSrc;
    const sound = await (await fetch(source)).blob();
    if (audio.currentSrc !== source) return;
    const [place, playing] = [audio.currentTime, !audio.paused];
    audio.src = URL.createObjectURL(sound);
    audio.currentTime = place;
    if (playing) audio.play().catch(() => {});
  }, true);

  const seconds = (audio) => Number.isFinite(audio.duration) ? audio.duration : Number(audio.dataset.seconds) || 0;

  const scrubber = (wave, audio) => {
    const box = document.createElement("div");
    box.className = "dlm-scrub";
    wave.replaceWith(box);
    const played = wave.cloneNode(true);
    played.classList.add("dlm-played");
    box.append(wave, played);

    let frame = 0;
    const show = () => {
      const length = seconds(audio);
      box.style.setProperty("--dlm-progress", length ? Math.min(1, audio.currentTime / length) : 0);
      frame = audio.paused ? 0 : requestAnimationFrame(show);
    };
    audio.addEventListener("play", () => { if (!frame) show(); });
    for (const moment of ["pause", "seeked", "ended", "emptied"]) audio.addEventListener(moment, show);

    box.addEventListener("click", (event) => {
      const place = box.getBoundingClientRect();
      const part = Math.min(1, Math.max(0, (event.clientX - place.left) / place.width));
      const go = () => {
        if (!movable(audio)) return;
        audio.currentTime = part * seconds(audio);
        audio.removeEventListener("loadedmetadata", go);
      };
      audio.addEventListener("loadedmetadata", go);
      if (audio.readyState > 0) go();
      audio.play().catch(() => {});
    });
  };

  // Room for a slider's longest value, or the track would change its length under the pointer.
  const reserve = (input) => {
    const output = input.parentElement.querySelector("output");
    const labels = JSON.parse(input.dataset.labels || "[]");
    if (output) output.style.minWidth = `${Math.max(4, ...labels.map((label) => label.length))}ch`;
  };

  // The results page: what does not have all of the words is hidden, and what is folded opens while one looks.
  const filter = (box) => {
    const [input, said] = [box.querySelector("input"), box.querySelector("output")];
    const rows = [...document.querySelectorAll(".dlm-found li, .dlm-figures tbody tr")];
    const folds = [...document.querySelectorAll(".dlm-figures")];
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of rows) row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
      for (const fold of folds) fold.open = words.length > 0 && fold.querySelector("tbody tr:not([hidden])") !== null;
      const found = rows.filter((row) => !row.hidden).length;
      said.textContent = words.length ? `${found} of ${rows.length}` : "";
    });
  };

  const start = () => {
    document.querySelectorAll(".dlm-filter").forEach(filter);
    document.querySelectorAll(".dlm-controls input[type=range]").forEach(reserve);
    for (const wave of document.querySelectorAll("svg.dlm-wave")) {
      const audio = wave.parentElement.querySelector("audio");
      if (audio) scrubber(wave, audio);
    }
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
