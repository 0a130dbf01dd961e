// Two pictures in one frame: before and after with a line between them, their difference, and a lens.
// Only what is seen is drawn, so that the size of a picture does not matter.

const MOST_ZOOM = 32;
const LENS = { side: 168, gap: 6, least: 3, times: 2 };

const at = (id) => document.getElementById(id);

export class Viewer {
  constructor() {
    this.canvas = at('canvas');
    this.stage = at('stage');
    this.context = this.canvas.getContext('2d');
    this.layers = { left: document.createElement('canvas'), right: document.createElement('canvas') };
    this.pictures = {};
    this.reset();
    this.listen();
  }

  reset() {
    this.zoom = null; // fits
    this.centre = null;
    this.spot = null;
  }

  // Shows blobs: `restored`, and `original` or `small` or both. Keeps the place where the picture has one size with the last.
  async show(blobs, { keep = false } = {}) {
    const turn = (this.turn = (this.turn || 0) + 1);
    const names = Object.keys(blobs).filter((name) => blobs[name]);
    const decoded = await Promise.all(names.map((name) => createImageBitmap(blobs[name]).catch(() => null)));
    if (turn !== this.turn) return;
    const former = this.pictures;
    this.pictures = {};
    names.forEach((name, i) => { if (decoded[i]) this.pictures[name] = decoded[i]; });
    for (const picture of Object.values(former)) picture.close();
    if (!keep) this.reset();
    this.offer();
    this.stage.style.setProperty('--ratio', this.size ? this.size.width / this.size.height : 1.5);
    this.redraw(true);
  }

  // What there is to compare with.
  offer() {
    const left = at('left');
    for (const option of left.options) option.disabled = option.hidden = !this.pictures[option.value];
    if (!this.pictures[left.value]) left.value = this.pictures.original ? 'original' : 'small';
  }

  get view() {
    return document.querySelector('input[name="view"]:checked').value;
  }

  get size() {
    const { restored } = this.pictures;
    return restored ? { width: restored.width, height: restored.height } : null;
  }

  get ratio() {
    return window.devicePixelRatio || 1;
  }

  get fit() {
    return Math.min(this.canvas.width / this.size.width, this.canvas.height / this.size.height, 4 * this.ratio);
  }

  get factor() {
    return this.zoom || this.fit;
  }

  // Where the picture's origin is on the canvas.
  get corner() {
    const centre = this.centre || { x: this.size.width / 2, y: this.size.height / 2 };
    return { x: this.canvas.width / 2 - centre.x * this.factor, y: this.canvas.height / 2 - centre.y * this.factor };
  }

  // -- drawing ----------------------------------------------------------------------------------------------------

  redraw(anew = false) {
    this.stale ||= anew;
    this.frame ||= requestAnimationFrame(() => {
      this.frame = null;
      this.paint();
    });
  }

  paint() {
    if (!this.size) return;
    this.resize();
    if (!this.canvas.width || !this.canvas.height) return; // not on the page now
    if (this.stale) this.layer();
    this.stale = false;
    const { context, canvas } = this;
    context.clearRect(0, 0, canvas.width, canvas.height);
    const difference = this.view === 'difference';
    if (difference) this.paintDifference();
    else this.paintHalves();
    this.paintLens();
    this.describe(difference);
  }

  resize() {
    const [width, height] = [this.stage.clientWidth, this.stage.clientHeight].map((side) => Math.round(side * this.ratio));
    if (this.canvas.width === width && this.canvas.height === height) return;
    for (const canvas of [this.canvas, this.layers.left, this.layers.right]) [canvas.width, canvas.height] = [width, height];
    this.stale = true;
  }

  // Both pictures as they lie in the frame; kept, so that moving the line draws nothing anew.
  layer() {
    this.drawInto(this.layers.left, this.pictures[at('left').value]);
    this.drawInto(this.layers.right, this.pictures.restored);
  }

