// The page of the API, made from its OpenAPI description.

const make = (tag, properties, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

// Text in which what stands between backticks is code.
const prose = (text) => text.split('`').map((part, i) => (i % 2 ? make('code', { textContent: part }) : part));

function rowsOf(schema) {
  return Object.entries(schema.properties).map(([name, field]) => {
    const kinds = field.anyOf ? field.anyOf.map((one) => one.type).filter((type) => type !== 'null') : [field.format === 'binary' ? 'file' : field.type];
    const choice = field.enum ? `: ${field.enum.join(', ')}` : '';
    const standard = field.default === null || field.default === undefined ? '' : ` (${field.default})`;
    return make('tr', {}, make('th', { scope: 'row' }, make('code', { textContent: name })), make('td', { textContent: `${kinds.join(' or ')}${choice}${standard}` }), make('td', { textContent: field.description || '' }));
  });
}

function route(path, method, operation) {
  const heading = make('h2', {}, make('code', {}, make('span', { className: 'verb', textContent: method.toUpperCase() }), path));
  const card = make('section', { className: 'card' }, heading, make('p', {}, ...prose(operation.description || operation.summary)));
  const schema = operation.requestBody?.content['multipart/form-data']?.schema;
  if (schema) {
    const head = make('tr', {}, ...['Field', 'What', 'Meaning'].map((textContent) => make('th', { scope: 'col', textContent })));
    card.append(make('table', {}, make('thead', {}, head), make('tbody', {}, ...rowsOf(schema))));
  }
  const answers = Object.entries(operation.responses).filter(([status]) => status !== '200' || !schema).map(([status, { description }]) => `${status}: ${description}`);
  card.append(make('p', { className: 'soft small-text', textContent: answers.join('  ') }));
  return card;
}

for (const place of document.querySelectorAll('.origin')) place.textContent = location.origin;
const { paths } = await (await fetch('/api/openapi.json')).json();
for (const [path, operations] of Object.entries(paths)) {
  for (const [method, operation] of Object.entries(operations)) document.getElementById('reference').append(route(path, method, operation));
}
