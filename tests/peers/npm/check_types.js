// Checks values against TypeScript interfaces of packages: a schema is made of each interface, once, and kept in the folder
// that is the only argument. Standard input is a JSON array of {name, module, type, value}; standard output one of
// {name, errors} for the values that do not fit.
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const Ajv = require('ajv');
const {createGenerator} = require('ts-json-schema-generator');

const OPTIONS = {moduleResolution: 'node', module: 'commonjs', target: 'es2020', strict: true, skipLibCheck: true, types: []};

// All interfaces are roots of one program: reading the packages is what takes the time.
function makeSchemas(folder, roots) {
	const text = roots.map(([module, type], i) => `import type {${type} as T${i}} from '${module}';\nexport type Root${i} = T${i};\n`).join('');
	const kept = path.join(folder, `schemas-${crypto.createHash('sha256').update(text + JSON.stringify(OPTIONS)).digest('hex').slice(0, 16)}.json`);
	if (fs.existsSync(kept))
		return JSON.parse(fs.readFileSync(kept, 'utf8'));
	const program = path.join(folder, 'roots.ts');
	const settings = path.join(folder, 'tsconfig.json');
	fs.writeFileSync(program, text);
	fs.writeFileSync(settings, JSON.stringify({compilerOptions: OPTIONS, files: ['roots.ts']}));
	const generator = createGenerator({path: program, tsconfig: settings, skipTypeCheck: true});
	const schemas = roots.map((root, i) => generator.createSchema(`Root${i}`));
	fs.writeFileSync(kept + '.new', JSON.stringify(schemas));
	fs.renameSync(kept + '.new', kept);
	return schemas;
}

const cases = JSON.parse(fs.readFileSync(0, 'utf8'));
const places = new Map();
for (const {module, type} of cases)
	places.set(`${module} ${type}`, [module, type]);
const schemas = makeSchemas(process.argv[2], [...places.values()]);
const checks = new Map([...places.keys()].map((key, i) => [key, new Ajv({strict: false}).compile(schemas[i])]));
const wrong = [];
for (const {name, module, type, value} of cases) {
	const check = checks.get(`${module} ${type}`);
	if (!check(value))
		wrong.push({name, errors: check.errors.map((error) => `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`)});
}
console.log(JSON.stringify(wrong));
