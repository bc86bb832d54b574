/**
 * Every code a client can meet, once: its HTTP status and what it says in English and Korean. Titles and details on the
 * wire are English; clients translate by code.
 */
const refusal = (status: number, en: string, ko: string) => ({ status, en, ko });

export const refusals = {
  invalid_request: refusal(400, 'The request is not valid.', '요청이 올바르지 않습니다.'),
  invalid_cursor: refusal(400, 'The cursor is not one this list gave.', '목록 위치 값이 올바르지 않습니다.'),
  idempotency_key_missing: refusal(
    400,
    'This request needs an Idempotency-Key header.',
    'Idempotency-Key 헤더가 필요합니다.',
  ),
  idempotency_key_invalid: refusal(
    400,
    'An Idempotency-Key is 1 to 255 visible ASCII characters.',
    'Idempotency-Key는 1~255자의 ASCII 문자여야 합니다.',
  ),
  unauthenticated: refusal(401, 'Sign in first.', '먼저 로그인해 주세요.'),
  invalid_credentials: refusal(401, 'E-mail or password is wrong.', '이메일 또는 비밀번호가 맞지 않습니다.'),
  user_not_found: refusal(401, 'This account no longer exists.', '존재하지 않는 계정입니다.'),
  insufficient_points: refusal(402, 'There are not enough points.', '포인트가 부족합니다.'),
  charges_disabled: refusal(403, 'Points cannot be charged here.', '여기서는 포인트를 충전할 수 없습니다.'),
  csrf_rejected: refusal(
    403,
    'The request did not come from our own pages.',
    '허용되지 않은 출처의 요청입니다.',
  ),
  queue_token_invalid: refusal(
    403,
    'This is not your place in this line; join again.',
    '이 대기열의 본인 대기표가 아닙니다. 다시 줄을 서 주세요.',
  ),
  admission_required: refusal(
    403,
    'This concert has a waiting room; wait for your turn first.',
    '대기열이 있는 공연입니다. 먼저 입장 순서를 기다려 주세요.',
  ),
  admission_expired: refusal(
    403,
    'Your time inside is over; what you hold can still be paid.',
    '입장 시간이 끝났습니다. 선점한 좌석은 결제할 수 있습니다.',
  ),
  admission_invalid: refusal(
    403,
    'This admission is not valid any more, or not yours.',
    '유효하지 않은 입장권입니다.',
  ),
  role_required: refusal(403, 'This account may not do that.', '이 계정에는 권한이 없습니다.'),
  not_found: refusal(404, 'There is nothing here.', '찾을 수 없습니다.'),
  concert_not_found: refusal(404, 'There is no such concert.', '공연을 찾을 수 없습니다.'),
  performance_not_found: refusal(404, 'There is no such performance.', '공연 회차를 찾을 수 없습니다.'),
  seat_not_found: refusal(404, 'There is no such seat at this performance.', '이 회차에 없는 좌석입니다.'),
  delivery_not_found: refusal(404, 'There is no such delivery waiting.', '대기 중인 전송 내역이 없습니다.'),
  operation_not_found: refusal(404, 'There is no such operation.', '요청 내역을 찾을 수 없습니다.'),
  reservation_not_found: refusal(404, 'There is no such reservation.', '예약을 찾을 수 없습니다.'),
  method_not_allowed: refusal(405, 'This address does not take that method.', '허용되지 않는 메서드입니다.'),
  request_timeout: refusal(
    408,
    'The request did not arrive in time.',
    '요청이 제시간에 도착하지 않았습니다.',
  ),
  email_taken: refusal(409, 'An account with this e-mail address exists.', '이미 가입된 이메일입니다.'),
  seat_unavailable: refusal(409, 'Another fan holds a seat you chose.', '이미 선택된 좌석입니다.'),
  seat_limit_exceeded: refusal(
    409,
    'A fan may hold six seats of one performance.',
    '한 회차에 한 사람이 가질 수 있는 좌석은 6석까지입니다.',
  ),
  sale_not_open: refusal(409, 'The sale has not opened yet.', '아직 예매가 시작되지 않았습니다.'),
  sale_closed: refusal(409, 'The sale is closed.', '예매가 종료되었습니다.'),
  sale_paused: refusal(
    409,
    'The sale is paused; your place is kept.',
    '예매가 잠시 중단되었습니다. 대기 순서는 유지됩니다.',
  ),
  sold_out: refusal(409, 'Every seat is sold.', '모든 좌석이 매진되었습니다.'),
  no_waiting_room: refusal(409, 'This concert has no waiting room.', '대기열이 없는 공연입니다.'),
  not_your_turn: refusal(409, 'It is not your turn yet.', '아직 입장 순서가 아닙니다.'),
  reservation_expired: refusal(
    409,
    'The hold has ended; choose seats again.',
    '좌석 선점 시간이 끝났습니다. 다시 선택해 주세요.',
  ),
  reservation_cancelled: refusal(409, 'This reservation was cancelled.', '취소된 예약입니다.'),
  reservation_unpaid: refusal(409, 'This reservation is not paid yet.', '아직 결제되지 않은 예약입니다.'),
  already_paid: refusal(409, 'This reservation is paid.', '이미 결제된 예약입니다.'),
  payment_in_progress: refusal(
    409,
    'A payment of this reservation is under way.',
    '이 예약의 결제가 진행 중입니다.',
  ),
  cancellation_closed: refusal(
    409,
    'The performance has begun; it cannot be cancelled.',
    '공연이 시작되어 취소할 수 없습니다.',
  ),
  account_has_reservations: refusal(
    409,
    'Cancel your reservations first.',
    '진행 중인 예약이 있습니다. 먼저 취소해 주세요.',
  ),
  balance_limit: refusal(
    409,
    'A wallet holds at most 1,000,000,000 points.',
    '보유 가능한 포인트 한도를 넘었습니다.',
  ),
  idempotency_in_flight: refusal(
    409,
    'The request with this Idempotency-Key is still running.',
    '같은 키의 요청이 아직 처리 중입니다.',
  ),
  version_conflict: refusal(
    412,
    'It was changed by somebody else; read it again.',
    '다른 사람이 먼저 수정했습니다. 다시 불러와 주세요.',
  ),
  payload_too_large: refusal(413, 'The request is too large.', '요청이 너무 큽니다.'),
  unsupported_media_type: refusal(415, 'Send application/json.', 'application/json 형식으로 보내 주세요.'),
  idempotency_key_reused: refusal(
    422,
    'This Idempotency-Key was used for another request.',
    '이미 다른 요청에 사용된 Idempotency-Key입니다.',
  ),
  version_required: refusal(
    428,
    'Send If-Match with the version you read.',
    '읽은 버전을 If-Match 헤더로 보내 주세요.',
  ),
  rate_limited: refusal(
    429,
    'Too many requests; wait a moment.',
    '요청이 너무 많습니다. 잠시 후 다시 시도해 주세요.',
  ),
  header_too_large: refusal(431, 'The address or the headers are too long.', '주소 또는 헤더가 너무 깁니다.'),
  internal_error: refusal(500, 'Something broke on our side.', '서버 오류가 발생했습니다.'),
  overloaded: refusal(
    503,
    'We are at our limit; try again shortly.',
    '접속이 많습니다. 잠시 후 다시 시도해 주세요.',
  ),
  timed_out: refusal(
    503,
    'It took too long and was undone; try again with a new key.',
    '처리 시간이 초과되어 취소되었습니다. 다시 시도해 주세요.',
  ),
  outcome_unknown: refusal(
    504,
    'Whether it was accepted is not known; repeat it with the same key.',
    '처리 여부를 알 수 없습니다. 같은 키로 다시 요청해 주세요.',
  ),
} as const;

export type RefusalCode = keyof typeof refusals;

export const isRefusalCode = (code: string): code is RefusalCode => Object.hasOwn(refusals, code);

export type Problem = {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: RefusalCode;
  traceId: string;
} & Record<string, unknown>;

/** An RFC 9457 problem. `data` is what the client needs to act; its keys keep their order, so equal input is equal bytes. */
export function problem(code: RefusalCode, traceId: string, data: object = {}, detail?: string): Problem {
  const { status, en } = refusals[code];
  const title = code.replaceAll('_', ' ');
  return { type: `/problems/${code}`, title, status, detail: detail ?? en, code, traceId, ...data };
}
