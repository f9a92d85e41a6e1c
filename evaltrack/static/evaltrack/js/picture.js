// @ts-check
/**
 * A part of the page as a PNG: its words, lines and drawings where they stand on the screen, at twice the size.
 *
 * The drawings come from the server as SVG, and the style sheet colours them. An image knows no style sheet, so
 * what it says is written into a copy, as attributes; the content policy allows the copy as a `data:` image.
 */

const SCALE = 2;
const MARGIN = 16;
const FOOT = 22;
const BLEED = 16;
const SVG = "http://www.w3.org/2000/svg";
// Controls and what is folded away are no part of a picture.
const LEFT_OUT = ".copy, form, details, nav, button, script, .visually-hidden, [hidden]";
// How the style sheet hides what is for the ear alone, such as the heads of a table that has become a list.
const HIDDEN = "inset(50%)";
const STYLES = [
  "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linecap",
  "vector-effect", "paint-order", "opacity", "font-family", "font-size", "font-weight", "text-anchor",
];

/** @typedef {{ left: number, top: number, right: number, bottom: number }} Box */
/** @typedef {{ box: Box, draw: (pen: CanvasRenderingContext2D) => void | Promise<void> }} Mark */

/**
 * @param {HTMLElement} part
 * @param {string} source What stands below: where the picture is from.
 * @returns {Promise<Blob>}
 */
export async function picture(part, source) {
  /** @type {Mark[]} */
  const marks = [];
  collect(part, marks);
  const frame = around(marks.map((mark) => mark.box));
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(frame.right - frame.left + 2 * MARGIN) * SCALE;
  canvas.height = Math.ceil(frame.bottom - frame.top + 2 * MARGIN + FOOT) * SCALE;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.fillStyle = backdrop(part);
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.scale(SCALE, SCALE);
  pen.translate(MARGIN - frame.left, MARGIN - frame.top);
  for (const mark of marks) await mark.draw(pen);
  foot(pen, part, source, frame);
  return new Promise((done, failed) => {
    canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("no picture"))), "image/png");
  });
}

/**
 * @param {Element} element
 * @param {Mark[]} marks
 */
function collect(element, marks) {
  if (element.matches(LEFT_OUT) || !element.checkVisibility()) return;
  if (element instanceof SVGSVGElement) {
    marks.push(drawing(element));
    return;
  }
  const style = getComputedStyle(element);
  if (style.clipPath === HIDDEN) return;
  marks.push(...surface(element, style), ...before(element, style));
  for (const node of element.childNodes) {
    if (node instanceof Element) collect(node, marks);
    else if (node instanceof Text) marks.push(...words(node, style));
  }
}

/**
 * @param {SVGSVGElement} svg
 * @returns {Mark}
 */
function drawing(svg) {
  const box = svg.getBoundingClientRect();
  const copy = /** @type {SVGSVGElement} */ (svg.cloneNode(true));
  const [theirs, ours] = [svg, copy].map((each) => [each, ...each.querySelectorAll("*")]);
  theirs.forEach((element, number) => {
    const style = getComputedStyle(element);
    for (const name of STYLES) ours[number].setAttribute(name, style.getPropertyValue(name));
  });
  // An image ends at its edge, where a drawing on the page may reach beyond: so it is drawn within a larger one.
  const sheet = document.createElementNS(SVG, "svg");
  const [width, height] = [box.width + 2 * BLEED, box.height + 2 * BLEED];
  place(sheet, { width, height });
  place(copy, { x: BLEED, y: BLEED, width: box.width, height: box.height });
  copy.setAttribute("overflow", getComputedStyle(svg).overflow);
  sheet.append(copy);
  const image = new Image();
  image.src = `data:image/svg+xml,${encodeURIComponent(new XMLSerializer().serializeToString(sheet))}`;
  return {
    box,
    async draw(pen) {
      if (!box.width || !box.height) return;
      await image.decode();
      pen.drawImage(image, box.left - BLEED, box.top - BLEED, width, height);
    },
  };
}

/**
 * @param {SVGSVGElement} svg
 * @param {Record<string, number>} numbers
 */
function place(svg, numbers) {
  for (const [name, number] of Object.entries(numbers)) svg.setAttribute(name, `${number}`);
}

/**
 * The ground and the borders of a box, where it has any.
 * @param {Element} element
 * @param {CSSStyleDeclaration} style
 * @returns {Mark[]}
 */
