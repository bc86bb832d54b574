/** In points; the server's limits of one charge. */
export const chargeMin = 1;
export const chargeMax = 10_000_000;

export const isChargeable = (amount: number): boolean => amount >= chargeMin && amount <= chargeMax;

/**
 * What a fan may write into the field: digits, or digits in groups of three as they are copied from elsewhere; without the commas
 * then. Null is everything else: points have no parts, and 1.5 or 100.00 must not be read as another number.
 */
export function digitsOf(typed: string): string | null {
  const text = typed.trim();
  return /^(\d*|\d{1,3}(,\d{3})+)$/.test(text) ? text.replaceAll(',', '') : null;
}
