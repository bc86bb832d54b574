import type { MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import {
  DeleteAccountResponse_Result,
  DeleteAccountResponseSchema,
  Role as WireRole,
  SignInResponse_Refusal,
  SignInResponseSchema,
  SignUpResponse_Refusal,
  SignUpResponseSchema,
  type Account as WireAccount,
} from '../generated/tutti/user/v1/user_pb.ts';
import type { Account, Role, UserQueries } from '../queries.ts';
import { words } from './words.ts';

export { UserService } from '../generated/tutti/user/v1/user_pb.ts';

type Answer<Method extends keyof UserQueries> = Awaited<ReturnType<UserQueries[Method]>>;

export const roles = words({
  fan: WireRole.FAN,
  promoter: WireRole.PROMOTER,
  operator: WireRole.OPERATOR,
} satisfies Record<Role, WireRole>);

const signUpRefusals = words({
  email_taken: SignUpResponse_Refusal.EMAIL_TAKEN,
  overloaded: SignUpResponse_Refusal.OVERLOADED,
});

const signInRefusals = words({
  invalid_credentials: SignInResponse_Refusal.INVALID_CREDENTIALS,
  overloaded: SignInResponse_Refusal.OVERLOADED,
});

const deletions = words({
  deleted: DeleteAccountResponse_Result.DELETED,
  invalid_credentials: DeleteAccountResponse_Result.INVALID_CREDENTIALS,
  overloaded: DeleteAccountResponse_Result.OVERLOADED,
});

export const accountToWire = (account: Account) => ({ ...account, role: roles.toWire(account.role) });

export const accountFromWire = ({ userId, name, email, role }: WireAccount): Account => ({
  userId,
  name,
  email,
  role: roles.fromWire(role),
});

export const signUpToWire = (answer: Answer<'signUp'>): MessageInitShape<typeof SignUpResponseSchema> => ({
  result:
    typeof answer === 'string'
      ? { case: 'refusal', value: signUpRefusals.toWire(answer) }
      : { case: 'account', value: answer },
});

export function signUpFromWire({ result }: MessageShape<typeof SignUpResponseSchema>): Answer<'signUp'> {
  if (result.case !== 'account') return signUpRefusals.fromWire(result.value ?? 0);
  const { userId, name, email } = result.value;
  return { userId, name, email };
}

export const signInToWire = (answer: Answer<'signIn'>): MessageInitShape<typeof SignInResponseSchema> => ({
  result:
    typeof answer === 'string'
      ? { case: 'refusal', value: signInRefusals.toWire(answer) }
      : { case: 'session', value: answer },
});

export function signInFromWire({ result }: MessageShape<typeof SignInResponseSchema>): Answer<'signIn'> {
  if (result.case !== 'session') return signInRefusals.fromWire(result.value ?? 0);
  const { accessToken, expiresAt, userId } = result.value;
  return { accessToken, expiresAt, userId };
}

export const deletionToWire = (
  answer: Answer<'deleteAccount'>,
): MessageInitShape<typeof DeleteAccountResponseSchema> => ({ result: deletions.toWire(answer) });

export const deletionFromWire = ({
  result,
}: MessageShape<typeof DeleteAccountResponseSchema>): Answer<'deleteAccount'> => deletions.fromWire(result);
