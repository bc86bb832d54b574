import { until } from '@tutti/kit/testing';
import Fastify from 'fastify';
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { expect, test, vi } from 'vitest';
import { catalogueRoutes } from './catalogue.ts';

test.each([
  ['performances', '/concerts/rehearsal/performances', { items: [], next: null }],
  ['performance', '/performances/night-1', {}],
  ['seats', '/performances/night-1/seats', { seats: [] }],
] as const)('of a crowd that asks for %s at once, two reads answer all', async (name, url, answer) => {
  let asking = 0;
  const read = vi.fn(async () => {
    await until('all have asked', () => asking === 50);
    return answer;
  });
  const app = Fastify().setValidatorCompiler(validatorCompiler).withTypeProvider<ZodTypeProvider>();
  app.setSerializerCompiler(() => JSON.stringify);
  app.addHook('preHandler', async () => void asking++);
  catalogueRoutes(app, { concerts: Object.assign(Object.create(null), { [name]: read }) });
  const crowd = await Promise.all(Array.from({ length: 50 }, () => app.inject(url)));
  expect(crowd.filter(({ statusCode }) => statusCode !== 200)).toEqual([]);
  expect(read).toHaveBeenCalledTimes(2);
  await app.close();
});
