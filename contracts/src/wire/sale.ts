import type { MessageInitShape } from '@bufbuild/protobuf';
import { SaleState } from '../generated/tutti/concert/v1/concert_pb.ts';
import {
  AdmissionState as WireState,
  ChangeSaleResponse_Refusal,
  ChangeSaleResponseSchema,
  SaleResponseSchema,
  WaitingRoomSaleSchema,
  type AdmissionQuestion as WireQuestion,
  type AdmissionRecord as WireRecord,
  type ChangeSaleRequest,
  type ChangeSaleResponse,
  type SaleResponse,
  type SaleView as WireView,
  type WaitingRoomSale,
} from '../generated/tutti/concert/v1/sale_pb.ts';
import type {
  AdmissionQuestion,
  AdmissionRecord,
  AdmissionState,
  Sale,
  SaleAct,
  SaleChange,
  SaleView,
} from '../waiting-room.ts';
import { given, words } from './words.ts';

export { SaleService } from '../generated/tutti/concert/v1/sale_pb.ts';

const states = words({
  open: SaleState.OPEN,
  paused: SaleState.PAUSED,
  closed: SaleState.CLOSED,
} satisfies Record<Sale['state'], SaleState>);

const shownStates = words({
  scheduled: SaleState.SCHEDULED,
  open: SaleState.OPEN,
  paused: SaleState.PAUSED,
  closed: SaleState.CLOSED,
} satisfies Record<SaleView['state'], SaleState>);

export const admissionStates = words({
  inside: WireState.INSIDE,
  holding: WireState.HOLDING,
  over: WireState.OVER,
} satisfies Record<AdmissionState, WireState>);

const changeRefusals = words({
  not_found: ChangeSaleResponse_Refusal.NOT_FOUND,
  no_waiting_room: ChangeSaleResponse_Refusal.NO_WAITING_ROOM,
});

export const saleToWire = (sale: Sale): MessageInitShape<typeof WaitingRoomSaleSchema> => ({
  ...sale,
  state: states.toWire(sale.state),
});

export const saleFromWire = (sale: WaitingRoomSale): Sale => ({
  concertId: sale.concertId,
  state: states.fromWire(sale.state),
  opensAt: sale.opensAt,
  inside: sale.inside,
  pace: sale.pace,
  capacity: sale.capacity,
  held: sale.held,
  paid: sale.paid,
  seatsLeft: sale.seatsLeft.map(({ grade, price, left }) => ({ grade, price, left })),
});

export const recordFromWire = (record: WireRecord): AdmissionRecord => ({
  concertId: record.concertId,
  userId: record.userId,
  number: record.number,
  generation: record.generation,
  since: record.since,
});

export const questionToWire = ({ mayEnd, ...record }: AdmissionQuestion) => ({ record, mayEnd });

export const questionFromWire = ({ record, mayEnd }: WireQuestion): AdmissionQuestion => ({
  ...recordFromWire(given(record, 'an admission')),
  mayEnd,
});

const viewToWire = ({ waitingRoom, ...view }: SaleView) => ({
  ...view,
  state: shownStates.toWire(view.state),
  ...(waitingRoom && { waitingRoom }),
});

const viewFromWire = ({ concertId, state, opensAt, waitingRoom }: WireView): SaleView => ({
  concertId,
  state: shownStates.fromWire(state),
  opensAt,
  waitingRoom: waitingRoom ? { inside: waitingRoom.inside, pace: waitingRoom.pace } : null,
});

type Shown = { sale: SaleView; acts: SaleAct[] };

export const shownToWire = (shown: Shown | null): MessageInitShape<typeof SaleResponseSchema> =>
  shown
    ? {
        sale: viewToWire(shown.sale),
        acts: shown.acts.map(({ pace, ...act }) => ({
          ...act,
          state: states.toWire(act.state),
          pace: pace ?? undefined,
        })),
      }
    : {};

export const shownFromWire = ({ sale, acts }: SaleResponse): Shown | null =>
  sale
    ? {
        sale: viewFromWire(sale),
        acts: acts.map(({ at, userId, state, pace, reason }) => ({
          at,
          userId,
          state: states.fromWire(state),
          pace: pace ?? null,
          reason,
        })),
      }
    : null;

export const changeToWire = ({ state, ...change }: SaleChange) => ({
  ...change,
  ...(state !== undefined && { state: states.toWire(state) }),
});

export const changeFromWire = ({ state, pace, reason }: ChangeSaleRequest): SaleChange => ({
  ...(state !== undefined && { state: states.fromWire(state) }),
  ...(pace !== undefined && { pace }),
  reason,
});

type Changed = SaleView | 'not_found' | 'no_waiting_room';

export const changedToWire = (changed: Changed): MessageInitShape<typeof ChangeSaleResponseSchema> => ({
  result:
    typeof changed === 'string'
      ? { case: 'refusal', value: changeRefusals.toWire(changed) }
      : { case: 'sale', value: viewToWire(changed) },
});

export const changedFromWire = ({ result }: ChangeSaleResponse): Changed =>
  result.case === 'sale'
    ? viewFromWire(result.value)
    : changeRefusals.fromWire(result.value ?? ChangeSaleResponse_Refusal.UNSPECIFIED);
