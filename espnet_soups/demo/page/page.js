// The page: send a recording to the server, and show what it says.
const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
// what the server reads; everything else is turned into WAV by the browser
const READ_BY_SERVER = /\.(aiff?|au|flac|mp3|og[ag]|opus|w64|wav)$/i;
const WAVE_HEIGHT = 64, ROW_HEIGHT = 28, TICKS_HEIGHT = 21, GAP = 4; // pixels
const SLOWEST = 90, FASTEST = 320; // pixels per second of audio

let about = null;
let last = null; // {blob, name}: sent again when another language is chosen
let asked = 0; // answers of earlier requests are dropped
let tracks = []; // of the pieces that are shown
const names = new Intl.DisplayNames(["en"], { type: "language", fallback: "code" });

function languageName(code) {
  try {
    const name = names.of(code);
    return name === code ? code : `${name} (${code})`;
  } catch {
    return code; // a label of the corpus that is no language tag
  }
}

function say(text, busy = false) {
  $("status").textContent = text;
  $("status").classList.toggle("busy", busy);
}

function fail(sentence) {
  say("");
  $("error").textContent = sentence;
  $("error").hidden = false;
}

function make(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// --- what is known of the model ---

async function begin() {
  try {
    about = await (await fetch("api/about")).json();
  } catch {
    fail("The server cannot be reached: start `espnet-soups demo` again, then reload this page.");
    return;
  }
  $("model").textContent = about.name;
  const first = about.identifies ? "Let the model identify it" : "Choose a language";
  const options = [["", first], ...about.languages.map((code) => [code, languageName(code)])];
  if (!about.identifies && about.languages.length === 1) options.shift();
  for (const [value, text] of options) $("language").append(new Option(text, value));
  if (!navigator.mediaDevices || !window.AudioWorkletNode) {
    $("record").disabled = true;
    $("clock").textContent = "Browsers offer the microphone only at localhost or over https.";
  }
  document.body.dataset.ready = "true";
}

// --- sending ---

async function listen(blob, name) {
  last = { blob, name };
  const number = ++asked;
  $("error").hidden = true;
  $("result").hidden = true;
  $("player").pause();
  const megabytes = (bytes) => (bytes / 1e6).toLocaleString("en", { maximumFractionDigits: 1 });
  if (blob.size > about.max_bytes) {
    fail(`${name} has ${megabytes(blob.size)} MB, but this page takes ${megabytes(about.max_bytes)} MB at most: use `
      + "`espnet-soups transcribe`.");
    return;
  }
  say(`Listening to ${name} …`, true);
  const query = new URLSearchParams({ language: $("language").value, name });
  let answer, found;
  try {
    const sent = READ_BY_SERVER.test(name) ? blob : await toWav(blob);
    answer = await fetch(`api/listen?${query}`, {
      method: "POST", body: sent, headers: { "Content-Type": "application/octet-stream" },
    });
    found = await answer.json();
  } catch {
    found = { error: "The server cannot be reached: look at its terminal, then try again." };
  }
  if (number !== asked) return;
  if (!answer?.ok) {
    fail(found.error);
    return;
  }
  say("");
  show(found, blob);
}

async function toWav(blob) {
  const context = new OfflineAudioContext(1, 1, 44100);
  let decoded;
  try {
    decoded = await context.decodeAudioData(await blob.arrayBuffer());
  } catch {
    return blob; // the server says what is wrong with it
  }
  const mixed = new Float32Array(decoded.length);
  for (let channel = 0; channel < decoded.numberOfChannels; channel++) {
    decoded.getChannelData(channel).forEach((value, index) => {
      mixed[index] += value / decoded.numberOfChannels;
    });
  }
  return encodeWav([mixed], decoded.sampleRate);
}

// 16-bit WAV of one channel
function encodeWav(blocks, rate) {
  const length = blocks.reduce((sum, block) => sum + block.length, 0);
  const view = new DataView(new ArrayBuffer(44 + 2 * length));
  const write = (at, text) => [...text].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  write(0, "RIFF");
  view.setUint32(4, 36 + 2 * length, true);
  write(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  write(36, "data");
  view.setUint32(40, 2 * length, true);
  let at = 44;
  for (const block of blocks) {
    for (const value of block) {
      view.setInt16(at, Math.round(32767 * Math.max(-1, Math.min(1, value))), true);
      at += 2;
    }
  }
  return new Blob([view], { type: "audio/wav" });
}

// --- the microphone ---

let recording = null; // {context, stream, blocks, length, most}

async function startRecording() {
  $("error").hidden = true;
  $("player").pause();
  // no processing: models are trained on plain audio
  const audio = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio });
  } catch (error) {
    const reasons = {
      NotAllowedError: "The browser may not use the microphone: allow it beside the address of this page.",
      NotFoundError: "This computer has no microphone that the browser could use: choose a file instead.",
    };
    fail(reasons[error.name] ?? `The microphone cannot be used: ${error.message}.`);
    return;
  }
  const context = new AudioContext();
  await context.audioWorklet.addModule("recorder.js");
  const tap = new AudioWorkletNode(context, "tap", { numberOfOutputs: 0 });
  const seconds = Math.min(about.max_seconds, (about.max_bytes - 44) / (2 * context.sampleRate));
  const own = { context, stream, blocks: [], length: 0, most: Math.floor(seconds * context.sampleRate) };
  recording = own;
  tap.port.onmessage = ({ data }) => {
    if (recording !== own) return;
    own.blocks.push(data);
    own.length += data.length;
    $("level").value = Math.max(Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / data.length) * 4,
      0.9 * $("level").value);
    $("clock").textContent = clock(own.length / context.sampleRate);
    if (own.length + data.length > own.most) stopRecording();
  };
  context.createMediaStreamSource(stream).connect(tap);
  $("microphone").classList.add("recording");
  $("record-word").textContent = "Stop";
  $("level").hidden = false;
}

