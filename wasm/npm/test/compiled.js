// The modules, compiled.

import { readFileSync } from 'node:fs';

export const compiled = (flavour) => new WebAssembly.Module(readFileSync(new URL(`../dist/${flavour}.wasm`, import.meta.url)));
