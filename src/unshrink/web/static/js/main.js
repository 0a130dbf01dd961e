// The page: pictures come in, the list and the result follow.

import * as api from './api.js';
import { Dial } from './dial.js';
import { Picture } from './picture.js';
import { Result } from './result.js';
import { Settings } from './settings.js';
import * as words from './words.js';

const AT_ONCE = 2;
const EXAMPLES = [
  { file: 'circuit.webp', title: 'Circuit board', note: 'A photograph, 480×320' },
  { file: 'hills.webp', title: 'Hills at dusk', note: 'Painted by a program, 720×480' },
  { file: 'chart.png', title: 'Chart', note: 'Thin lines and small print, 600×400' },
];

const at = (id) => document.getElementById(id);
const pictures = [];
let chosen = null;

const settings = new Settings(() => onSettings());
const result = new Result({ again, cancel: (picture) => picture.cancel(), instead });
const dial = new Dial((picture) => picture === chosen && result.refresh(picture, { keep: true }));

function onSettings() {
  settings.foretell(chosen && !chosen.restores ? chosen.facts.size : null);
  if (chosen) result.offerAgain(chosen, settings.fields());
}

// -- pictures come in -------------------------------------------------------------------------------------------------

function take(files, kind = 'auto') {
  const fresh = [...files].map((file) => new Picture(file, kind, settings.fields()));
  if (!fresh.length) return;
  for (const picture of fresh) {
    pictures.push(picture);
    addEntry(picture);
  }
  choose(fresh[0]);
  say(fresh.length === 1 ? `${fresh[0].name} is being worked on.` : `${fresh.length} pictures are being worked on.`);
  go();
}

function go() {
  const running = pictures.filter((picture) => picture.going).length;
  for (const picture of pictures.filter((one) => one.state === 'waiting' && !one.going).slice(0, Math.max(0, AT_ONCE - running))) {
    picture.going = true;
    picture.run(changed).finally(() => {
      picture.going = false;
      if (picture.blobs.original && pictures.includes(picture)) drawThumb(at(picture.id).querySelector('canvas'), picture.blobs.original);
      if (!picture.busy) tellEnd(picture);
      go();
    });
  }
}

function changed(picture) {
  if (!pictures.includes(picture)) return;
  updateEntry(picture);
  if (picture !== chosen) return;
  result.refresh(picture);
  result.offerAgain(picture, settings.fields());
  dial.refresh(picture);
  settings.foretell(picture.restores ? null : picture.facts.size);
}

function tellEnd(picture) {
  const { facts } = picture;
  const measured = facts.psnr_y === undefined ? 'is restored' : `comes back ${words.how(facts.psnr_y)}`;
  say({ done: `${picture.name} is done: it ${measured}.`, failed: picture.problem?.message, cancelled: `${picture.name} was cancelled.` }[picture.state]);
}

const say = (text) => { at('live').textContent = text || ''; };

// The same picture with the settings as they are now.
function again(picture) {
  picture.fields = settings.fields();
  if (['up', 'plain'].includes(picture.kind) && !picture.restores) picture.kind = 'down';
  restart(picture);
}

// The same picture, but shrunk, or restored, or enlarged plainly, whatever was tried before.
function instead(picture, kind) {
  picture.kind = kind;
  restart(picture);
}

function restart(picture) {
  picture.start();
  picture.fields = settings.fields();
  changed(picture);
  go();
}

// -- the list ---------------------------------------------------------------------------------------------------------

function addEntry(picture) {
  const entry = document.createElement('li');
  entry.className = 'entry';
  entry.id = picture.id;
  const button = document.createElement('button');
  button.type = 'button';
  const thumb = document.createElement('canvas');
  thumb.className = 'thumb';
  thumb.setAttribute('aria-hidden', 'true');
  const text = document.createElement('span');
  const name = Object.assign(document.createElement('strong'), { textContent: picture.name });
  const state = Object.assign(document.createElement('span'), { className: 'state' });
  text.append(name, state);
  button.append(thumb, text);
  button.addEventListener('click', () => choose(picture));
  const remove = Object.assign(document.createElement('button'), { type: 'button', className: 'remove', textContent: '×' });
  remove.setAttribute('aria-label', `Remove ${picture.name}`);
  remove.addEventListener('click', () => drop(picture));
  const track = Object.assign(document.createElement('div'), { className: 'track' });
  track.append(document.createElement('i'));
  entry.append(button, remove, track);
  at('list').append(entry);
  at('pictures').hidden = false;
  drawThumb(thumb, picture.file);
  updateEntry(picture);
}

