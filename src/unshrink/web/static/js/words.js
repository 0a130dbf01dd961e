// Numbers and states in words.

export const bytes = (count) =>
  count >= 1e6 ? `${(count / 1e6).toFixed(count >= 1e7 ? 0 : 1)} MB` : count >= 1e3 ? `${Math.round(count / 1e3)} kB` : `${count} bytes`;

export const size = (sides) => `${sides.width}×${sides.height}`;

export const seconds = (value) =>
  value >= 90 ? `${Math.floor(value / 60)} min ${Math.round(value % 60)} s` : `${value < 10 ? value.toFixed(1) : Math.round(value)} s`;

export const decibels = (value) => (value === null ? 'exact' : value === undefined ? '–' : value.toFixed(2));

export const how = (value) => (value === null ? 'exactly' : `at ${decibels(value)} dB`);

export const scale = (value) => (typeof value === 'number' ? `÷ ${round(value)}` : `÷ ${round(value.width)} × ${round(value.height)}`);

const round = (value) => String(Math.round(value * 1000) / 1000);

const STEPS = {
  'read': 'Reading the picture',
  'load model': 'Loading the model',
  'shrink': 'Shrinking',
  'embed': 'Shrinking, and writing the detail into the pixels',
  'improve': 'Improving the small picture',
  'check': 'Looking for what would be spoilt',
  'restore': 'Restoring',
  'restore: read': 'Reading the small file',
  'restore: load model': 'Loading the model',
  'restore: restore': 'Restoring from the small file',
  'measure': 'Measuring',
};
export const step = (name) => STEPS[name] || 'Starting';

const TELLING = new Set(['improve', 'check', 'restore', 'restore: restore']);

// How far a whole job has come, 0 to 1: steps that say their share, and time for those that do not.
export function progress(job) {
  if (job.state === 'done') return 1;
  if (job.state !== 'running') return 0;
  const up = { 'read': [0, 0.03], 'load model': [0.03, 0.05], 'restore': [0.05, 1], 'measure': [0.97, 1] };
  const down = {
    'read': [0, 0.02], 'load model': [0.02, 0.04], 'shrink': [0.04, 0.5], 'embed': [0.05, 0.5], 'improve': [0.1, 0.6],
    'check': [0.5, 0.72], 'restore: read': [0.72, 0.73], 'restore: load model': [0.73, 0.74],
    'restore: restore': [0.74, 0.96], 'measure': [0.96, 1],
  };
  const [from, to] = ((job.result.kind || job.kind) === 'up' ? up : down)[job.step] || [0, 0.02];
  return from + (to - from) * (TELLING.has(job.step) ? job.share : slowly(job));
}

// A share for a step that says none: half of it after half of the time that such a job took before.
function slowly(job) {
  const pixels = job.result.size ? job.result.size.width * job.result.size.height : 5e5;
  const expected = job.expected_seconds || 2 + pixels / 5e4;
  return 1 - Math.exp(-job.seconds / (expected * 0.4));
}

// What can be done about an error, beside what its sentence says.
export const ADVICE = {
  NotAnLRFileError: 'Nothing of a larger picture travels in this file: it was not made by unshrink, or has been converted since. Ask for the file as unshrink wrote it.',
  EditedLRFileError: 'It was made by unshrink and its pixels were changed afterwards: cropped, resized, recoloured, or compressed anew by a program or a messenger. The detail in it belongs to the old pixels. Ask for the file as it was written.',
  DamagedLRFileError: 'Some of its bytes were changed or lost on the way. A good copy will do.',
  NewerFormatError: 'A newer version of unshrink wrote it.',
  MissingWeightsError: 'The network that it was made with is not installed where this server runs.',
  Offline: 'Pictures in the list are kept; try again when it runs.',
};
