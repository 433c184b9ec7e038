// The package as others get it: its types, its lint, its files, and what bundlers make of it.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { key, start, token } from './keys.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);
const tools = join(root, 'node_modules');

// needs skips a test without what npm installs, and says so; in CI it fails.
function needs(t, ...names) {
  const missing = names.filter((name) => !existsSync(join(tools, name)));
  if (missing.length === 0) return true;
  const what = `${missing.join(', ')} missing: npm --prefix wasm/npm ci --ignore-scripts`;
  assert.notEqual(process.env.CI, 'true', what);
  t.skip(what);
  return false;
}

async function directory(t) {
  const path = await mkdtemp(join(tmpdir(), 'hexward-npm-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

// published is the package as it is published, made once.
let published;
after(async () => published && rm(dirname(await published), { recursive: true, force: true }));
const pack = async () => {
  const dir = await mkdtemp(join(tmpdir(), 'hexward-npm-'));
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', dir], { cwd: root });
  return join(dir, JSON.parse(stdout)[0].filename);
};

// packed installs what is published in an empty directory.
async function packed(t) {
  const dir = await directory(t);
  const tarball = await (published ??= pack());
  const to = join(dir, 'node_modules/@hexward/verifier');
  await mkdir(to, { recursive: true });
  await run('tar', ['-xzf', tarball, '-C', to, '--strip-components=1']);
  await writeFile(join(dir, 'package.json'), '{ "type": "module" }');
  return { dir, tarball, to };
}

const strict = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--verbatimModuleSyntax', '--target', 'es2022', '--types', 'node'];
for (const how of [
  '--module nodenext --moduleResolution nodenext --lib es2022 test/types/node.ts',
  '--module nodenext --moduleResolution nodenext --lib es2022,dom test/types/use.ts',
  '--module preserve --moduleResolution bundler --lib es2022,webworker --customConditions workerd test/types/use.ts',
]) {
  test(`types: ${how}`, async (t) => {
    if (!needs(t, 'typescript', '@types/node')) return;
    const args = [join(tools, 'typescript/bin/tsc'), ...strict, ...how.split(' ')];
    await run(process.execPath, args, { cwd: root }).catch(({ stdout }) => assert.fail(stdout));
  });
}

test('publint and arethetypeswrong find nothing', async (t) => {
  if (!needs(t, 'publint', '@arethetypeswrong/cli')) return;
  const { tarball } = await packed(t);
  const found = ({ stdout, stderr }) => assert.fail(stdout + stderr);
  await run(process.execPath, [join(tools, 'publint/src/cli.js'), 'run', '--strict', tarball], { cwd: root }).catch(found);
  await run(process.execPath, [join(tools, '@arethetypeswrong/cli/dist/index.js'), tarball, '--profile', 'esm-only'], { cwd: root }).catch(found);
});

test('what is published works by itself, and is all that there is', async (t) => {
  const { dir, to } = await packed(t);
  const files = (await readdir(to, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(to.length + 1));
  assert.ok(files.every((file) => /^(dist\/(host|full)\.wasm|(host|full|lib)\/[a-z-]+\.js|[a-z]+\.d\.ts|package\.json|README\.md)$/.test(file)), files.join(' '));
  const { exports, dependencies } = JSON.parse(await readFile(join(to, 'package.json'), 'utf8'));
  assert.equal(dependencies, undefined);
  for (const entry of Object.values(exports)) {
    for (const file of typeof entry === 'string' ? [entry] : Object.values(entry)) assert.ok(files.includes(file.slice(2)), file);
  }
  await writeFile(join(dir, 'use.js'), use('@hexward/verifier') + use('@hexward/verifier/full'));
  assert.equal((await run(process.execPath, ['use.js'], { cwd: dir })).stdout, 'true\ntrue\n');
});

// use is a program that verifies a token by the package, with options as source text.
function use(name, options = '') {
  const by = key('ES256');
  return `{
  const { createVerifier } = await import('${name}');
  const verifier = createVerifier({ now: () => ${start}, jwks: { keys: [${JSON.stringify(by.jwk)}], issuer: 'https://id.example', audience: 'https://api.example' }, ${options} });
  console.log((await verifier.verify('${token(by)}')).ok);
}
`;
}

test('esbuild bundles it for each runtime', async (t) => {
  if (!needs(t, 'esbuild')) return;
  const { dir, to } = await packed(t);
  const { build } = createRequire(import.meta.url)('esbuild');
  const bundle = (options) => build({ absWorkingDir: dir, bundle: true, format: 'esm', logLevel: 'silent', ...options });
  await writeFile(join(dir, 'node.js'), use('@hexward/verifier'));
  await bundle({ entryPoints: ['node.js'], platform: 'node', outfile: 'node_modules/@hexward/verifier/host/bundled.js' }); // beside which the module is
  assert.equal((await run(process.execPath, [join(to, 'host/bundled.js')])).stdout, 'true\n');

  await writeFile(join(dir, 'web.js'), `import wasm from '@hexward/verifier/host.wasm';\n${use('@hexward/verifier', 'wasm')}`);
  await bundle({ entryPoints: ['web.js'], platform: 'browser', conditions: ['browser'], loader: { '.wasm': 'binary' }, target: 'es2022', outfile: 'web.out.js' });
  assert.equal((await run(process.execPath, ['web.out.js'], { cwd: dir })).stdout, 'true\n');

  await writeFile(join(dir, 'worker.js'), `export { createVerifier } from '@hexward/verifier';`);
  const { metafile } = await bundle({ entryPoints: ['worker.js'], conditions: ['workerd'], loader: { '.wasm': 'copy' }, outdir: 'worker', metafile: true });
  const names = Object.keys(metafile.outputs).join(' ');
  assert.match(names, /host.*\.wasm/);
  assert.doesNotMatch(names, /full/);
  await bundle({ entryPoints: ['worker.js'], conditions: ['edge-light'], external: ['*.wasm?module'], outfile: 'edge.js' });
  assert.match(await readFile(join(dir, 'edge.js'), 'utf8'), /host\.wasm\?module/);
});

test('Vite bundles it, with the module as a file', async (t) => {
  if (!needs(t, 'vite')) return;
  const { dir } = await packed(t);
  await writeFile(join(dir, 'index.html'), '<!doctype html><script type="module" src="/main.js"></script>');
  await writeFile(join(dir, 'main.js'), use('@hexward/verifier'));
  const { build } = await import(pathToFileURL(join(tools, 'vite/dist/node/index.js')));
  await build({ root: dir, logLevel: 'silent', build: { target: 'es2022' } });
  const assets = await readdir(join(dir, 'dist/assets'));
  const wasm = assets.find((name) => name.endsWith('.wasm'));
  assert.ok(wasm, assets.join(' '));
  const code = (await Promise.all(assets.filter((name) => name.endsWith('.js')).map((name) => readFile(join(dir, 'dist/assets', name), 'utf8')))).join('');
  assert.ok(code.includes(wasm));
});

// The sizes in bytes, gzipped, of the code that a runtime loads: as it is published, and as a bundler deploys it.
test('the code stays small', async (t) => {
  if (!needs(t, 'esbuild')) return;
  const { build } = createRequire(import.meta.url)('esbuild');
  for (const entry of ['host/workerd.js', 'host/node.js', 'host/browser.js', 'full/workerd.js']) {
    const options = { absWorkingDir: root, entryPoints: [entry], bundle: true, format: 'esm', target: 'es2022', external: ['node:*', '*.wasm'], write: false, metafile: true };
    const { outputFiles, metafile } = await build({ ...options, minify: true });
    const sources = await Promise.all(Object.keys(metafile.inputs).map((file) => readFile(join(root, file))));
    const [source, minified] = [gzipSync(Buffer.concat(sources), { level: 9 }).length, gzipSync(outputFiles[0].contents, { level: 9 }).length];
    t.diagnostic(`${entry}: ${source} as published, ${minified} minified`);
    assert.ok(source < 11_000 && minified < 6_400, `${entry}: ${source} as published, ${minified} minified`);
  }
});
