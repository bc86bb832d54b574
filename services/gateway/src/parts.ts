import type {
  ConcertQueries,
  OperationQueries,
  PartnerQueries,
  PaymentQueries,
  SaleControls,
  UserQueries,
  WaitingRoomQueries,
} from '@tutti/contracts';
import type { TicketSigner } from '@tutti/contracts/ticket';
import type { Log } from '@tutti/kit/service';
import type { ServiceTelemetry } from '@tutti/kit/telemetry';
import type { AdmissionGate } from './admission-gate.ts';
import type { Callers } from './callers.ts';
import type { Effects } from './effects.ts';
import type { LoadShedder } from './load-shedder.ts';
import type { RateLimits } from './rate-limits.ts';
import type { MetricsDoor } from './routes/metrics.ts';
import type { Seating } from './seating/seating.ts';

/** A stand-in for the promoter's own system, so that the whole way can be seen on one machine. */
export type PartnerReceiver = {
  receive(headers: { id: string; timestamp: string; signature: string }, body: string): Promise<boolean>;
  list(most: number, reservationId: string | null): Promise<object[]>;
};

/** What the routes are built from. */
export type GatewayParts = {
  readonly log: Log;
  readonly users: UserQueries;
  readonly concerts: ConcertQueries;
  readonly payments: PaymentQueries;
  readonly operations: OperationQueries;
  readonly deliveries: PartnerQueries;
  readonly sales: SaleControls;
  readonly line: WaitingRoomQueries;
  readonly admissions: AdmissionGate;
  readonly effects: Effects;
  readonly callers: Callers;
  readonly rateLimits: RateLimits;
  readonly loadShedder: LoadShedder;
  readonly seating: Seating;
  readonly tickets: TicketSigner;
  readonly partnerStub: PartnerReceiver | null;
  /** Runs the rest of a request within its trace, where queries leave this process. */
  readonly withinTrace?: (<T>(traceparent: string | undefined, work: () => T) => T) | undefined;
  readonly chargesEnabled: boolean;
  /** Names and checks of the parts behind `/readyz`. */
  readonly checks: Readonly<Record<string, () => Promise<void>>>;
  readonly telemetry?: ServiceTelemetry | undefined;
  /** The folder of the fans' web app; none where nobody built it. */
  readonly webDir?: string | undefined;
  /** None: where a process has a private door for it. */
  readonly metrics?: MetricsDoor | undefined;
};
