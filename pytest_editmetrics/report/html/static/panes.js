"use strict";

// A pane of a viewer: sheets that lie over each other, the boxes over all of them, and a tag for each.

function paneOf(viewer, sheets) {
  const pane = document.createElement("div");
  pane.className = "pane";
  for (const name of sheets) {
    const sheet = document.createElement("div");
    sheet.className = `sheet ${name}`;
    const world = document.createElement("div");
    world.className = "world";
    world.style.width = `${viewer.frame.w}px`;
    world.style.height = `${viewer.frame.h}px`;
    paint(viewer, world, name);
    sheet.append(world);
    pane.append(sheet);
  }
  pane.append(boxesOver(viewer), ...tagsOf(viewer, sheets));
  const spot = document.createElement("div");
  spot.className = "spot";
  spot.hidden = true;
  pane.append(spot);
  return pane;
}

// The boxes lie over all sheets of a pane.
function boxesOver(viewer) {
  const sheet = document.createElement("div");
  sheet.className = "sheet over";
  const world = document.createElement("div");
  world.className = "world";
  world.style.width = `${viewer.frame.w}px`;
  world.style.height = `${viewer.frame.h}px`;
  if (choice.boxes && viewer.data.boxes.length) world.append(drawBoxes(viewer.frame, viewer.data.boxes));
  sheet.append(world);
  return sheet;
}

function tagsOf(viewer, sheets) {
  const names = { first: viewer.state.pair[0], second: viewer.state.pair[1] };
  return sheets
    .filter((name) => names[name] || name === "difference" || viewer.layer(name))
    .map((name) => {
      const tag = document.createElement("span");
      tag.className = `tag ${name}`;
      tag.textContent = names[name] || name;
      return tag;
    });
}

function paint(viewer, world, name) {
  const [first, second] = viewer.state.pair.map((layer) => viewer.layer(layer));
  const image = { first, second, grey: second, lpips: viewer.map("lpips") }[name] || viewer.layer(name);
  if (name === "patches") world.append(drawPatches(viewer.frame, viewer.map("patches")));
  else if (image) {
    const { canvas } = viewer.source(image);
    canvas.setAttribute("aria-label", `${viewer.title}: ${image.name || image.label}`);
    world.append(canvas);
  } else blend(viewer, world, name, first, second);
}

async function blend(viewer, world, name, first, second) {
  const canvas = canvasOf(`${viewer.title}: difference of ${first.name} and ${second.name}`);
  canvas.className = "blend";
  world.append(canvas);
  const mask = choice.dim || name === "heat" ? viewer.mask() : null;
  const sources = [first, second, mask].map((image) => image && viewer.source(image));
  await Promise.all(sources.map((source) => source && source.ready));
  if (!canvas.isConnected) return;
  if (sources.some((source) => source && source.canvas.classList.contains("broken"))) {
    canvas.classList.add("broken");
    return;
  }
  const [before, after, measured] = sources.map((source) => source && source.canvas);
  drawDifference(canvas, before, after, measured);
  if (name === "difference" && measured) addUnmeasured(canvas, after, measured);
}
