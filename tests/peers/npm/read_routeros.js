// Reads from a router on loopback as node-routeros does, and prints what it got. The port is the only argument.
const { RouterOSAPI } = require("node-routeros");
const options = { host: "127.0.0.1", user: "netsonde", password: "secret", port: Number(process.argv[2]), timeout: 10 };
const api = new RouterOSAPI(options);
(async () => {
	await api.connect();
	const found = {};
	for (const path of ["/system/identity", "/system/resource", "/interface", "/queue/simple"])
		found[path] = await api.write(path + "/print");
	found.filtered = await api.write("/interface/print", ["?type=bridge", "=.proplist=name,type"]);
	found.together = (await Promise.all([1, 2, 3, 4].map(() => api.write("/ip/address/print")))).map((rows) => rows.length);
	try {
		await api.write("/no/such/menu/print");
	} catch (error) {
		found.trap = error.message;
	}
	await api.close();
	console.log(JSON.stringify(found));
	process.exit(0);
})().catch((error) => { console.error(String(error)); process.exit(1); });
