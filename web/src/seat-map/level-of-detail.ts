// What is shown depends on how far apart neighbouring seats are on the canvas, in CSS pixels.

export type Level = 'sections' | 'rows' | 'seats';

const rowsFrom = 4.2;
const seatsFrom = 9;
const labelsFrom = 21;
const rowNamesFrom = 15;

export const levelAt = (pitchPixels: number): Level =>
  pitchPixels < rowsFrom ? 'sections' : pitchPixels < seatsFrom ? 'rows' : 'seats';

/** Whether a seat has room for its number. */
export const hasLabels = (pitchPixels: number): boolean => pitchPixels >= labelsFrom;

/** Whether a row has room for its name. */
export const hasRowNames = (pitchPixels: number): boolean => pitchPixels >= rowNamesFrom;

/** A scale at which seats can be chosen with a thumb. */
export const choosingPitchPixels = 26;
