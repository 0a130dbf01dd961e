// What became of the chosen picture: working, a problem, or the pictures with their figures.

import { Viewer } from './viewer.js';
import * as words from './words.js';

const at = (id) => document.getElementById(id);
const make = (tag, properties) => Object.assign(document.createElement(tag), properties);

export class Result {
  constructor(doings) {
    this.doings = doings;
    this.viewer = new Viewer();
    this.addresses = {};
  }

  // Another picture than before.
  open(picture) {
    this.shown = {};
    this.picture = picture;
    for (const id of ['viewer', 'outcome', 'problem', 'working']) at(id).hidden = true;
    at('lens').setAttribute('aria-pressed', 'false');
    this.actionsOf = null;
  }

  refresh(picture, { keep = false } = {}) {
    const { facts, blobs } = picture;
    at('item-name').textContent = picture.name;
    at('item-line').textContent = this.line(picture);
    this.working(picture);
    this.problem(picture);
    at('viewer').hidden = !blobs.restored;
    at('outcome').hidden = !picture.small || !facts.lr_size;
    if (!at('outcome').hidden) this.outcome(picture);
    if (blobs.restored && this.shown.restored !== blobs.restored) {
      this.shown.restored = blobs.restored;
      this.viewer.show({ original: picture.original, restored: blobs.restored, small: picture.small }, { keep });
    }
    this.actions(picture);
    at('notes').replaceChildren(...(facts.notes || []).map((note) => make('li', { textContent: note })));
  }

  line({ facts, file, restores, state }) {
    if (!facts.size) return words.bytes(file.size);
    const small = facts.lr_size ? words.size(facts.lr_size) : null;
    if (restores) return small ? `${small} → ${words.size(facts.size)}, by ${facts.model}` : words.size(facts.size);
    return small ? `${words.size(facts.size)} → ${small}${state === 'done' ? ` → ${words.size(facts.size)}` : ''}, by ${facts.model}` : words.size(facts.size);
  }

  working(picture) {
    const { job } = picture;
    at('working').hidden = !picture.busy;
    if (!picture.busy) return;
    at('step').textContent = picture.state === 'running' ? words.step(job.step) : job?.ahead ? `Waiting for ${job.ahead} before it` : 'Waiting';
    const left = job?.expected_seconds && job.state === 'running' ? Math.max(1, job.expected_seconds - job.seconds) : null;
    at('elapsed').textContent = job?.seconds ? `${words.seconds(job.seconds)}${left ? `, about ${words.seconds(left)} to go` : ''}` : '';
    if (job && job.state === 'running') at('bar').value = picture.share;
    else at('bar').removeAttribute('value');
  }

  problem(picture) {
    const { problem, state } = picture;
    at('problem').hidden = state !== 'failed' && state !== 'cancelled';
    if (at('problem').hidden || this.shown.problem === (problem || state)) return;
    this.shown.problem = problem || state;
    const sentence = make('strong', { textContent: problem ? problem.message : 'Cancelled.' });
    const advice = problem && words.ADVICE[problem.kind];
    const actions = make('div', { className: 'actions' });
    for (const [title, doing] of this.ways(picture)) {
      const button = make('button', { type: 'button', textContent: title });
      button.addEventListener('click', doing);
      actions.append(button);
    }
    at('problem').replaceChildren(sentence, ...(advice ? [make('p', { textContent: advice })] : []), actions);
  }

  // What else can be tried.
  ways(picture) {
    const { again, instead } = this.doings;
    const small = ['NotAnLRFileError', 'EditedLRFileError', 'DamagedLRFileError', 'NewerFormatError', 'MissingWeightsError'];
    if (!picture.problem || !small.includes(picture.problem.kind)) return [['Try again', () => again(picture)]];
    return [
      ['Enlarge it from its pixels alone', () => instead(picture, 'plain')],
      ['Shrink it as any picture', () => instead(picture, 'down')],
    ];
  }

  // -- what was made ----------------------------------------------------------------------------------------------

