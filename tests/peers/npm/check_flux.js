// Reads Flux texts (a JSON array) on standard input and prints those that are not valid, as libflux sees it: one place in
// the array a line.
const fs = require('fs');
const {Flux} = require('@influxdata/flux-lsp-node');

JSON.parse(fs.readFileSync(0, 'utf8')).forEach((text, i) => {
	let isValid = false;
	try {
		isValid = new Flux(text).is_valid();
	} catch (error) {
		isValid = false;
	}
	if (!isValid)
		console.log(i);
});
