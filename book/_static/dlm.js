// Comforts on top of pages that work without them: one sound at a time, and a waveform that shows where the sound is
// and takes a click to go there.
(() => {
  "use strict";

  document.addEventListener("play", (event) => {
    for (const other of document.querySelectorAll("audio")) {
      if (other !== event.target) other.pause();
    }
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
      const go = () => { audio.currentTime = part * seconds(audio); };
      if (audio.readyState > 0) go();
      else audio.addEventListener("loadedmetadata", go, { once: true });
      audio.play().catch(() => {});
    });
  };

  const start = () => {
    for (const wave of document.querySelectorAll("svg.dlm-wave")) {
      const audio = wave.parentElement.querySelector("audio");
      if (audio) scrubber(wave, audio);
    }
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
