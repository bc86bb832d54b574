import type { SaleQueries } from '@tutti/contracts';
import { admissionStates, questionToWire, saleFromWire, type SaleService } from '@tutti/contracts/wire/sale';
import type { Calls } from '@tutti/kit/rpc';

/** The concert service, where it is a process of its own. */
export function saleQueries(call: Calls<typeof SaleService>): SaleQueries {
  return {
    sales: async () => (await call.sales({})).sales.map(saleFromWire),
    recordAdmissions: async (records) => (await call.recordAdmissions({ records: [...records] })).recorded,
    settleAdmissions: async (questions) => {
      const { states } = await call.settleAdmissions({ questions: questions.map(questionToWire) });
      return states.map((state) => admissionStates.fromWire(state));
    },
  };
}
