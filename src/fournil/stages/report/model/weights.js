// The model's file: base64 in the page, its SHA-256, the tensors in it (a safetensors file, see pack.py).
"use strict";

/** Something is wrong that a person should be told; `code` says what, so that the page can say it in any language. */
class ModelError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The bytes of base64 without line ends, for browsers that cannot read it; what is none is zeros: the hash tells. */
function readBase64(text) {
  const values = new Uint8Array(256);
  for (let i = 0; i < 64; i++) values[BASE64.charCodeAt(i)] = i;
  let length = text.length;
  while (length && text[length - 1] === "=") length--;
  const bytes = new Uint8Array((length * 3) >> 2);
  for (let i = 0, at = 0; at < bytes.length; i += 4) {
    const four =
      (values[text.charCodeAt(i) & 255] << 18) |
      (values[text.charCodeAt(i + 1) & 255] << 12) |
      (i + 2 < length ? values[text.charCodeAt(i + 2) & 255] << 6 : 0) |
      (i + 3 < length ? values[text.charCodeAt(i + 3) & 255] : 0);
    bytes[at++] = four >> 16; // what is beyond the array's end is dropped
    bytes[at++] = four >> 8;
    bytes[at++] = four;
  }
  return bytes;
}

/** SHA-256 in hexadecimal (FIPS 180-4), for pages that have no crypto.subtle: those that are served without TLS. */
function sha256(bytes) {
  const words = new Int32Array(64);
  const [round, state] = sha256.constants ?? (sha256.constants = sha256Constants());
  const hash = Int32Array.from(state);
  const whole = bytes.length & ~63;
  const last = new Uint8Array(bytes.length - whole < 56 ? 64 : 128);
  last.set(bytes.subarray(whole));
  last[bytes.length - whole] = 0x80;
  const view = new DataView(last.buffer);
  view.setUint32(last.length - 8, Math.floor(bytes.length / 0x20000000));
  view.setUint32(last.length - 4, bytes.length << 3);
  for (const block of [bytes.subarray(0, whole), last]) {
    for (let start = 0; start < block.length; start += 64) {
      for (let i = 0, at = start; i < 16; i++, at += 4) {
        words[i] = (block[at] << 24) | (block[at + 1] << 16) | (block[at + 2] << 8) | block[at + 3];
      }
      for (let i = 16; i < 64; i++) {
        const x = words[i - 15];
        const y = words[i - 2];
        const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
        const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
        words[i] = (words[i - 16] + s0 + words[i - 7] + s1) | 0;
      }
      let a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4], f = hash[5], g = hash[6], h = hash[7];
      for (let i = 0; i < 64; i++) {
        const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
        const one = (h + s1 + ((e & f) ^ (~e & g)) + round[i] + words[i]) | 0;
        const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
        const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        h = g; g = f; f = e; e = (d + one) | 0;
        d = c; c = b; b = a; a = (one + two) | 0;
      }
      hash[0] += a; hash[1] += b; hash[2] += c; hash[3] += d;
      hash[4] += e; hash[5] += f; hash[6] += g; hash[7] += h;
    }
  }
  return Array.from(hash, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

/** The first 32 bits of the fractional parts of the cube roots of 64 primes, and of the square roots of the first 8. */
function sha256Constants() {
  const primes = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime)) primes.push(n);
  const fraction = (root) => ((root - Math.floor(root)) * 0x100000000) | 0;
  return [primes.map((prime) => fraction(Math.cbrt(prime))), primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)))];
}

/** The weights of a page's text, or say that it was cut or altered. */
function fromBase64(text, length) {
  if (text.length !== 4 * Math.ceil(length / 3)) throw new ModelError("cut", "the weights are not whole");
  try {
    return Uint8Array.fromBase64 ? Uint8Array.fromBase64(text) : readBase64(text);
  } catch {
    throw new ModelError("altered", "the weights are no base64");
  }
}

/** Say so when bytes are not those that were packed. */
async function checkWhole(bytes, { length, sha256: digest }) {
  if (bytes.length !== length) throw new ModelError("cut", `the weights have ${bytes.length} bytes of ${length}`);
  const subtle = globalThis.crypto?.subtle;
  const found = subtle ? hexadecimal(new Uint8Array(await subtle.digest("SHA-256", bytes))) : sha256(bytes);
  if (found !== digest) throw new ModelError("altered", "the weights are not those that were packed");
}

function hexadecimal(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const TYPES = { F32: Float32Array, I8: Int8Array, U16: Uint16Array, U32: Uint32Array };

/** Read a safetensors file: `about` is what pack.py says of the model, `tensors` maps names to {values, shape}. */
function readTensors(bytes) {
  const start = 8 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const { __metadata__: metadata, ...header } = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
  const tensors = new Map();
  for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(header)) {
    const Type = TYPES[dtype];
    const count = (to - from) / Type.BYTES_PER_ELEMENT;
    tensors.set(name, { values: new Type(bytes.buffer, bytes.byteOffset + start + from, count), shape });
  }
  return { about: JSON.parse(metadata.fournil), tensors };
}
