import { describe, expect, test } from 'vitest';
import { targetOf } from './target.ts';

describe('the target of what a person writes', () => {
  test.each([
    ['127.0.0.1:5001', 'ipv4:127.0.0.1:5001'],
    ['10.0.0.1:5001, 10.0.0.2:5002', 'ipv4:10.0.0.1:5001,10.0.0.2:5002'],
    ['user.tutti.svc:5001', 'dns:///user.tutti.svc:5001'],
    ['localhost:5001', 'dns:///localhost:5001'],
    ['dns:///user:5001', 'dns:///user:5001'],
    ['ipv6:[::1]:5001', 'ipv6:[::1]:5001'],
    ['unix:/run/tutti/user', 'unix:/run/tutti/user'],
  ])('%s', (addresses, target) => {
    expect(targetOf(addresses)).toBe(target);
  });

  test.each(['', 'user', '10.0.0.1', 'user-1:5001,user-2:5001', 'http://user:5001', '10.0.0.1:5001,'])(
    '"%s" is none',
    (addresses) => {
      expect(() => targetOf(addresses)).toThrow('must be host:port');
    },
  );
});
