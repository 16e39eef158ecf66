"use strict";
const KEYS = @KEYS@;
const WORDS = @WORDS@;
const MADE_ON = "@MADE_ON@";

// ---- bytes ----
const utf8 = text => new TextEncoder().encode(text);
const latin = bytes => { let out = ""; for (let i = 0; i < bytes.length; i += 8192) out += String.fromCharCode.apply(null, bytes.subarray(i, i + 8192)); return out; };
const fromLatin = text => Uint8Array.from(text, c => c.charCodeAt(0));
const joined = (a, b) => { const out = new Uint8Array(a.length + b.length); out.set(a); out.set(b, a.length); return out; };
const same = (a, b) => a.length === b.length && a.every((value, i) => value === b[i]);
const bigOf = bytes => bytes.reduce((sum, value) => sum << 8n | BigInt(value), 0n);
const bytesOf = (number, count) => { const out = new Uint8Array(count); for (let i = count - 1; i >= 0; i--) { out[i] = Number(number & 255n); number >>= 8n; } return out; };
const fromBase64 = text => fromLatin(atob(text));
function fromBase32(text) {
  let number = 0n;
  for (const sign of text) number = number << 5n | BigInt("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(sign));
  const spare = BigInt(text.length * 5 % 8);
  if (number & ((1n << spare) - 1n)) throw new Refusal("altered", "form");
  return bytesOf(number >> spare, Math.floor(text.length * 5 / 8));
}
function fromBase36(text, count) {
  let number = 0n;
  for (const sign of text) number = number * 36n + BigInt("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".indexOf(sign));
  if (number >> BigInt(8 * count)) throw new Refusal("altered", "form");
  return bytesOf(number, count);
}

// ---- SHA-2 (FIPS 180-4); its constants are roots of the first primes ----
const PRIMES = [];
for (let n = 2; PRIMES.length < 80; n++) if (PRIMES.every(p => n % p)) PRIMES.push(n);
function root(value, power) {
  let low = 0n, high = 1n << 70n;
  while (low < high) { const middle = (low + high + 1n) >> 1n; if (middle ** power <= value) low = middle; else high = middle - 1n; }
  return low;
}
function sha2(bytes, bits) {
  const wide = bits === 512, word = wide ? 64n : 32n, mask = (1n << word) - 1n, rounds = wide ? 80 : 64, block = wide ? 128 : 64;
  const turns = wide ? [[28n, 34n, 39n], [14n, 18n, 41n], [1n, 8n, 7n], [19n, 61n, 6n]] : [[2n, 13n, 22n], [6n, 11n, 25n], [7n, 18n, 3n], [17n, 19n, 10n]];
  const k = PRIMES.slice(0, rounds).map(p => root(BigInt(p) << 3n * word, 3n) & mask);
  const h = PRIMES.slice(0, 8).map(p => root(BigInt(p) << 2n * word, 2n) & mask);
  const turn = (x, n) => (x >> n | x << word - n) & mask;
  const length = Math.ceil((bytes.length + 1 + block / 8) / block) * block;
  const all = new Uint8Array(length);
  all.set(bytes); all[bytes.length] = 128; all.set(bytesOf(BigInt(bytes.length) * 8n, 8), length - 8);
  const step = block / 16;
  for (let at = 0; at < length; at += block) {
    const w = [];
    for (let i = 0; i < 16; i++) w.push(bigOf(all.subarray(at + i * step, at + (i + 1) * step)));
    for (let i = 16; i < rounds; i++) {
      const a = w[i - 15], b = w[i - 2];
      const s = turn(a, turns[2][0]) ^ turn(a, turns[2][1]) ^ a >> turns[2][2], t = turn(b, turns[3][0]) ^ turn(b, turns[3][1]) ^ b >> turns[3][2];
      w.push(w[i - 16] + s + w[i - 7] + t & mask);
    }
    let [a, b, c, d, e, f, g, last] = h;
    for (let i = 0; i < rounds; i++) {
      const one = last + (turn(e, turns[1][0]) ^ turn(e, turns[1][1]) ^ turn(e, turns[1][2])) + (e & f ^ (mask ^ e) & g) + k[i] + w[i];
      const two = (turn(a, turns[0][0]) ^ turn(a, turns[0][1]) ^ turn(a, turns[0][2])) + (a & b ^ a & c ^ b & c);
      last = g; g = f; f = e; e = d + one & mask; d = c; c = b; b = a; a = one + two & mask;
    }
    [a, b, c, d, e, f, g, last].forEach((value, i) => { h[i] = h[i] + value & mask; });
  }
  return h.reduce((out, value) => joined(out, bytesOf(value, Number(word) / 8)), new Uint8Array(0));
}
async function sha256(bytes) {
  if (globalThis.crypto && crypto.subtle) { try { return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)); } catch (error) { /* the plain way below */ } }
  return sha2(bytes, 256);
}

