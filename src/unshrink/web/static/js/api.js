// The JSON API, as the page uses it.

export class Problem extends Error {
  constructor(document, status) {
    super(document.message || 'The server gave no reason.');
    this.kind = document.error || 'Unknown';
    this.status = status;
  }
}

async function checked(answer) {
  if (answer.ok) return answer;
  let document = {};
  try { document = await answer.json(); } catch { document = { message: `The server answered ${answer.status}.` }; }
  throw new Problem(document, answer.status);
}

async function ask(path, options = {}) {
  try {
    return await checked(await fetch(path, options));
  } catch (error) {
    if (error instanceof TypeError) throw new Problem({ error: 'Offline', message: 'The server does not answer; is unshrink serve still running?' }, 0);
    throw error;
  }
}

export const json = async (path) => (await ask(path)).json();
export const file = async (href) => (await ask(href)).blob();
export const forget = (id) => ask(`/api/jobs/${id}`, { method: 'DELETE', keepalive: true }).catch(() => {});

// Sends a form and gives the job that it became. Waits where the queue is full.
export async function submit(path, form, signal) {
  for (;;) {
    try {
      return await (await ask(path, { method: 'POST', body: form, headers: { Prefer: 'respond-async' }, signal })).json();
    } catch (error) {
      if (error.status !== 503) throw error;
      await pause(2000, signal);
    }
  }
}

// Sends a form and waits for the file: { blob, facts }.
export async function direct(path, form, signal) {
  const answer = await ask(path, { method: 'POST', body: form, signal });
  return { blob: await answer.blob(), facts: JSON.parse(answer.headers.get('Unshrink-Result')) };
}

// Looks at a job until it is over; `tell` gets every document. Gives the last.
export async function watch(job, tell, signal) {
  for (let wait = 120; ; wait = Math.min(wait * 1.3, 700)) {
    await tell(job);
    if (!['waiting', 'running'].includes(job.state)) return job;
    await pause(wait, signal);
    job = await (await ask(`/api/jobs/${job.id}`, { signal })).json();
  }
}

function pause(milliseconds, signal) {
  return new Promise((done, stop) => {
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener('abort', () => { clearTimeout(timer); stop(signal.reason); }, { once: true });
  });
}
