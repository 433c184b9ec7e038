declare const module: object; // a WebAssembly.Module, or what the bundler makes of the file
export default module;
