import type { GradeStock, Sale } from '@tutti/contracts';

/** The seats of one grade and price at one performance. */
export type GradeCount = { grade: string; price: number; capacity: number; held: number; paid: number };

export type Stock = Pick<Sale, 'capacity' | 'held' | 'paid' | 'seatsLeft'>;

export const emptyStock: Stock = { capacity: 0, held: 0, paid: 0, seatsLeft: [] };

/** One performance more; grades are told in the order of the first that has them. */
export function addStock(stock: Stock, grades: readonly GradeCount[]): Stock {
  return grades.reduce(
    (sum, { grade, price, capacity, held, paid }) => ({
      capacity: sum.capacity + capacity,
      held: sum.held + held,
      paid: sum.paid + paid,
      seatsLeft: addLeft(sum.seatsLeft, { grade, price, left: capacity - held - paid }),
    }),
    stock,
  );
}

function addLeft(stocks: GradeStock[], more: GradeStock): GradeStock[] {
  const isSame = (one: GradeStock): boolean => one.grade === more.grade && one.price === more.price;
  return stocks.some(isSame)
    ? stocks.map((one) => (isSame(one) ? { ...one, left: one.left + more.left } : one))
    : [...stocks, more];
}
