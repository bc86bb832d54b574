import { createSigner, createVerifier, TokenError } from 'fast-jwt';

/**
 * Signed tokens of one kind (RFC 7519, hardened as RFC 8725 advises): one algorithm, one audience, an explicit type of its
 * own. A token of another kind, another algorithm or without an end is not accepted.
 */
export type SignedTokens<Claims extends object> = {
  sign(claims: Claims, seconds: number): string;
  /** The claims, or null for anything that is not a valid token of this kind. */
  verify(token: string): Claims | null;
  /** The same, for a caller who is told more: `expired` is said of what was signed by us and is over. */
  judge(token: string): Claims | 'expired' | 'invalid';
};

/** The same without an end: one claim, one text, however often it is signed. */
export type EndlessTokens<Claims extends object> = {
  sign(claims: Claims): string;
  verify(token: string): Claims | null;
};

export type TokenKind<Claims> = {
  key: Buffer;
  type: string;
  audience: string;
  /** Says whether what was signed has the shape of the claims: a key may outlive a version. */
  isClaims: (payload: object) => payload is Claims & object;
};

const algorithm = 'HS256';

export function signedTokens<Claims extends object>(kind: TokenKind<Claims>): SignedTokens<Claims> {
  const { key, type, audience } = kind;
  const judge = judgeOf(kind, ['exp', 'aud']);
  return {
    sign: (claims, seconds) =>
      createSigner({
        key,
        algorithm,
        aud: audience,
        expiresIn: seconds * 1_000,
        header: { alg: algorithm, typ: type },
      })(claims),
    // Forged, expired, of another kind: most callers are told the same, whichever it was.
    verify: (token) => claimsOf(judge(token)),
    judge,
  };
}

export function endlessTokens<Claims extends object>(kind: TokenKind<Claims>): EndlessTokens<Claims> {
  const { key, type, audience } = kind;
  const judge = judgeOf(kind, ['aud']);
  const signer = createSigner({
    key,
    algorithm,
    aud: audience,
    noTimestamp: true,
    header: { alg: algorithm, typ: type },
  });
  return { sign: (claims) => signer(claims), verify: (token) => claimsOf(judge(token)) };
}

function judgeOf<Claims extends object>(
  { key, type, audience, isClaims }: TokenKind<Claims>,
  requiredClaims: string[],
): (token: string) => Claims | 'expired' | 'invalid' {
  const verifier = createVerifier({
    key,
    algorithms: [algorithm],
    allowedAud: audience,
    checkTyp: type,
    requiredClaims,
    cache: 10_000,
  });
  return (token) => {
    try {
      const payload: unknown = verifier(token);
      return typeof payload === 'object' && payload !== null && isClaims(payload) ? payload : 'invalid';
    } catch (error) {
      // Its signature is checked before its end.
      return error instanceof TokenError && error.code === TokenError.codes.expired ? 'expired' : 'invalid';
    }
  };
}

const claimsOf = <Claims extends object>(verdict: Claims | 'expired' | 'invalid'): Claims | null =>
  typeof verdict === 'object' ? verdict : null;
