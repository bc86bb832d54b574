import type { KeyboardEvent } from 'react';

// One tab stop for a whole list: arrows move between what is open, right opens, left closes or goes back to what it is in.

/** Marks a button as a stop; its value is the stop's name. */
export const stopAttribute = 'data-stop';

export function moveInList(event: KeyboardEvent<HTMLElement>): void {
  const stops = [...event.currentTarget.querySelectorAll<HTMLElement>(`[${stopAttribute}]`)];
  const at = stops.findIndex((stop) => stop === event.target);
  const current = stops[at];
  if (!current || event.ctrlKey || event.metaKey || event.altKey) return;
  const expanded = current.getAttribute('aria-expanded');
  const go = (stop: HTMLElement | undefined): void => stop?.focus();
  const steps: Readonly<Record<string, () => void>> = {
    ArrowDown: () => go(stops[at + 1]),
    ArrowUp: () => go(stops[at - 1]),
    Home: () => go(stops[0]),
    End: () => go(stops.at(-1)),
    ArrowRight: () => (expanded === 'false' ? current.click() : go(stops[at + 1])),
    ArrowLeft: () => (expanded === 'true' ? current.click() : go(parentOf(current) ?? stops[at - 1])),
  };
  const step = steps[event.key];
  if (!step) return;
  event.preventDefault();
  step();
}

/** What opened the list that this stop is in. */
function parentOf(stop: HTMLElement): HTMLElement | undefined {
  const item = stop.closest('ul')?.closest('li');
  return item?.querySelector<HTMLElement>(`:scope > [${stopAttribute}]`) ?? undefined;
}