  drawInto(canvas, picture) {
    const context = canvas.getContext('2d');
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!picture) return;
    const { x, y } = this.corner;
    const enlarged = picture.width !== this.size.width || picture.height !== this.size.height;
    context.imageSmoothingEnabled = enlarged || this.factor < 3;
    context.imageSmoothingQuality = 'high';
    context.drawImage(picture, x, y, this.size.width * this.factor, this.size.height * this.factor);
  }

  paintHalves() {
    const { context, canvas, layers } = this;
    const line = Math.round(this.lineAt());
    context.drawImage(layers.right, 0, 0);
    context.save();
    context.beginPath();
    context.rect(0, 0, line, canvas.height);
    context.clip();
    context.clearRect(0, 0, line, canvas.height);
    context.drawImage(layers.left, 0, 0);
    context.restore();
    this.paintLine(line);
  }

  paintLine(x) {
    const { context, canvas, ratio } = this;
    context.fillStyle = '#fff';
    context.fillRect(x - ratio, 0, 2 * ratio, canvas.height);
    context.beginPath();
    context.arc(x, canvas.height / 2, 15 * ratio, 0, 2 * Math.PI);
    context.shadowColor = 'rgb(0 0 0 / 50%)';
    context.shadowBlur = 6 * ratio;
    context.fill();
    context.shadowBlur = 0;
    context.strokeStyle = '#0b6470';
    context.lineWidth = 2 * ratio;
    for (const side of [-1, 1]) {
      context.beginPath();
      context.moveTo(x + side * 4 * ratio, canvas.height / 2 - 5 * ratio);
      context.lineTo(x + side * 9 * ratio, canvas.height / 2);
      context.lineTo(x + side * 4 * ratio, canvas.height / 2 + 5 * ratio);
      context.stroke();
    }
  }

  // Absolute difference of what is seen, made brighter by doubling: black where the two are the same.
  paintDifference() {
    const { context, canvas, layers } = this;
    context.fillStyle = '#000';
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(layers.left, 0, 0);
    context.globalCompositeOperation = 'difference';
    context.drawImage(layers.right, 0, 0);
    context.globalCompositeOperation = 'lighter';
    for (let gain = Number(at('gain').value); gain > 1; gain /= 2) context.drawImage(canvas, 0, 0);
    context.globalCompositeOperation = 'source-over';
  }

  lineAt() {
    const { x } = this.corner;
    const [from, to] = [Math.max(0, x), Math.min(this.canvas.width, x + this.size.width * this.factor)];
    return from + ((to - from) * Number(at('split').value)) / 100;
  }

  // -- the lens ---------------------------------------------------------------------------------------------------

  get lens() {
    return at('lens').getAttribute('aria-pressed') === 'true';
  }

  // Canvas pixels to one of the picture's.
  get lensZoom() {
    return Math.max(LENS.least * this.ratio, LENS.times * this.factor);
  }

  tiles() {
    const names = { original: 'Original', restored: 'Restored', small: 'Small, enlarged' };
    return Object.keys(names).filter((name) => this.pictures[name]).map((name) => ({ title: names[name], picture: this.pictures[name] }));
  }

  paintLens() {
    if (!this.lens || !this.spot) return;
    const { context, ratio, canvas } = this;
    const tiles = this.tiles();
    const gap = LENS.gap * ratio;
    const side = Math.min(LENS.side * ratio, (canvas.width - gap) / tiles.length - gap);
    const width = tiles.length * (side + gap) + gap;
    const height = side + 30 * ratio;
    const centre = { x: this.corner.x + this.spot.x * this.factor, y: this.corner.y + this.spot.y * this.factor };
    const left = Math.min(Math.max(centre.x - width / 2, 0), canvas.width - width);
    const seen = (side / this.lensZoom) * this.factor;
    const away = seen / 2 + 10 * ratio;
    const above = centre.y - height - away;
    const top = above >= 0 ? above : Math.min(centre.y + away, canvas.height - height);
    context.strokeStyle = '#fff';
    context.lineWidth = 1.5 * ratio;
    context.strokeRect(centre.x - seen / 2, centre.y - seen / 2, seen, seen);
    context.fillStyle = 'rgb(12 16 20 / 92%)';
    context.beginPath();
    context.roundRect(left, top, width, height, 8 * ratio);
    context.fill();
    tiles.forEach((tile, i) => this.paintTile(tile, left + gap + i * (side + gap), top + gap, side));
  }

  paintTile({ title, picture }, x, y, side) {
    const { context, ratio } = this;
    const [across, down] = [picture.width / this.size.width, picture.height / this.size.height];
    const seen = side / this.lensZoom;
    context.save();
    context.beginPath();
    context.rect(x, y, side, side);
    context.clip();
    context.fillStyle = '#000';
    context.fillRect(x, y, side, side);
    context.imageSmoothingEnabled = across !== 1 || down !== 1;
    context.imageSmoothingQuality = 'high';
    context.drawImage(picture, (this.spot.x - seen / 2) * across, (this.spot.y - seen / 2) * down, seen * across, seen * down, x, y, side, side);
    context.restore();
    context.fillStyle = '#fff';
    context.font = `${12 * ratio}px system-ui, sans-serif`;
    context.textAlign = 'center';
    context.fillText(title, x + side / 2, y + side + 15 * ratio, side);
  }

  // -- words ------------------------------------------------------------------------------------------------------

  describe(difference) {
    const left = at('left').selectedOptions[0]?.dataset.tag || '';
    at('tag-left').textContent = difference ? `Difference, times ${at('gain').value}` : left;
    at('tag-right').textContent = difference ? '' : 'Restored';
    at('gain-label').hidden = !difference;
    at('split-row').hidden = difference;
    this.stage.classList.toggle('far', Boolean(this.zoom));
    this.stage.classList.toggle('lens', this.lens);
    const percent = `${Math.round((100 * this.factor) / 1)} %`;
    this.stage.setAttribute('aria-label', difference ? `Difference of ${left} and restored, at ${percent}` : `${left} on the left, restored on the right, at ${percent}`);
    at('readout').textContent = this.lens && this.spot ? this.values() : `${percent} · ${left} and restored`;
  }

  values() {
    const [x, y] = [Math.floor(this.spot.x), Math.floor(this.spot.y)];
    const dot = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const read = ({ title, picture }) => {
      const [across, down] = [picture.width / this.size.width, picture.height / this.size.height];
      dot.drawImage(picture, Math.floor(x * across), Math.floor(y * down), 1, 1, 0, 0, 1, 1);
      return `${title.split(',')[0].toLowerCase()} ${[...dot.getImageData(0, 0, 1, 1).data.slice(0, 3)].join(' ')}`;
    };
    return `x ${x}, y ${y}: ${this.tiles().map(read).join('; ')}`;
  }

  // -- moving about -----------------------------------------------------------------------------------------------

  zoomTo(factor, around = null) {
    if (!this.size) return;
    const point = around || { x: this.canvas.width / 2, y: this.canvas.height / 2 };
    const before = this.toPicture(point);
    this.zoom = factor === null || factor <= this.fit ? null : Math.min(factor, MOST_ZOOM);
    if (!this.zoom) this.centre = null;
    else this.moveTo({ x: before.x - (point.x - this.canvas.width / 2) / this.zoom, y: before.y - (point.y - this.canvas.height / 2) / this.zoom });
    this.redraw(true);
  }

  moveTo(centre) {
    const half = { x: this.canvas.width / 2 / this.factor, y: this.canvas.height / 2 / this.factor };
    const within = (value, margin, most) => (margin * 2 >= most ? most / 2 : Math.min(Math.max(value, margin), most - margin));
    this.centre = { x: within(centre.x, half.x, this.size.width), y: within(centre.y, half.y, this.size.height) };
    this.redraw(true);
  }

  toPicture(point) {
    const { x, y } = this.corner;
    return { x: (point.x - x) / this.factor, y: (point.y - y) / this.factor };
  }

  pointOf(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: (event.clientX - box.left) * this.ratio, y: (event.clientY - box.top) * this.ratio };
  }

  look(point) {
    const { x, y } = this.toPicture(point);
    this.spot = { x: Math.min(Math.max(x, 0), this.size.width - 1), y: Math.min(Math.max(y, 0), this.size.height - 1) };
    this.redraw();
  }

  setLine(point) {
    const { x } = this.corner;
    const [from, to] = [Math.max(0, x), Math.min(this.canvas.width, x + this.size.width * this.factor)];
    at('split').value = (100 * (point.x - from)) / Math.max(1, to - from);
    this.redraw();
  }

  // -- hands ------------------------------------------------------------------------------------------------------

  listen() {
    new ResizeObserver(() => this.redraw(true)).observe(this.stage);
    for (const id of ['left', 'gain']) at(id).addEventListener('change', () => this.redraw(true));
    at('views').addEventListener('change', () => this.redraw());
    at('split').addEventListener('input', () => this.redraw());
    at('zoom-in').addEventListener('click', () => this.zoomTo(this.factor * 1.5));
    at('zoom-out').addEventListener('click', () => this.zoomTo(this.factor / 1.5));
    at('zoom-fit').addEventListener('click', () => this.zoomTo(null));
    at('zoom-one').addEventListener('click', () => { this.zoom = 1; this.moveTo(this.centre || { x: this.size.width / 2, y: this.size.height / 2 }); });
    at('lens').addEventListener('click', () => this.toggleLens());
    this.stage.addEventListener('keydown', (event) => this.onKey(event));
    this.stage.addEventListener('pointerdown', (event) => this.onDown(event));
    this.stage.addEventListener('pointermove', (event) => this.onMove(event));
    for (const name of ['pointerup', 'pointercancel']) this.stage.addEventListener(name, (event) => this.onUp(event));
    this.stage.addEventListener('wheel', (event) => this.onWheel(event), { passive: false });
    this.touching = new Map();
  }

  toggleLens() {
    at('lens').setAttribute('aria-pressed', String(!this.lens));
    if (this.lens && this.size) this.spot ||= { x: this.size.width / 2, y: this.size.height / 2 };
    this.redraw();
  }

  onKey(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const keys = { '+': () => this.zoomTo(this.factor * 1.5), '=': () => this.zoomTo(this.factor * 1.5), '-': () => this.zoomTo(this.factor / 1.5), '0': () => this.zoomTo(null), 'l': () => this.toggleLens() };
    if (!this.size || event.ctrlKey || event.metaKey || event.altKey) return;
    if (steps[event.key]) this.onArrow(steps[event.key], event.shiftKey ? 8 : 1);
    else if (keys[event.key.toLowerCase()]) keys[event.key.toLowerCase()]();
    else return;
    event.preventDefault();
  }

  onArrow([across, down], times) {
    if (this.lens && this.spot) {
      const step = Math.max(1, 8 / this.factor) * times;
      this.spot = { x: Math.min(Math.max(this.spot.x + across * step, 0), this.size.width - 1), y: Math.min(Math.max(this.spot.y + down * step, 0), this.size.height - 1) };
      this.redraw();
    } else if (this.zoom) {
      const step = (40 * this.ratio * times) / this.factor;
      this.moveTo({ x: this.centre.x + across * step, y: this.centre.y + down * step });
    } else if (across) {
      at('split').value = Number(at('split').value) + across * times;
      this.redraw();
    }
  }

  onDown(event) {
    if (!this.size || event.button) return;
    const point = this.pointOf(event);
    this.touching.set(event.pointerId, point);
    this.stage.setPointerCapture(event.pointerId);
    const onLine = this.view === 'slider' && Math.abs(point.x - this.lineAt()) < 22 * this.ratio;
    this.hand = this.lens ? 'lens' : this.zoom && !onLine ? 'move' : 'line';
    this.onMove(event);
  }

  onMove(event) {
    if (!this.size) return;
    const point = this.pointOf(event);
    const former = this.touching.get(event.pointerId);
    if (this.lens && (former || event.pointerType === 'mouse')) this.look(point);
    if (!former) return;
    this.touching.set(event.pointerId, point);
    if (this.touching.size === 2) this.pinch(event.pointerId, former, point);
    else if (this.hand === 'line' && this.view === 'slider') this.setLine(point);
    else if (this.hand === 'move') this.moveTo({ x: this.centre.x - (point.x - former.x) / this.factor, y: this.centre.y - (point.y - former.y) / this.factor });
  }

  onUp(event) {
    this.touching.delete(event.pointerId);
  }

  pinch(id, former, point) {
    const other = [...this.touching].find(([key]) => key !== id)[1];
    const length = (one) => Math.hypot(one.x - other.x, one.y - other.y);
    this.zoomTo((this.factor * length(point)) / Math.max(1, length(former)), { x: (point.x + other.x) / 2, y: (point.y + other.y) / 2 });
  }

  onWheel(event) {
    if (!this.size || !(event.ctrlKey || event.metaKey)) return; // else the page scrolls
    event.preventDefault();
    this.zoomTo(this.factor * Math.exp(-event.deltaY / 250), this.pointOf(event));
  }
}