async function drawThumb(canvas, blob) {
  [canvas.width, canvas.height] = [88, 88];
  const bitmap = await createImageBitmap(blob, { resizeWidth: 176, resizeQuality: 'medium' }).catch(() => null);
  if (!bitmap) return;
  const factor = Math.max(88 / bitmap.width, 88 / bitmap.height);
  const [width, height] = [bitmap.width * factor, bitmap.height * factor];
  canvas.getContext('2d').drawImage(bitmap, (88 - width) / 2, (88 - height) / 2, width, height);
  bitmap.close();
}

function stateWords(picture) {
  const { job, facts } = picture;
  if (picture.state === 'waiting') return job?.ahead ? `Waiting, ${job.ahead} ahead` : 'Waiting';
  if (picture.state === 'running') return words.step(job.step);
  if (picture.state === 'failed') return picture.problem.message;
  if (picture.state === 'cancelled') return 'Cancelled';
  if (picture.restores) return `Restored, ${words.size(facts.size)}`;
  return `${words.bytes(facts.lr_bytes)}, comes back ${words.how(facts.psnr_y)}`;
}

function updateEntry(picture) {
  const entry = at(picture.id);
  entry.dataset.state = picture.state;
  entry.toggleAttribute('data-chosen', picture === chosen);
  const button = entry.firstElementChild;
  if (picture === chosen) button.setAttribute('aria-current', 'true');
  else button.removeAttribute('aria-current');
  entry.querySelector('.state').textContent = stateWords(picture);
  entry.querySelector('.track').hidden = !picture.busy;
  entry.querySelector('.track i').style.width = `${100 * picture.share}%`;
}

function choose(picture) {
  const former = chosen;
  chosen = picture;
  if (former && pictures.includes(former)) updateEntry(former);
  at('drop').classList.toggle('less', Boolean(picture));
  at('welcome').hidden = Boolean(picture);
  at('item').hidden = !picture;
  if (!picture) return;
  result.open(picture);
  changed(picture);
}

function drop(picture) {
  picture.cancel();
  const place = pictures.indexOf(picture);
  pictures.splice(place, 1);
  at(picture.id).remove();
  at('pictures').hidden = !pictures.length;
  if (picture === chosen) choose(pictures[Math.min(place, pictures.length - 1)] || null);
  const next = at('list').children[Math.min(place, pictures.length - 1)];
  (next ? next.firstElementChild : at('choose')).focus();
}

// -- ways in ----------------------------------------------------------------------------------------------------------

function listen() {
  at('choose').addEventListener('click', () => at('files').click());
  at('files').addEventListener('change', () => { take(at('files').files); at('files').value = ''; });
  at('clear').addEventListener('click', () => { while (pictures.length) drop(pictures[0]); });
  addEventListener('pagehide', () => { for (const picture of pictures.filter((one) => one.busy)) picture.cancel(); });
  at('cancel').addEventListener('click', () => chosen?.cancel());
  document.addEventListener('paste', (event) => {
    if (event.clipboardData.files.length) { event.preventDefault(); take(event.clipboardData.files); }
  });
  let depth = 0;
  const carries = (event) => event.dataTransfer?.types.includes('Files');
  document.addEventListener('dragenter', (event) => { if (carries(event)) { depth += 1; at('veil').hidden = false; } });
  document.addEventListener('dragleave', (event) => { if (carries(event) && (depth -= 1) <= 0) at('veil').hidden = true; });
  document.addEventListener('dragover', (event) => { if (carries(event)) event.preventDefault(); });
  document.addEventListener('drop', (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    depth = 0;
    at('veil').hidden = true;
    take(event.dataTransfer.files);
  });
}

function offerExamples() {
  for (const { file, title, note } of EXAMPLES) {
    const item = document.createElement('li');
    const button = Object.assign(document.createElement('button'), { type: 'button' });
    const image = Object.assign(document.createElement('img'), { src: `/examples/${file}`, alt: '', width: 480, height: 320 });
    const text = Object.assign(document.createElement('span'), { textContent: title });
    text.append(Object.assign(document.createElement('small'), { textContent: note }));
    button.append(image, text);
    button.addEventListener('click', async () => take([new File([await api.file(`/examples/${file}`)], file)]));
    item.append(button);
    at('examples').append(item);
  }
}

listen();
offerExamples();
api.json('/api/models').then(({ models }) => { settings.setModels(models); document.documentElement.dataset.ready = 'true'; });