// ---- Ed25519 (RFC 8032), for browsers that lack it ----
const P = (1n << 255n) - 19n, ORDER = (1n << 252n) + 27742317777372353535851937790883648493n;
const mod = (value, by = P) => { const rest = value % by; return rest < 0n ? rest + by : rest; };
function power(base, exponent) { let out = 1n; for (base = mod(base); exponent; exponent >>= 1n) { if (exponent & 1n) out = out * base % P; base = base * base % P; } return out; }
const D = mod(-121665n * power(121666n, P - 2n));
function point(bytes) {
  const y = bigOf(Uint8Array.from(bytes).reverse()) & (1n << 255n) - 1n, sign = BigInt(bytes[31] >> 7);
  if (y >= P) return null;
  const u = mod(y * y - 1n), v = mod(D * y * y + 1n);
  let x = mod(u * v ** 3n * power(u * v ** 7n, (P - 5n) / 8n));
  if (mod(v * x * x) === mod(-u)) x = mod(x * power(2n, (P - 1n) / 4n));
  if (mod(v * x * x) !== u || (x === 0n && sign)) return null;
  if ((x & 1n) !== sign) x = P - x;
  return [x, y, 1n, mod(x * y)];
}
function plus([x, y, z, t], [a, b, c, d]) {
  const A = mod((y - x) * (b - a)), B = mod((y + x) * (b + a)), C = mod(2n * t * d * D), E = mod(2n * z * c);
  const e = B - A, f = E - C, g = E + C, h = B + A;
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}
function times(of, count) { let out = [0n, 1n, 1n, 0n]; for (; count; count >>= 1n) { if (count & 1n) out = plus(out, of); of = plus(of, of); } return out; }
function encoded([x, y, z]) {
  const inverse = power(z, P - 2n), left = mod(x * inverse), up = mod(y * inverse);
  return bytesOf(up | (left & 1n) << 255n, 32).reverse();
}
const BASE = point(bytesOf(mod(4n * power(5n, P - 2n)), 32).reverse());
function verifyPlain(key, signature, message) {
  const at = point(key), s = bigOf(signature.slice(32).reverse());
  if (at === null || signature.length !== 64 || s >= ORDER) return false;
  const k = mod(bigOf(sha2(joined(joined(signature.slice(0, 32), key), message), 512).reverse()), ORDER);
  const minus = [mod(-at[0]), at[1], at[2], mod(-at[3])];
  return same(encoded(plus(times(BASE, s), times(minus, k))), signature.slice(0, 32));
}
async function isSigned(key, signature, message) {
  if (globalThis.crypto && crypto.subtle) {
    try {
      const own = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
      return await crypto.subtle.verify({ name: "Ed25519" }, own, signature, message);
    } catch (error) { /* the plain way below */ }
  }
  return verifyPlain(key, signature, message);
}