  address(key, blob) {
    if (this.addresses[key]?.blob !== blob) {
      if (this.addresses[key]) URL.revokeObjectURL(this.addresses[key].url);
      this.addresses[key] = { blob, url: URL.createObjectURL(blob) };
    }
    return this.addresses[key].url;
  }

  outcome(picture) {
    const { facts } = picture;
    const blob = picture.small;
    const image = at('small');
    const url = this.address('shown', blob);
    if (image.src !== url) image.src = url;
    image.width = facts.lr_size.width;
    image.height = facts.lr_size.height;
    image.alt = `${picture.name}, ${words.size(facts.lr_size)}`;
    at('small-line').textContent = `${words.size(facts.lr_size)}, ${words.bytes(picture.restores ? facts.input_bytes || picture.file.size : facts.lr_bytes)}. An ordinary picture: mail it, print it, put it on a page.`;
    this.quality(facts);
    this.facts(picture);
  }

  quality(facts) {
    at('quality-table').hidden = facts.psnr_y === undefined;
    if (at('quality-table').hidden) return;
    const rows = [
      ['main', 'Restored (HR)', 'against the original', facts.psnr_y, facts.psnr_rgb],
      ['', 'Bicubic both ways', 'without unshrink', facts.bicubic_psnr_y, facts.bicubic_psnr_rgb],
      ['main', 'Small (LR)', 'against plain bicubic', facts.lr_psnr_y, facts.lr_psnr_rgb],
    ];
    at('quality-rows').replaceChildren(...rows.map(([name, title, note, y, rgb]) => {
      const row = make('tr', { className: name });
      const head = make('th', { scope: 'row', textContent: title });
      head.append(make('small', { textContent: `${note}, dB` }));
      row.append(head, make('td', { textContent: words.decibels(y) }), make('td', { textContent: words.decibels(rgb) }));
      return row;
    }));
  }

  facts({ facts, restores, file }) {
    const many = (count) => `${words.bytes(count)}`;
    const rows = [
      [restores ? 'Small file' : 'Original file', many(file.size)],
      ['Small file', restores ? null : facts.lr_bytes && many(facts.lr_bytes)],
      ['Restored, as PNG', facts.output_bytes && many(facts.output_bytes)],
      ['Exact blocks in it', facts.exact_bytes ? many(facts.exact_bytes) : null],
      ['Scale', facts.scale && words.scale(facts.scale)],
      ['Model', facts.model],
      ['SSIM, Y', typeof facts.ssim_y === 'number' ? facts.ssim_y.toFixed(4) : null],
      ['Time down', facts.seconds_down && words.seconds(facts.seconds_down)],
      ['Time up', facts.seconds_up && words.seconds(facts.seconds_up)],
    ];
    at('facts').replaceChildren(...rows.filter(([, value]) => value).flatMap(([name, value]) => [make('dt', { textContent: name }), make('dd', { textContent: value })]));
  }

  actions(picture) {
    const { blobs, names } = picture;
    const key = [picture.id, picture.state, blobs.small, blobs.restored].map((part) => part?.size ?? part).join();
    if (this.actionsOf === key) return;
    this.actionsOf = key;
    const links = [];
    const offer = (name, title, primary) => {
      if (!blobs[name]) return;
      const link = make('a', { className: `button${primary ? ' primary' : ''}`, textContent: title, href: this.address(name, blobs[name]), download: names[name] });
      link.id = `save-${name}`;
      links.push(link);
    };
    offer('small', 'Download small file', true);
    offer('restored', 'Save restored picture', picture.restores);
    this.againButton = make('button', { type: 'button', id: 'again', textContent: 'Shrink again', hidden: true });
    this.againButton.addEventListener('click', () => this.doings.again(picture));
    at('actions').replaceChildren(...links, this.againButton);
  }

  // Where the settings are not those that the picture was shrunk with.
  offerAgain(picture, fields) {
    if (!this.againButton) return;
    const same = JSON.stringify(fields) === JSON.stringify(picture.fields);
    this.againButton.hidden = same || picture.busy || picture.restores;
  }
}
