// Data that the page carries packed: JSON, in gzip, in base64.
const canUnpack = typeof DecompressionStream === "function";

const unpack = async element => {
  const text = element.dataset.packed;
  delete element.dataset.packed;
  let bytes;
  if (Uint8Array.fromBase64) {
    bytes = Uint8Array.fromBase64(text);
  } else {
    const letters = atob(text);
    bytes = new Uint8Array(letters.length);
    for (let i = 0; i < letters.length; i++) {
      bytes[i] = letters.charCodeAt(i);
    }
  }
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
};

// An element with a class and with texts or elements in it. Texts become text nodes: nothing in this page is ever parsed as HTML.
const make = (tag, className, ...content) => {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...content);
  return element;
};

const count = number => number.toLocaleString("en-US");
