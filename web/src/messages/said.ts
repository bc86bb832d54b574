import type { RefusalCode } from '@tutti/contracts';

/** What happened, and what to do. */
export type Said = readonly [what: string, todo: string];

/** Every code of the contracts. A newer server may say others, so what is looked up by a plain string may be missing. */
export type Refusals = Readonly<Record<RefusalCode, Said>> & Readonly<Record<string, Said>>;
