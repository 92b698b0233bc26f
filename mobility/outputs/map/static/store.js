// What the page knows: the manifest, and blobs decoded when first asked for.
let manifest = JSON.parse(document.getElementById("mb-manifest").textContent);
let blobs = document.getElementById("mb-blobs").textContent.split("\n");
const NONE = 255;
const KEPT = 400;
const decoded = new Map();

// Base64 text to bytes, deflated bytes to bytes.
async function inflate(index) {
  const text = atob(blobs[index].trim());
  const data = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) data[i] = text.charCodeAt(i);
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Keep the promise of a decoded blob; forget the oldest ones. Of a scenario that another script
// puts into the manifest, a blob is a function that returns its values.
function kept(kind, index, decode) {
  if (typeof index === "function") return Promise.resolve(index());
  const name = kind + index;
  const known = decoded.get(name);
  if (known) return known;
  const promise = inflate(index).then(decode);
  decoded.set(name, promise);
  if (decoded.size > KEPT) decoded.delete(decoded.keys().next().value);
  return promise;
}

const bytesOf = (index) => kept("b", index, (data) => {
  const values = data.subarray(1);
  if (data[0] === 1) for (let i = 1; i < values.length; i++) values[i] += values[i - 1];
  return values;
});

const intsOf = (index) => kept("i", index, (data) => {
  const n = (data.length - 1) / 4;
  const values = new Int32Array(n);
  let last = 0;
  for (let i = 0; i < n; i++) {
    const folded = data[1 + i] | (data[1 + n + i] << 8) | (data[1 + 2 * n + i] << 16)
      | (data[1 + 3 * n + i] << 24);
    const step = (folded >>> 1) ^ -(folded & 1);
    last = data[0] === 1 ? (last + step) | 0 : step;
    values[i] = last;
  }
  return values;
});

const jsonOf = (index) => kept("j", index, (data) => JSON.parse(new TextDecoder().decode(data)));

// Web Mercator, the world being the unit square.
const mercatorX = (lon) => (lon / 1e5 + 180) / 360;
function mercatorY(lat) {
  const sine = Math.sin(lat / 1e5 * Math.PI / 180);
  return 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
}

// Polylines or rings: point i of path p stands at start[p] + i.
async function pathsOf(blob) {
  const [counts, lon, lat] = await Promise.all([intsOf(blob.n), intsOf(blob.x), intsOf(blob.y)]);
  const start = new Int32Array(counts.length + 1);
  for (let i = 0; i < counts.length; i++) start[i + 1] = start[i] + counts[i];
  return { n: counts.length, start, x: Float64Array.from(lon, mercatorX),
    y: Float64Array.from(lat, mercatorY) };
}

function pathOfFlat(flat) {
  const n = flat.length / 2;
  const path = { n: 1, start: Int32Array.of(0, n), x: new Float64Array(n), y: new Float64Array(n) };
  for (let i = 0; i < n; i++) {
    path.x[i] = mercatorX(flat[2 * i]);
    path.y[i] = mercatorY(flat[2 * i + 1]);
  }
  return path;
}
