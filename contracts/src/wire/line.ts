import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  AdmitResponse_Refusal,
  AdmitResponseSchema,
  JoinResponse_Refusal,
  JoinResponseSchema,
  PlaceStatus,
  type AdmitResponse,
  type JoinResponse,
  type Place as WirePlace,
} from '../generated/tutti/line/v1/line_pb.ts';
import type { AdmissionRefusal, Admitted, JoinRefusal, NotYourTurn, Place } from '../waiting-room.ts';
import { words } from './words.ts';

export { LineService } from '../generated/tutti/line/v1/line_pb.ts';

const statuses = words({
  pre_queue: PlaceStatus.PRE_QUEUE,
  waiting: PlaceStatus.WAITING,
  admitted: PlaceStatus.ADMITTED,
} satisfies Record<Place['status'], PlaceStatus>);

const joinRefusals = words({
  no_waiting_room: JoinResponse_Refusal.NO_WAITING_ROOM,
  sold_out: JoinResponse_Refusal.SOLD_OUT,
  sale_closed: JoinResponse_Refusal.SALE_CLOSED,
} satisfies Record<JoinRefusal, JoinResponse_Refusal>);

const admissionRefusals = words({
  no_waiting_room: AdmitResponse_Refusal.NO_WAITING_ROOM,
  queue_token_invalid: AdmitResponse_Refusal.QUEUE_TOKEN_INVALID,
  sale_paused: AdmitResponse_Refusal.SALE_PAUSED,
  sale_closed: AdmitResponse_Refusal.SALE_CLOSED,
  sold_out: AdmitResponse_Refusal.SOLD_OUT,
  overloaded: AdmitResponse_Refusal.OVERLOADED,
} satisfies Record<Exclude<AdmissionRefusal, NotYourTurn>['code'], AdmitResponse_Refusal>);

export const joinedToWire = (joined: Place | JoinRefusal): MessageInitShape<typeof JoinResponseSchema> => {
  if (typeof joined === 'string') return { result: { case: 'refusal', value: joinRefusals.toWire(joined) } };
  const { queueToken, isNew, status, ahead, estimatedWaitSeconds: wait } = joined;
  return {
    result: {
      case: 'place',
      value: {
        queueToken,
        isNew,
        status: statuses.toWire(status),
        position: joined.status === 'pre_queue' ? joined.arrival : joined.number,
        ahead,
        waitLowSeconds: wait.low,
        waitHighSeconds: wait.high,
      },
    },
  };
};

export const joinedFromWire = ({ result }: JoinResponse): Place | JoinRefusal =>
  result.case === 'place'
    ? placeFromWire(result.value)
    : joinRefusals.fromWire(result.value ?? JoinResponse_Refusal.UNSPECIFIED);

function placeFromWire({ position, ...place }: WirePlace): Place {
  const status = statuses.fromWire(place.status);
  const { queueToken, isNew, ahead, waitLowSeconds: low, waitHighSeconds: high } = place;
  const known = { queueToken, isNew, ahead, estimatedWaitSeconds: { low, high } };
  return status === 'pre_queue'
    ? { ...known, status, arrival: position }
    : { ...known, status, number: position };
}

type Answer = Admitted | AdmissionRefusal;

export const admittedToWire = (answer: Answer): MessageInitShape<typeof AdmitResponseSchema> => {
  if ('admissionToken' in answer) return { result: { case: 'admitted', value: answer } };
  return answer.code === 'not_your_turn'
    ? { result: { case: 'notYourTurn', value: answer } }
    : { result: { case: 'refusal', value: admissionRefusals.toWire(answer.code) } };
};

export function admittedFromWire({ result }: AdmitResponse): Answer {
  if (result.case === 'admitted') {
    const { admissionToken, expiresAt } = result.value;
    return { admissionToken, expiresAt };
  }
  if (result.case === 'notYourTurn') {
    const { ahead, retryAfterSeconds } = result.value;
    return { code: 'not_your_turn', ahead, retryAfterSeconds };
  }
  return { code: admissionRefusals.fromWire(result.value ?? AdmitResponse_Refusal.UNSPECIFIED) };
}
