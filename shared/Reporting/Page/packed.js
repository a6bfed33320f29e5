// Data that the page carries packed: JSON, in gzip, in base64.
const canUnpack = typeof DecompressionStream === "function";

const unpackText = text => {
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

// Takes a packed attribute off its element: it is large, and needed once.
const taken = (element, name) => {
  const text = element.dataset[name];
  delete element.dataset[name];
  return text;
};

const unpack = element => unpackText(taken(element, "packed"));

// A list packed in parts of equal length. load(items) unpacks what holds these items; at(item) is then there.
const packedList = (text, length) => {
  const packed = text.split(" ");
  const parts = [];
  const load = async p => {
    parts[p] = await (packed[p] instanceof Promise ? packed[p] : packed[p] = unpackText(packed[p]));
  };
  return {
    at: item => parts[Math.floor(item / length)][item % length],
    load: items => Promise.all([...new Set(items.map(item => Math.floor(item / length)))].filter(p => parts[p] === undefined).map(load)),
  };
};

// An element with a class and with texts or elements in it. Texts become text nodes: nothing in this page is ever parsed as HTML.
const make = (tag, className, ...content) => {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...content);
  return element;
};

const count = number => number.toLocaleString("en-US");