function surface(element, style) {
  const box = element.getBoundingClientRect();
  const { left, top, right, bottom, width, height } = box;
  const sides = [
    { side: "top", from: [left, top], to: [right, top] },
    { side: "bottom", from: [left, bottom], to: [right, bottom] },
    { side: "left", from: [left, top], to: [left, bottom] },
    { side: "right", from: [right, top], to: [right, bottom] },
  ].filter(({ side }) => Number.parseFloat(style.getPropertyValue(`border-${side}-width`)) > 0);
  const bare = style.backgroundColor === "rgba(0, 0, 0, 0)";
  if (!width || !height || (bare && !sides.length)) return [];
  const radius = Math.min(Number.parseFloat(style.borderTopLeftRadius) || 0, height / 2);
  /** @param {CanvasRenderingContext2D} pen */
  const draw = (pen) => {
    pen.fillStyle = style.backgroundColor;
    pen.beginPath();
    pen.roundRect(left, top, width, height, radius);
    pen.fill();
    for (const { side, from, to } of sides) {
      pen.strokeStyle = style.getPropertyValue(`border-${side}-color`);
      pen.lineWidth = Number.parseFloat(style.getPropertyValue(`border-${side}-width`));
      if (radius && sides.length === 4) {
        pen.stroke();
        return;
      }
      pen.beginPath();
      pen.moveTo(from[0], from[1]);
      pen.lineTo(to[0], to[1]);
      pen.stroke();
    }
  };
  return [{ box, draw }];
}

/**
 * Words that the style sheet puts before others: a label of a cell, the mark of the deciding test.
 * @param {Element} element
 * @param {CSSStyleDeclaration} style
 * @returns {Mark[]}
 */
function before(element, style) {
  const own = getComputedStyle(element, "::before");
  const named = /^attr\(([\w-]+)\)$/.exec(own.content);
  const found = named ? element.getAttribute(named[1]) : /^"(.+?)"/.exec(own.content)?.[1];
  if (!found || own.display === "none") return [];
  const { left, top, right, bottom } = element.getBoundingClientRect();
  const box = {
    left: left + Number.parseFloat(style.paddingLeft),
    top: top + Number.parseFloat(style.paddingTop),
    right,
    bottom,
  };
  return [{ box, draw: (pen) => write(pen, found, box.left, box.top, own) }];
}

/**
 * The words of a text, line by line as the browser has broken them.
 * @param {Text} text
 * @param {CSSStyleDeclaration} style
 * @returns {Mark[]}
 */
function words(text, style) {
  /** @type {{ said: string, box: Box }[]} */
  const lines = [];
  const range = document.createRange();
  for (const { 0: word, index: start } of text.data.matchAll(/\S+/g)) {
    for (const [from, to] of parts(range, text, start, start + word.length)) {
      range.setStart(text, from);
      range.setEnd(text, to);
      const box = range.getBoundingClientRect();
      if (!box.width) continue;
      const said = text.data.slice(from, to);
      const line = lines.at(-1);
      if (line && Math.abs(line.box.top - box.top) < 1) {
        line.said += from === start ? ` ${said}` : said;
        line.box.right = box.right;
      } else lines.push({ said, box: { left: box.left, top: box.top, right: box.right, bottom: box.bottom } });
    }
  }
  return lines.map(({ said, box }) => ({ box, draw: (pen) => write(pen, said, box.left, box.top, style) }));
}

/**
 * A word as a whole, or letter by letter where it is broken over lines.
 * @param {Range} range
 * @param {Text} text
 * @param {number} from
 * @param {number} to
 * @returns {[number, number][]}
 */
function parts(range, text, from, to) {
  range.setStart(text, from);
  range.setEnd(text, to);
  if (range.getClientRects().length < 2) return [[from, to]];
  return Array.from({ length: to - from }, (_, place) => [from + place, from + place + 1]);
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {string} said
 * @param {number} left
 * @param {number} top
 * @param {CSSStyleDeclaration} style
 */
function write(pen, said, left, top, style) {
  pen.font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  pen.fillStyle = style.color;
  pen.textBaseline = "alphabetic";
  pen.fillText(said, left, top + pen.measureText(said).fontBoundingBoxAscent);
}

/**
 * Where the picture is from, so that it can be looked up again.
 * @param {CanvasRenderingContext2D} pen
 * @param {Element} part
 * @param {string} source
 * @param {Box} frame
 */
function foot(pen, part, source, frame) {
  const style = getComputedStyle(part);
  pen.font = `400 11px ${style.fontFamily}`;
  pen.fillStyle = getComputedStyle(document.querySelector(".site-footer") ?? part).color;
  pen.textBaseline = "alphabetic";
  pen.fillText(source, frame.left, frame.bottom + FOOT, frame.right - frame.left);
}

/** @param {Element} part The ground on which it stands. */
function backdrop(part) {
  for (let element = /** @type {Element | null} */ (part); element; element = element.parentElement) {
    const ground = getComputedStyle(element).backgroundColor;
    if (ground !== "rgba(0, 0, 0, 0)") return ground;
  }
  return "Canvas";
}

/**
 * @param {Box[]} boxes
 * @returns {Box}
 */
function around(boxes) {
  return {
    left: Math.min(...boxes.map((box) => box.left)),
    top: Math.min(...boxes.map((box) => box.top)),
    right: Math.max(...boxes.map((box) => box.right)),
    bottom: Math.max(...boxes.map((box) => box.bottom)),
  };
}
