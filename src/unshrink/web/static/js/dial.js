// The dial of models that have one: the newest wish is done next, those between are passed over.

const at = (id) => document.getElementById(id);

export class Dial {
  constructor(turned) {
    this.turned = turned;
    this.picture = null;
    at('sigma').addEventListener('input', () => this.wish());
    at('redraw').addEventListener('click', () => { this.picture.seed += 1; this.wish(); });
  }

  refresh(picture) {
    this.picture = picture;
    at('dial').hidden = !(picture.facts.dial && picture.state === 'done');
    at('sigma').value = picture.sigma;
    this.show(picture);
  }

  show(picture) {
    at('sigma-value').textContent = Number(at('sigma').value).toFixed(2);
    at('redraw').disabled = !picture.sigma;
  }

  async wish() {
    const { picture } = this;
    picture.sigma = Number(at('sigma').value);
    this.show(picture);
    this.newer = true;
    if (this.working) return;
    this.working = true;
    at('dial-state').textContent = 'Restoring';
    let words = '';
    while (this.newer) {
      this.newer = false;
      try {
        await this.picture.turn();
        this.turned(this.picture);
      } catch (error) {
        words = error.message;
      }
    }
    this.working = false;
    at('dial-state').textContent = words || `Restored with sigma ${this.picture.sigma.toFixed(2)}`;
  }
}
