// Plays a scenario with an official SDK for Node.js: JSON from the standard input, answers to the output.
const { sdk, options, known, files, steps } = JSON.parse(require("fs").readFileSync(0));
const module_ = require(sdk);
const ImageKit = module_.default ?? module_;
const current = sdk === "@imagekit/nodejs";
const PATIENCE = 30_000; // ms

async function argument(value) {
    if (Array.isArray(value)) return Promise.all(value.map(argument));
    if (value === null || typeof value !== "object") return value;
    if (value.$ref) return value.$ref.split(".").reduce((found, key) => found[key], known);
    if (value.$file) {
        const content = Buffer.from(files[value.$file], "base64");
        return current ? module_.toFile(content, value.name) : content;
    }
    const entries = Object.entries(value).map(async ([key, one]) => [key, await argument(one)]);
    return Object.fromEntries(await Promise.all(entries));
}

async function call(step) {
    const client = step.key ? new ImageKit({ ...options, privateKey: step.key }) : shared;
    const path = step.operation.split(".");
    const owner = path.slice(0, -1).reduce((found, key) => found[key], client);
    const promise = owner[path.at(-1)](...(await argument(step.arguments)));
    if (promise?.withResponse) {
        const { data, response } = await promise.withResponse();
        return { answer: data, requestId: response.headers.get("x-request-id") };
    }
    const answer = await promise;
    return { answer, requestId: answer?.$ResponseMetadata?.headers["x-request-id"] };
}

async function attempt(step) {
    try {
        return await call(step);
    } catch (error) {
        const found = { error: error.constructor.name, message: error.message };
        const { statusCode, headers } = error.$ResponseMetadata ?? {};
        if (statusCode) return { ...found, status: statusCode, body: error, requestId: headers["x-request-id"] };
        const requestId = error.headers?.get?.("x-request-id");
        return { ...found, status: error.status ?? null, body: error.error ?? null, requestId };
    }
}

function ended(step, { status, answer }) {
    if (status !== undefined || step.status) return status === step.status;
    return Object.entries(step.shows).every(([key, value]) => answer[key] === value);
}

async function play(step) {
    const begun = Date.now();
    let found = await attempt(step);
    while (step.until && !ended(step, found) && Date.now() - begun < PATIENCE) found = await attempt(step);
    if (step.save) known[step.save] = found.answer;
    return found;
}

function methods(owner, prefix = "") {
    const names = new Set();
    for (let one = owner; one && one !== Object.prototype; one = Object.getPrototypeOf(one)) {
        for (const name of Object.getOwnPropertyNames(one)) {
            if (name === "constructor" || name.startsWith("_")) continue;
            const value = Object.getOwnPropertyDescriptor(one, name).value;
            const operation = typeof value === "function" && (prefix || !current); // below a current client are the requests
            if (operation) names.add(prefix + name);
            else if (value?._client === shared) methods(value, `${prefix}${name}.`).forEach((each) => names.add(each));
        }
    }
    return [...names];
}

const shared = new ImageKit(options);
(async () => {
    const played = [];
    for (const step of steps) played.push(await play(step));
    console.log(JSON.stringify({ played, called: steps.map((step) => step.operation), methods: methods(shared) }));
})();
