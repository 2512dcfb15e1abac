// The texts of a page that stand out from what is behind them by less than 4.5 : 1 (WCAG 2, AA), with the ratio.
(within) => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  // Whatever the notation, painted over what lies below.
  const painted = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
    }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb) => {
    const [red, green, blue] = rgb.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) layers.unshift(getComputedStyle(each).backgroundColor);
    return ["white", ...layers];
  };
  const ratio = (element) => {
    const layers = behind(element);
    const [dark, light] = [painted(layers), painted([...layers, getComputedStyle(element).color])]
      .map(luminance)
      .sort((one, other) => one - other);
    return (light + 0.05) / (dark + 0.05);
  };
  const texts = [...document.querySelectorAll(within)].filter((element) =>
    [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim()),
  );
  return texts
    .map((element) => [element.textContent.trim().slice(0, 40), ratio(element)])
    .filter(([, by]) => by < 4.5);
}
