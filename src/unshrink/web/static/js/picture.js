// One picture of the list on its way through the server: sent, watched, fetched.

import * as api from './api.js';
import { progress } from './words.js';

let count = 0;

export class Picture {
  constructor(file, kind, fields) {
    this.id = `picture-${(count += 1)}`;
    this.file = file;
    this.name = file.name || 'pasted.png';
    this.kind = kind; // auto, down, up, plain
    this.fields = fields;
    this.start();
  }

  start() {
    this.state = 'waiting'; // waiting, running, done, failed, cancelled
    this.job = null;
    this.share = 0; // of the whole way
    this.problem = null;
    this.facts = {};
    this.blobs = {};
    this.names = {};
    this.sigma = 0;
    this.seed = 0;
    this.stop = new AbortController();
  }

  get busy() {
    return this.state === 'waiting' || this.state === 'running';
  }

  get restores() {
    return (this.facts.kind || this.kind) === 'up' || this.kind === 'plain';
  }

  // The form that is sent.
  form() {
    const form = new FormData();
    const fields = { up: {}, plain: { plain: 'true' } }[this.kind] || { ...this.fields, measure: 'true' };
    for (const [name, value] of Object.entries(fields)) if (value !== '') form.append(name, value);
    form.append('file', this.file, this.name);
    return form;
  }

  // The whole way; `changed` is called whenever something is known. Raises nothing.
  async run(changed) {
    const { signal } = this.stop;
    try {
      const path = { up: '/api/up', plain: '/api/up', down: '/api/down' }[this.kind] || '/api/auto';
      const job = await api.submit(path, this.form(), signal);
      const last = await api.watch(job, (told) => this.hear(told, changed), signal);
      if (last.error) throw new api.Problem(last.error, 0);
      this.state = 'done';
      api.forget(last.id);
    } catch (error) {
      if (signal.aborted) this.state = 'cancelled';
      else [this.state, this.problem] = ['failed', error instanceof api.Problem ? error : new api.Problem({ message: String(error) }, 0)];
    }
    changed(this);
  }

  async hear(job, changed) {
    this.job = job;
    this.share = Math.max(this.share, progress(job));
    if (job.state === 'running') this.state = 'running';
    this.facts = { ...this.facts, ...job.result };
    for (const [key, made] of Object.entries(job.files)) {
      if (this.blobs[key]) continue;
      this.blobs[key] = await api.file(made.href);
      this.names[key] = made.name;
    }
    changed(this);
  }

  cancel() {
    this.stop.abort(new DOMException('cancelled', 'AbortError'));
    if (this.job) api.forget(this.job.id);
  }

  // What to compare the restored picture with.
  get original() {
    return this.restores ? null : this.blobs.original || this.file;
  }

  get small() {
    return this.restores ? this.blobs.original || this.file : this.blobs.shown || this.blobs.small;
  }

  // Restores anew with the dial where it stands now.
  async turn() {
    const form = new FormData();
    form.append('sigma', this.sigma);
    form.append('seed', this.seed);
    form.append('file', this.restores ? this.file : this.blobs.small, this.restores ? this.name : this.names.small);
    if (!this.restores) form.append('original', this.file, this.name);
    const { blob, facts } = await api.direct('/api/up', form);
    this.blobs.restored = blob;
    for (const key of ['psnr_y', 'psnr_rgb', 'ssim_y', 'seconds_up']) if (key in facts) this.facts[key] = facts[key];
  }
}
