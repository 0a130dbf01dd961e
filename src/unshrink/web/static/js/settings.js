// The form: what is asked for, as the fields of the API.

import { size as sizeWords } from './words.js';

const at = (id) => document.getElementById(id);
const checked = (name) => document.querySelector(`#settings input[name="${name}"]:checked`).value;

export class Settings {
  constructor(changed) {
    this.models = [];
    this.form = at('settings');
    this.form.addEventListener('submit', (event) => event.preventDefault());
    this.form.addEventListener('input', (event) => { this.follow(event.target); changed(); });
  }

  // Fills in the models that can be used here.
  setModels(models) {
    this.models = models.filter((model) => model.weights.length || model.parameters === 0);
    const groups = new Map();
    for (const model of this.models) {
      const title = model.scale === null ? 'Any scale' : `Scale ${model.scale}`;
      if (!groups.has(title)) groups.set(title, []);
      groups.get(title).push(model);
    }
    for (const [title, members] of groups) {
      const group = document.createElement('optgroup');
      group.label = title;
      for (const model of members) group.append(new Option(`${model.name}${model.dial ? ' (dial)' : ''}`, model.name));
      at('model').append(group);
    }
  }

  get model() {
    return this.models.find((model) => model.name === at('model').value);
  }

  follow(changed) {
    const by = checked('by');
    for (const part of this.form.querySelectorAll('[data-by]')) part.hidden = part.dataset.by !== by;
    this.pair(changed, 'scale');
    this.pair(changed, 'scale-height');
    at('height-row').hidden = !at('axes').checked;
    at('scale-label').textContent = at('axes').checked ? 'Width by' : 'Divide by';
    at('scale').min = at('axes').checked ? 1 : 1.1;
    if (changed === at('axes') && at('axes').checked) this.put('scale-height', at('scale').value);
    if (changed === at('model')) this.toModel();
    else this.fromModel();
    at('effort-value').textContent = at('effort').value;
    this.note();
  }

  pair(changed, id) {
    const [slider, number] = [at(id), at(`${id}-number`)];
    if (changed === slider) number.value = slider.value;
    if (changed === number && number.value) slider.value = number.value;
  }

  put(id, value) {
    at(id).value = value;
    at(`${id}-number`).value = value;
  }

  // A model with a scale of its own brings it along.
  toModel() {
    const scale = this.model?.scale;
    if (!scale) return;
    document.querySelector('input[name="by"][value="scale"]').checked = true;
    at('axes').checked = false;
    this.put('scale', Math.min(scale, 4));
    this.follow(null);
  }

  // Another scale than the model's own lets go of the model.
  fromModel() {
    const scale = this.model?.scale;
    if (scale && (checked('by') !== 'scale' || at('axes').checked || Number(at('scale-number').value) !== scale)) at('model').value = '';
  }

  note() {
    const model = this.model;
    at('model-note').hidden = !model;
    at('model-note').textContent = model ? `${model.method[0].toUpperCase()}${model.method.slice(1)}${model.paper === 'ours' ? '' : `; ${model.paper}`}.` : '';
    const coded = !model || ['stream', 'avif'].includes(model.payload);
    at('quality').disabled = !coded;
    for (const part of this.form.querySelectorAll('[data-payload]')) part.hidden = part.dataset.payload !== model?.payload;
  }

  // Says what a picture of that size becomes.
  foretell(sides) {
    const becomes = sides && this.target(sides);
    at('becomes').textContent = becomes ? `${sizeWords(sides)} becomes ${sizeWords(becomes)}` : '';
  }

  target(sides) {
    const by = checked('by');
    if (by === 'size') return Number(at('width').value) && Number(at('height').value) ? { width: Number(at('width').value), height: Number(at('height').value) } : null;
    if (by === 'max_side') {
      const scale = Math.max(sides.width, sides.height) / Number(at('max-side').value);
      return Number.isFinite(scale) ? divided(sides, scale, scale, Math.round) : null;
    }
    const across = Number(at('scale-number').value);
    const whole = !at('axes').checked && [2, 4].includes(across);
    return divided(sides, across, at('axes').checked ? Number(at('scale-height-number').value) : across, whole ? Math.ceil : Math.round);
  }

  // The fields that `down` takes.
  fields() {
    const by = checked('by');
    const scale = at('scale-number').value;
    const size = {
      scale: { scale: at('axes').checked ? `${scale}x${at('scale-height-number').value}` : scale },
      size: { size: `${at('width').value}x${at('height').value}` },
      max_side: { max_side: at('max-side').value },
    }[by];
    const payload = this.model?.payload;
    return {
      ...size,
      model: at('model').value,
      lr_quality: checked('lr_quality'),
      format: at('format').value,
      effort: at('effort').value,
      exact_blocks: String(at('exact-blocks').checked),
      keep_metadata: String(at('keep-metadata').checked),
      ...(payload === 'alpha' ? { carrier: at('carrier').value } : {}),
      ...(payload === 'latent' ? { payload_budget: at('payload-budget').value } : {}),
    };
  }
}

const divided = (sides, across, down, rounded) => ({
  width: Math.max(1, rounded(sides.width / across)),
  height: Math.max(1, rounded(sides.height / down)),
});
