"use strict";
// The 3D viewer: NiiVue with the image, and one overlay for each mask, shown and hidden by the ticks above the slices.

const volumes = JSON.parse(document.getElementById("volumes").textContent);
const says = document.querySelector(".viewer [role=status]");

function channels(colour) {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
}

function colourMap(colour) {
  const [red, green, blue] = channels(colour);
  return { R: [0, red], G: [0, green], B: [0, blue], A: [0, 255], I: [0, 255] };
}

async function load(viewer) {
  const image = await niivue.NVImage.loadFromBase64({ base64: volumes.image, name: "image.nii.gz", colormap: "gray", cal_min: 0, cal_max: 255 });
  viewer.addVolume(image);
  for (const mask of volumes.masks) {
    viewer.addColormap(`of-${mask.name}`, colourMap(mask.colour));
    viewer.addVolume(await niivue.NVImage.loadFromBase64({
      base64: mask.volume, name: `${mask.name}.nii.gz`, colormap: `of-${mask.name}`, opacity: 0.5, cal_min: 0, cal_max: 1,
    }));
  }
}

function connect(viewer) {
  const view = document.getElementById("view");
  const imageOpacity = document.getElementById("image-opacity");
  const maskOpacity = document.getElementById("mask-opacity");
  const views = {
    multiplanar: viewer.sliceTypeMultiplanar, axial: viewer.sliceTypeAxial, coronal: viewer.sliceTypeCoronal,
    sagittal: viewer.sliceTypeSagittal, render: viewer.sliceTypeRender,
  };
  const show = () => {
    viewer.setOpacity(0, Number(imageOpacity.value));
    volumes.masks.forEach((mask, at) => {
      const isShown = document.getElementById(`show-${mask.name}`).checked;
      viewer.setOpacity(at + 1, isShown ? Number(maskOpacity.value) : 0);
    });
  };
  view.addEventListener("change", () => viewer.setSliceType(views[view.value]));
  for (const input of document.querySelectorAll(".keys input, .viewer input")) input.addEventListener("input", show);
  view.form.addEventListener("submit", (event) => event.preventDefault());
  view.form.hidden = false;
  show();
}

async function start() {
  const viewer = new niivue.Niivue({
    backColor: [0, 0, 0, 1], isRadiologicalConvention: true, sagittalNoseLeft: true, show3Dcrosshair: true,
    isNearestInterpolation: true, crosshairWidth: 0.2, multiplanarShowRender: 1, loadingText: "", logLevel: "silent",
  });
  await viewer.attachTo("viewer");
  await load(viewer);
  viewer.scene.crosshairPos = volumes.centre;
  viewer.setSliceType(viewer.sliceTypeMultiplanar);
  connect(viewer);
  says.textContent = "";
  document.getElementById("viewer").dataset.state = "drawn";
}

says.textContent = "The viewer is starting.";
if (document.createElement("canvas").getContext("webgl2")) {
  start().catch((error) => { says.textContent = `The viewer could not start: ${error.message}`; });
} else {
  says.textContent = "This browser offers no WebGL 2, which the viewer needs; the slices above do not.";
}
