// Replays the vectors by the package around the modules: bundles come by its fetch, and requests are decided about by decide and
// verify. What has no way through it, such as keys that change or a configuration that nobody signed, is left out.

// replayPackage returns a report as replay does; steps are those that were taken.
export async function replayPackage(createVerifier, wasm, vectors) {
  const report = { steps: 0, signatures: 0, waits: 0, pages: 0, differences: [], of: 0 };
  const whole = (s) => s.replace(/\$\{([a-z0-9_]+)\}/g, (_, name) => vectors.texts[name]);

  for (const run of vectors.runs) {
    if (!run.trust) continue;
    const differs = (step, what, got, want) => {
      report.of++;
      if (report.differences.length < 20) report.differences.push(`${run.name} / ${step}: ${what}: got ${got}, want ${want}`);
    };
    let now = 0;
    let body;
    const verifier = createVerifier({
      bundle: { url: 'http://127.0.0.1/bundle', keys: whole(run.trust), refresh: 1e9 },
      stale: run.stale ?? 0,
      now: () => now,
      wasm,
      fetch: async () => {
        const bytes = body;
        body = undefined;
        return bytes === undefined ? new Response(null, { status: 304 }) : new Response(bytes);
      },
    });
    for (const step of run.steps) {
      now = step.now ?? 0;
      try {
        if (step.trust !== undefined || step.configure !== undefined) break;
        if (step.load !== undefined) {
          const text = typeof step.load === 'string' ? whole(step.load) : '';
          if (text === '' || text.length > 1e6) continue;
          await verifier.refresh().catch(() => {}); // whatever was under way
          body = text;
          const error = await verifier.refresh().catch((error) => error);
          const refused = /refused: (\S+)/.exec(error?.message)?.[1] ?? '';
          const want = step.code === 'bundle_old' ? '' : (step.code ?? ''); // nothing newer is no error to the package
          if (refused !== want || (error && !refused)) differs(step.name, 'loaded', error?.message, want);
          const { number } = verifier.held();
          if (number !== JSON.parse(step.held).number) differs(step.name, 'holds', number, step.held);
        } else if (step.decide !== undefined) {
          const [method, path, ...values] = step.decide.map((field) => field && whole(field));
          const headers = {};
          ['authorization', 'cookie', 'origin', 'sec-fetch-site'].forEach((name, i) => {
            if (typeof values[i] === 'string') headers[name] = values[i];
          });
          let result;
          if (method === null) {
            if (Object.keys(headers).length !== 1 || !headers.authorization?.startsWith('Bearer ')) continue;
            result = await verifier.verify(headers.authorization.slice(7));
          } else {
            if (!path.startsWith('/') || path.length > 20_000) continue;
            result = await verifier.decide({ method, url: path, headers });
          }
          const { allowed, status, code, detail, challenge, rule, principal, claims } = JSON.parse(step.result);
          const want = JSON.stringify(allowed ? { ok: true, rule, principal, claims } : { ok: false, status, code, detail, challenge, rule });
          if (JSON.stringify(result) !== want) differs(step.name, 'decided', JSON.stringify(result), want);
        } else continue;
        report.steps++;
      } catch (error) {
        differs(step.name, 'threw', error?.stack ?? error, 'nothing');
      }
    }
  }
  return report;
}