function stopRecording() {
  const { context, stream, blocks, length } = recording;
  recording = null;
  stream.getTracks().forEach((track) => track.stop());
  context.close();
  $("microphone").classList.remove("recording");
  $("record-word").textContent = "Record";
  $("clock").textContent = "from the microphone";
  $("level").hidden = true;
  if (length === 0) {
    fail("The microphone gave no sound: speak for a moment before you stop.");
    return;
  }
  listen(encodeWav(blocks, context.sampleRate), "recording.wav");
}

// --- showing ---

function clock(seconds) {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(1).padStart(4, "0")}`;
}

function show(found, blob) {
  URL.revokeObjectURL($("player").src);
  $("player").src = URL.createObjectURL(blob);
  $("result").hidden = false;
  const how = found.identified ? "identified by the model" : "as you chose";
  $("spoken").replaceChildren("Language: ", make("b", "", languageName(found.language)), ` – ${how}.`);
  const texts = [];
  if (found.text !== null) texts.push(["Transcript", found.language, found.text]);
  for (const [code, text] of Object.entries(found.translations)) {
    texts.push([`Translation: ${languageName(code)}`, code, text]);
  }
  $("texts").replaceChildren(...texts.flatMap(([title, code, text]) => {
    const said = make("p", text ? "said" : "said empty", text || "No words were found.");
    if (text) said.lang = code;
    return [make("h2", "", title), said];
  }));
  const timed = found.pieces.some((piece) => piece.words?.length);
  const untimed = found.pieces.some((piece) => piece.words === null); // [] where nothing was recognised
  $("aligned-note").textContent = timed ? "Choose a word to hear it."
    : untimed ? "This model does not say when each word was spoken." : "";
  tracks = [];
  $("pieces").replaceChildren(...found.pieces.map((piece) => showPiece(piece, found.pieces.length > 1)));
  tracks.forEach(layOut);
}

function showPiece(piece, several) {
  const figure = make("figure", "piece");
  if (several) figure.append(make("figcaption", "", `${clock(piece.start)} – ${clock(piece.end)}`));
  const strip = make("div", "strip"), track = make("div", "track");
  strip.tabIndex = 0; // scrolled by arrow keys
  strip.setAttribute("role", "group");
  strip.setAttribute("aria-label", `Waveform and words from ${clock(piece.start)} to ${clock(piece.end)}`);
  const words = (piece.words ?? []).map((word) => {
    const button = make("button", "word", word.text);
    button.type = "button";
    button.title = `${word.start.toFixed(2)} – ${word.end.toFixed(2)} s`;
    button.addEventListener("click", () => playFrom(word.start));
    return { ...word, button };
  });
  const head = make("div", "head");
  head.hidden = true;
  track.append(wave(piece.peaks), ...words.map((word) => word.button), head);
  strip.append(track);
  figure.append(strip);
  tracks.push({ piece, words, strip, track, head });
  return figure;
}

function wave(peaks) {
  const svg = document.createElementNS(SVG, "svg"), path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", `0 -1 ${peaks.length} 2`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("class", "wave");
  const bars = peaks.map((peak, x) => `M${x + 0.1} ${-peak}h.8v${2 * peak}h-.8z`);
  path.setAttribute("d", bars.join(""));
  svg.append(path);
  return svg;
}

// Put every word above its time, in the lowest row where it has room.
function layOut(shown) {
  const { piece, words, strip, track } = shown;
  track.querySelectorAll(".stem, .span, .tick").forEach((node) => node.remove());
  const seconds = piece.end - piece.start;
  const scale = Math.max(SLOWEST, Math.min(FASTEST, strip.clientWidth / seconds));
  const width = Math.max(strip.clientWidth, Math.ceil(seconds * scale));
  const base = TICKS_HEIGHT + WAVE_HEIGHT + GAP;
  const rows = [];
  track.style.width = `${width}px`;
  track.querySelector("svg").style.width = `${seconds * scale}px`;
  for (const word of words) {
    const left = (word.start - piece.start) * scale;
    const at = Math.max(0, Math.min(left, width - word.button.offsetWidth));
    let row = rows.findIndex((right) => right <= at);
    if (row < 0) row = rows.length;
    rows[row] = at + word.button.offsetWidth + GAP;
    word.button.style.left = `${at}px`;
    word.button.style.bottom = `${base + row * ROW_HEIGHT}px`;
    const stem = make("div", "stem"), span = make("div", "span");
    stem.style.left = `${left}px`;
    stem.style.bottom = `${TICKS_HEIGHT}px`;
    stem.style.height = `${WAVE_HEIGHT + GAP + row * ROW_HEIGHT}px`;
    span.style.left = `${left}px`;
    span.style.width = `${Math.max(2, (word.end - word.start) * scale)}px`;
    track.append(stem, span);
  }
  for (let second = Math.ceil(piece.start); second < piece.end; second++) {
    const tick = make("div", "tick", `${second} s`);
    tick.style.left = `${(second - piece.start) * scale}px`;
    track.append(tick);
    if (tick.offsetLeft + tick.offsetWidth > width) tick.remove();
  }
  track.style.height = `${base + rows.length * ROW_HEIGHT + GAP}px`;
  shown.scale = scale;
}

function playFrom(seconds) {
  $("player").currentTime = seconds;
  $("player").play().catch((error) => {
    // paused before it began is no failure
    if (error.name === "NotSupportedError") fail("This browser cannot play this kind of file; the texts are not affected.");
  });
}

function follow() {
  const now = $("player").currentTime;
  for (const { piece, words, strip, head, scale } of tracks) {
    const at = (now - piece.start) * scale;
    head.hidden = now < piece.start || now > piece.end;
    head.style.left = `${at}px`;
    const inView = at >= strip.scrollLeft && at <= strip.scrollLeft + strip.clientWidth;
    if (!head.hidden && !inView) strip.scrollLeft = at - strip.clientWidth / 4;
    for (const word of words) {
      if (now >= word.start && now < word.end) word.button.setAttribute("aria-current", "true");
      else word.button.removeAttribute("aria-current");
    }
  }
  if (!$("player").paused) requestAnimationFrame(follow);
}

// --- events ---

$("file").addEventListener("change", () => {
  const [file] = $("file").files;
  $("file").value = ""; // the same file can be chosen again
  if (file) listen(file, file.name);
});
$("language").addEventListener("change", () => {
  if (last && !recording) listen(last.blob, last.name);
});
$("record").addEventListener("click", () => {
  if (recording) stopRecording();
  else startRecording();
});
for (const event of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(event, (happened) => {
    happened.preventDefault(); // a file beside the field would replace the page
    $("drop").classList.toggle("over", event === "dragover");
    const file = event === "drop" ? happened.dataTransfer.files[0] : null;
    if (file) listen(file, file.name);
  });
}
for (const event of ["play", "seeked", "timeupdate"]) $("player").addEventListener(event, follow);
addEventListener("resize", () => tracks.forEach(layOut));
begin();
