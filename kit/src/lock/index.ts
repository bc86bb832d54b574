export { Lease } from './lease.ts';

export const leaseMigrations = { name: 'lease', folder: new URL('./migrations/', import.meta.url) };
