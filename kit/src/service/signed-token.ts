import { createSigner, createVerifier } from 'fast-jwt';

/**
 * Signed tokens of one kind (RFC 7519, hardened as RFC 8725 advises): one algorithm, one audience, an explicit type of its
 * own. A token of another kind, another algorithm or without an end is not accepted.
 */
export type SignedTokens<Claims extends object> = {
  sign(claims: Claims, seconds: number): string;
  /** The claims, or null for anything that is not a valid token of this kind. */
  verify(token: string): Claims | null;
};

export type TokenKind<Claims> = {
  key: Buffer;
  type: string;
  audience: string;
  /** Says whether what was signed has the shape of the claims: a key may outlive a version. */
  isClaims: (payload: object) => payload is Claims & object;
};

export function signedTokens<Claims extends object>(kind: TokenKind<Claims>): SignedTokens<Claims> {
  const { key, type, audience, isClaims } = kind;
  const verifier = createVerifier({
    key,
    algorithms: ['HS256'],
    allowedAud: audience,
    checkTyp: type,
    requiredClaims: ['exp', 'aud'],
    cache: 10_000,
  });
  return {
    sign: (claims, seconds) =>
      createSigner({
        key,
        algorithm: 'HS256',
        aud: audience,
        expiresIn: seconds * 1_000,
        header: { alg: 'HS256', typ: type },
      })(claims),
    verify: (token) => {
      try {
        const payload: unknown = verifier(token);
        return typeof payload === 'object' && payload !== null && isClaims(payload) ? payload : null;
      } catch {
        // Forged, expired, of another kind: the caller is told the same, whichever it was.
        return null;
      }
    },
  };
}
