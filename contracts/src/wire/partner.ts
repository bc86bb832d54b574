import type { Delivery as WireDelivery } from '../generated/tutti/partner/v1/partner_pb.ts';
import type { Delivery } from '../queries.ts';

export { PartnerService } from '../generated/tutti/partner/v1/partner_pb.ts';

export const deliveryToWire = ({ lastError, setAsideAt, ...delivery }: Delivery) => ({
  ...delivery,
  lastError: lastError ?? undefined,
  setAsideAt: setAsideAt ?? undefined,
});

export const deliveryFromWire = (delivery: WireDelivery): Delivery => ({
  deliveryId: delivery.deliveryId,
  reservationId: delivery.reservationId,
  type: delivery.type,
  createdAt: delivery.createdAt,
  attempts: delivery.attempts,
  lastError: delivery.lastError ?? null,
  nextAttemptAt: delivery.nextAttemptAt,
  setAsideAt: delivery.setAsideAt ?? null,
});
