// What mutations follow from. The same in every run, so that the same code gets the same answer; other seeds are tried by hand
// (TSBPF_SEED=N npx vitest run test/hostile) and by campaigns (npm run hostile).

export const SEED = Number(process.env.TSBPF_SEED ?? 20261121);
