"""What moves through a score while it sounds: the script and the style that every page with a score needs, inline."""

from musiclib import plot

# The staff is drawn twice, for a desktop's column and for a phone's, and the column's width says which is seen.
STYLE = f"""
#ID{{container-type:inline-size}}
#ID p{{margin:.5rem 0 0}}
#ID audio{{display:block;margin-top:.6rem}}
#ID .dlm-staff{{max-height:min(32rem,70vh);overflow:auto;scrollbar-width:thin;margin-bottom:.7rem}}
#ID .dlm-staff svg{{display:block;width:100%;height:auto;margin:0 auto}}
#ID .dlm-staff .note,#ID .dlm-notes rect{{cursor:pointer}}
#ID .dlm-narrow{{display:none}}
@container (max-width:540px){{#ID .dlm-wide{{display:none}}#ID .dlm-narrow{{display:block}}}}
#ID .note.dlm-on{{color:{plot.ACCENT};fill:{plot.ACCENT};stroke:{plot.ACCENT}}}
#ID rect.dlm-on{{fill:{plot.ACCENT}}}
#ID .dlm-now{{stroke:{plot.ACCENT};opacity:.75;visibility:hidden;pointer-events:none}}
#ID.dlm-begun .dlm-now{{visibility:visible}}
@media print{{#ID .dlm-staff{{max-height:none;overflow:visible}}}}
"""

# Who has asked for less motion gets a cursor that steps with the player's own clock and does not glide.
SCRIPT = """
(() => {
  const box = document.getElementById("ID"), audio = box.querySelector("audio"), data = DATA;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const roll = box.querySelector(".dlm-roll svg[role]"), bars = [...box.querySelectorAll(".dlm-notes rect")];
  const staves = data.staves.map((staff, i) => {
    const region = box.querySelectorAll(".dlm-staff")[i], svg = region.querySelector("svg");
    const notes = [...svg.querySelectorAll(".note")], now = svg.querySelector(".dlm-now");
    return { ...staff, region, svg, notes, now, at: 0 };
  });
  const put = (line, x, top, bottom) => {
    for (const [name, value] of Object.entries({ x1: x, x2: x, y1: top, y2: bottom })) line.setAttribute(name, value);
  };
  const light = (elements, spans, time, on) => {
    elements.forEach((e, i) => e.classList.toggle("dlm-on", on && spans[i][0] <= time && time < spans[i][1]));
  };
  const last = (stops, time) => {
    let k = 0;
    while (k + 1 < stops.length && stops[k + 1][0] <= time) k += 1;
    return k;
  };
  const move = (staff, time) => {
    const k = last(staff.stops, time), [from, x, system] = staff.stops[k], next = staff.stops[k + 1];
    const [left, top, right, bottom] = staff.systems[system];
    const [until, end] = next ? [next[0], next[2] === system ? next[1] : right] : [data.seconds, right];
    const part = Math.min(1, Math.max(0, (time - from) / Math.max(until - from, 1e-6)));
    put(staff.now, x + data.head + part * (end - x), top - 200, bottom + 200);
    if (staff.at === system) return;
    staff.at = system;
    const { height } = staff.svg.getBoundingClientRect(), unit = height / staff.svg.viewBox.baseVal.height;
    staff.region.scrollTo({ top: system ? top * unit - 12 : 0, behavior: calm.matches ? "auto" : "smooth" });
  };
  const name = (pitch) => data.names[pitch % 12] + (Math.floor(pitch / 12) - 1);
  const say = (time) => {
    const sounding = data.played.filter(([from, to]) => from <= time + 1e-3 && time + 1e-3 < to);
    const names = sounding.map((note) => name(note[2])).join(", ");
    const measure = data.bars.length ? `measure ${data.bars.filter((bar) => bar <= time + 1e-3).length}, ` : "";
    roll.setAttribute("aria-valuenow", time.toFixed(2));
    roll.setAttribute("aria-valuetext", `${measure}${time.toFixed(1)} s: ${names || "a rest"}`);
  };
  let frame = 0;
  const draw = () => {
    const time = audio.currentTime, begun = time > 0 || !audio.paused;
    box.classList.toggle("dlm-begun", begun);
    for (const staff of staves) {
      light(staff.notes, data.written, time, begun);
      move(staff, time);
    }
    if (!roll) return;
    light(bars, data.played, time, begun);
    const place = `${(100 * Math.min(time / data.seconds, 1)).toFixed(3)}%`;
    roll.lastElementChild.setAttribute("x1", place);
    roll.lastElementChild.setAttribute("x2", place);
    if (audio.paused) say(time);
  };
  const run = () => {
    draw();
    frame = audio.paused || calm.matches ? 0 : requestAnimationFrame(run);
  };
  audio.addEventListener("play", () => { if (!frame) run(); });
  for (const moment of ["timeupdate", "seeking", "seeked", "pause", "ended"]) audio.addEventListener(moment, draw);

  const go = (time, play) => {
    audio.currentTime = Math.max(0, time);
    draw();
    if (play) audio.play().catch(() => {});
  };
  const within = (drawing, { clientX, clientY }) =>
    new DOMPoint(clientX, clientY).matrixTransform(drawing.getScreenCTM().inverse());
  for (const staff of staves) {
    staff.svg.addEventListener("click", (event) => {
      const note = staff.notes.indexOf(event.target.closest(".note"));
      if (note >= 0) return go(data.written[note][0], true);
      const { x, y } = within(staff.now.parentElement, event);
      const middle = ([, top, , bottom]) => Math.abs(y - (top + bottom) / 2);
      const system = staff.systems.reduce((best, one, i, all) => (middle(one) < middle(all[best]) ? i : best), 0);
      const stops = staff.stops.filter((stop) => stop[2] === system);
      const far = (stop) => Math.abs(stop[1] + data.head - x);
      if (stops.length) go(stops.reduce((best, stop) => (far(stop) < far(best) ? stop : best))[0], true);
    });
  }
  roll?.addEventListener("click", (event) => {
    const { left, width } = roll.getBoundingClientRect();
    go(((event.clientX - left) / width) * data.seconds, true);
  });

  const onsets = [...new Set(data.played.map((note) => note[0]))].sort((a, b) => a - b);
  const key = (event) => {
    const time = audio.currentTime;
    const to = {
      ArrowRight: () => onsets.find((onset) => onset > time + 5e-3) ?? time,
      ArrowLeft: () => onsets.findLast((onset) => onset < time - 5e-3) ?? 0,
      Home: () => 0,
      End: () => onsets[onsets.length - 1],
    }[event.key];
    if (event.ctrlKey || event.altKey || event.metaKey || (!to && event.key !== " ")) return;
    event.preventDefault();
    event.stopPropagation(); // JupyterLab and Colab have meanings of their own for these keys
    if (to) go(to(), false);
    else if (audio.paused) audio.play().catch(() => {});
    else audio.pause();
  };
  for (const staff of staves) staff.region.addEventListener("keydown", key);
  if (roll) {
    const slider = { role: "slider", tabindex: 0, "aria-valuemin": 0, "aria-valuemax": data.seconds.toFixed(2) };
    for (const [name, value] of Object.entries(slider)) roll.setAttribute(name, value);
    roll.addEventListener("keydown", key);
  }
  draw();
})();
"""
