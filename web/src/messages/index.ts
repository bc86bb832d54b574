import { en, type Messages } from './en.ts';
import { ko } from './ko.ts';

export type Language = 'ko' | 'en';
export const languages: readonly Language[] = ['ko', 'en'];
export const messages: Readonly<Record<Language, Messages>> = { ko, en };
export type { Messages };