// ---- papers ----
class Refusal extends Error { constructor(verdict, why, seal) { super(why); this.verdict = verdict; this.why = why; this.seal = seal; } }
const SEAL = /^R1\.([A-Z0-9-]+)\.([A-Z0-9-]+)\.([1-9][0-9]*)\.(0|[1-9][0-9]*)\.([A-Z2-7]{8})\.([0-9A-Z]{50})\.([0-9A-Z]{100})$/;
async function checkSeal(text) {
  const found = SEAL.exec(text.trim());
  if (!found) throw new Refusal(text.trim().startsWith("R1.") ? "altered" : "unreadable", text.trim().startsWith("R1.") ? "form" : "no_seal");
  const seal = { movement: found[1], recipient: found[2], version: Number(found[3]), supersedes: Number(found[4]), key: found[5], digest: fromBase36(found[6], 32) };
  if (!Object.hasOwn(KEYS, seal.key)) throw new Refusal("unknown_key", "unknown_key", seal);
  const head = text.trim().slice(0, text.trim().lastIndexOf("."));
  if (!await isSigned(fromBase64(KEYS[seal.key]), fromBase36(found[7], 64), utf8("retorno manifest 1\n" + head))) throw new Refusal("altered", "signature", seal);
  return seal;
}
const BEFORE = '{"format":"retorno-signed-1","manifest":', BETWEEN = ',"seal":"';
async function checkList(bytes) {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes), cut = text.lastIndexOf(BETWEEN);
  if (!text.startsWith(BEFORE) || cut < 0 || !text.endsWith('"}')) throw new Refusal(text.includes("retorno-signed-1") ? "altered" : "unreadable", text.includes("retorno-signed-1") ? "form" : "not_ours");
  const seal = await checkSeal(text.slice(cut + BETWEEN.length, -2)), list = text.slice(BEFORE.length, cut);
  if (!same(await sha256(utf8(list)), seal.digest)) throw new Refusal("altered", "list", seal);
  const manifest = JSON.parse(list);
  if (manifest.movement !== seal.movement || manifest.recipient !== seal.recipient || manifest.version !== seal.version || (manifest.supersedes || 0) !== seal.supersedes) throw new Refusal("altered", "head", seal);
  return { ...seal, manifest };
}
const PAGE = /\n([0-9]+) 0 obj\n<<\/Type\/RetornoPage\/Key\(([A-Z2-7]{8})\)\/Sign\(([A-Z2-7]{103})\)>>\nendobj\n/g;
async function checkPage(bytes, text) {
  const found = [...text.matchAll(PAGE)].pop();
  if (!found) throw new Refusal("altered", "page_unsigned");
  if (!Object.hasOwn(KEYS, found[2])) throw new Refusal("unknown_key", "unknown_key");
  const body = bytes.subarray(0, found.index), number = Number(found[1]), end = /startxref\n([0-9]+)\n%%EOF\s*$/.exec(text.slice(0, found.index));
  const table = end && /<<\/Type\/XRef\/Size ([0-9]+)\/W\[1 4 2\]([\s\S]*?)>>stream\n/.exec(text.slice(Number(end[1]), Number(end[1]) + 2000));
  if (!table || Number(table[1]) !== number) throw new Refusal("altered", "page");
  const keys = (table[2].match(/\/(?:Root|Info) [0-9]+ 0 R|\/ID\s*\[[^\]]*\]/g) || []).join("");
  const start = found.index + found[0].length, entry = at => String.fromCharCode(1) + latin(bytesOf(BigInt(at), 4)) + "\0\0";
  const tail = `${number + 1} 0 obj\n<</Type/XRef/Size ${number + 2}/W[1 4 2]/Index[${number} 2]${keys}/Prev ${end[1]}/Length 14>>stream\n${entry(found.index + 1)}${entry(start)}\nendstream\nendobj\nstartxref\n${start}\n%%EOF`;
  if (text.slice(start) !== tail) throw new Refusal("altered", "page");
  if (!await isSigned(fromBase64(KEYS[found[2]]), fromBase32(found[3]), joined(utf8("retorno page 1\n"), await sha256(body)))) throw new Refusal("altered", "page");
}
async function attached(bytes, text) {
  const found = [...text.matchAll(/<<[^<>]{0,200}?\/Type\s?\/EmbeddedFile\b(?:[^<>]|<<[^<>]{0,200}>>){0,400}>>\s?stream\r?\n/g)];
  if (found.length !== 1) throw new Refusal(text.includes("/RetornoPage") ? "altered" : "unreadable", text.includes("/RetornoPage") ? "page" : "not_ours");
  const start = found[0].index + found[0][0].length, length = Number(/\/Length ([0-9]+)/.exec(found[0][0])[1]), raw = bytes.slice(start, start + length);
  if (!found[0][0].includes("/FlateDecode")) return raw;
  if (!globalThis.DecompressionStream) throw new Refusal("unreadable", "old_browser");
  return new Uint8Array(await new Response(new Blob([raw]).stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer());
}
async function checkFile(bytes) {
  if (latin(bytes.subarray(0, 5)) !== "%PDF-") return checkList(bytes);
  const text = latin(bytes), outcome = await checkList(await attached(bytes, text));
  await checkPage(bytes, text);
  return outcome;
}
async function judge(work) {
  try { return { verdict: "valid", why: "valid", seal: await work() }; } catch (error) {
    return error instanceof Refusal ? { verdict: error.verdict, why: error.why, seal: error.seal } : { verdict: "unreadable", why: "not_ours" };
  }
}

// ---- page ----
const by = id => document.getElementById(id);
let language = "es", last = null;
function say(word) { return WORDS[language][word]; }
function fact(word, value) { const name = document.createElement("dt"), text = document.createElement("dd"); name.textContent = say(word); text.textContent = value; text.dir = "auto"; by("facts").append(name, text); }
function show() {
  document.documentElement.lang = language;
  document.title = say("title");
  for (const part of document.querySelectorAll("[data-word]")) part.textContent = say(part.dataset.word);
  for (const button of by("languages").children) button.setAttribute("aria-pressed", String(button.value === language));
  by("keys").textContent = Object.keys(KEYS).sort().join(", ") + " (" + MADE_ON + ")";
  by("result").hidden = last === null;
  if (last === null) return;
  by("result").dataset.verdict = last.verdict;
  by("verdict").textContent = say("verdict." + last.verdict);
  by("why").textContent = say("why." + last.why);
  by("facts").replaceChildren();
  by("later").textContent = last.verdict === "valid" ? say("later") : last.verdict === "nothing" ? "" : say("what_now");
  const seal = last.seal;
  if (!seal) return;
  fact("movement", seal.movement);
  fact("recipient", seal.manifest ? seal.manifest.recipient_name + " (" + seal.recipient + ")" : seal.recipient);
  fact("version", String(seal.version) + (seal.supersedes ? " (" + say("supersedes") + " " + seal.supersedes + ")" : ""));
  if (seal.manifest) { fact("people", String(seal.manifest.rows.length)); if (seal.manifest.is_demo) fact("demo", say("demo_note")); }
}
async function check() {
  const file = by("file").files[0], text = by("text").value.trim();
  if (!file && !text) last = { verdict: "nothing", why: "nothing" };
  else if (file) last = await judge(async () => checkFile(new Uint8Array(await file.arrayBuffer())));
  else last = await judge(() => text.startsWith("{") ? checkList(utf8(text)) : checkSeal(text));
  show();
  by("result").focus();
}
for (const [code, words] of Object.entries(WORDS)) {
  const button = document.createElement("button");
  button.type = "button"; button.value = code; button.lang = code; button.textContent = words.language;
  button.addEventListener("click", () => { language = code; show(); });
  by("languages").append(button, " ");
}
by("form").addEventListener("submit", event => { event.preventDefault(); check(); });
by("file").addEventListener("change", () => { if (by("file").files.length) { by("text").value = ""; check(); } });
by("text").addEventListener("input", () => { by("file").value = ""; });
language = Object.keys(WORDS).find(code => navigator.language.startsWith(code)) || "es";
show();
