export { accessToken, isCaller } from './access-token.ts';
export {
  admissionToken,
  isAdmissionClaims,
  isQueueClaims,
  queueToken,
  type AdmissionClaims,
  type QueueClaims,
} from './admission-token.ts';
export { packSeats, seatChanges, seatCodeAt, seatCodes, type SeatChange } from './availability.ts';
export { effect, reads, type Command, type None, type Refusals } from './command.ts';
export { concert, partner, payment, user, type Admission, type PartnerEvent, type Seat } from './commands.ts';
export { isRefusalCode, problem, refusals, type Problem, type RefusalCode } from './refusals.ts';
export type {
  Account,
  Availability,
  Caller,
  Concert,
  ConcertEdit,
  ConcertQueries,
  Delivery,
  KnownAvailability,
  Operation,
  OperationQueries,
  OperationStep,
  Page,
  PartnerQueries,
  PaymentQueries,
  OnePerformance,
  Performance,
  PointEntry,
  Reservation,
  Role,
  SeatList,
  SeatStatus,
  Session,
  TicketFacts,
  Translation,
  UserQueries,
} from './queries.ts';
export type {
  AdmissionQuestion,
  AdmissionRecord,
  AdmissionRefusal,
  AdmissionState,
  Admitted,
  GradeStock,
  GuardedPerformance,
  JoinRefusal,
  NotYourTurn,
  Place,
  Sale,
  SaleAct,
  SaleChange,
  SaleControls,
  SaleQueries,
  SaleView,
  WaitingRoomQueries,
} from './waiting-room.ts';
