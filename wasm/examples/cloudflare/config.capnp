# The worker on a machine of one's own, without Cloudflare and without a bundler:
#
#   HEXWARD=https://id.example UPSTREAM=http://127.0.0.1:3000 BUNDLE_KEY="$(hexward bundle key show)" workerd serve config.capnp

using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "worker", worker = .worker),
    # What it may reach: the upstream is on this machine, or near it.
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [(name = "http", address = "127.0.0.1:8787", http = (), service = "worker")],
);

const worker :Workerd.Worker = (
  compatibilityDate = "2026-04-01",
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    (name = "@hexward/verifier", esModule = "export * from './verifier/host/workerd.js';"),
    (name = "@hexward/verifier/host/workerd.js", esModule = embed "node_modules/@hexward/verifier/host/workerd.js"),
    (name = "@hexward/verifier/lib/core.js", esModule = embed "node_modules/@hexward/verifier/lib/core.js"),
    (name = "@hexward/verifier/lib/engine.js", esModule = embed "node_modules/@hexward/verifier/lib/engine.js"),
    (name = "@hexward/verifier/lib/source.js", esModule = embed "node_modules/@hexward/verifier/lib/source.js"),
    (name = "@hexward/verifier/lib/verifier.js", esModule = embed "node_modules/@hexward/verifier/lib/verifier.js"),
    (name = "@hexward/verifier/lib/wasm.js", esModule = embed "node_modules/@hexward/verifier/lib/wasm.js"),
    (name = "@hexward/verifier/lib/webcrypto.js", esModule = embed "node_modules/@hexward/verifier/lib/webcrypto.js"),
    (name = "@hexward/verifier/dist/host.wasm", wasm = embed "node_modules/@hexward/verifier/dist/host.wasm"),
  ],
  bindings = [
    (name = "HEXWARD", fromEnvironment = "HEXWARD"),
    (name = "UPSTREAM", fromEnvironment = "UPSTREAM"),
    (name = "BUNDLE_KEY", fromEnvironment = "BUNDLE_KEY"),
  ],
);
