import type { Role } from '../climate.ts';
import { Bank } from './bank.ts';
import { Hall, LeaseTable } from './hall.ts';
import { Journal } from './journal.ts';
import { PartnerDesk } from './partner-desk.ts';
import { SagaTable } from './saga-table.ts';
import { delivers, drives, expires, findsUsers, handles, type Statements } from './statements.ts';

/** Every table of every service, and the statements that reach it. */
export class Tables {
  readonly accounts = new Set<string>();
  readonly sagas: SagaTable;
  readonly hall: Hall;
  readonly bank: Bank;
  readonly desk: PartnerDesk;
  readonly journals: Readonly<Record<'concert' | 'payment' | 'partner', Journal>>;
  readonly statements: Record<Exclude<Role, 'gateway'>, Statements>;

  constructor(now: () => number, holdSeconds: number) {
    this.sagas = new SagaTable(now);
    this.hall = new Hall(now, holdSeconds);
    this.bank = new Bank(now);
    this.desk = new PartnerDesk(now);
    const [concert, payment, partner] = [
      new Journal(this.hall),
      new Journal(this.bank),
      new Journal(this.desk),
    ];
    this.journals = { concert, payment, partner };
    this.statements = {
      orchestrator: drives(this.sagas),
      user: findsUsers(this.accounts),
      concert: { ...handles(concert), ...expires(this.hall, new LeaseTable(now)) },
      payment: handles(payment),
      partner: { ...handles(partner), ...delivers(this.desk) },
    };
  }
}
