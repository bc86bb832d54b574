import { DBOS } from '@dbos-inc/dbos-sdk';
import {
  assertStillOwnsWorkflow,
  initializeDataSourceSchemaPG,
  isPGRetriableTransactionError,
  registerDataSource,
  replayRecordedStep,
  runTransaction,
  type DataSourceTransactionHandler,
} from '@dbos-inc/dbos-sdk/datasource';
import { AsyncLocalStorage } from 'node:async_hooks';
import { Pool, type PoolClient, type PoolConfig } from 'pg';
import type { Run } from '../door/statements.ts';

/** Somebody else recorded this step first: what this transaction did is rolled back, what they recorded is the outcome. */
class RecordedByAnother extends Error {}

const current = new AsyncLocalStorage<PoolClient>();
const schema = 'dbos';

/**
 * A data source over node-postgres by the interface that DBOS describes for its plug-ins: the step's checkpoint is written in the
 * step's own transaction. It does not look for a checkpoint before (the insert finds it out), and leaves those of finished
 * workflows where they are: both save DBOS a round trip.
 */
export class NodePostgresSource implements DataSourceTransactionHandler {
  readonly name: string;
  readonly #pool: Pool;

  constructor(name: string, config: PoolConfig) {
    this.name = name;
    this.#pool = new Pool(config);
    this.#pool.on('error', () => {});
    registerDataSource(this);
  }

  async initialize(): Promise<void> {
    await this.#inTransaction((client) =>
      initializeDataSourceSchemaPG(async (sql) => {
        const result = await client.query<Record<string, unknown>>(sql);
        return result.rows;
      }, schema),
    );
  }

  destroy(): Promise<void> {
    return this.#pool.end();
  }

  /** A step of the running workflow, in one transaction with its checkpoint. */
  transaction<T>(name: string, work: (run: Run) => Promise<T>): Promise<T> {
    return runTransaction(
      () => {
        const client = current.getStore();
        if (!client) throw new Error('There is no transaction.');
        return work(runOn(client));
      },
      name,
      { dsName: this.name },
    );
  }

  /** A statement on its own, outside of any transaction. */
  get run(): Run {
    return runOn(this.#pool);
  }

  async invokeTransactionFunction<This, Args extends unknown[], Return>(
    _config: unknown,
    target: This,
    work: (this: This, ...args: Args) => Promise<Return>,
    ...args: Args
  ): Promise<Return> {
    const { workflowID, stepID } = DBOS;
    for (;;) {
      try {
        return await this.#inTransaction(async (client) => {
          const result = await current.run(client, () => work.call(target, ...args));
          if (workflowID !== undefined && stepID !== undefined)
            await record(client, workflowID, stepID, result);
          return result;
        });
      } catch (error) {
        if (isPGRetriableTransactionError(error)) continue;
        if (!(error instanceof RecordedByAnother) || workflowID === undefined) throw error;
        const { rows } = await this.#pool.query<{ output: string | null; error: string | null }>(
          `select output, error from ${schema}.transaction_completion where workflow_id = $1 and function_num = $2`,
          [workflowID, stepID],
        );
        return replayRecordedStep<Return>(rows[0] ?? {});
      }
    }
  }

  async #inTransaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let broken = false;
    try {
      await client.query('begin');
      const result = await work(client);
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback').catch(() => {
        broken = true;
      });
      throw error;
    } finally {
      client.release(broken);
    }
  }
}

async function record(client: PoolClient, workflow: string, step: number, result: unknown): Promise<void> {
  const { rowCount } = await client.query({
    name: 'record_step',
    text: `insert into ${schema}.transaction_completion (workflow_id, function_num, output) values ($1, $2, $3)
           on conflict (workflow_id, function_num) do nothing`,
    // As DBOS reads it back: SuperJSON of plain JSON.
    values: [workflow, step, JSON.stringify({ json: result })],
  });
  if (rowCount === 0) throw new RecordedByAnother();
  await assertStillOwnsWorkflow(workflow);
}

const runOn =
  (client: Pick<PoolClient, 'query'>): Run =>
  async <R extends Record<string, unknown>>(text: string, values: unknown[], name: string): Promise<R[]> => {
    const result = await client.query<R>({ text, values, name });
    return result.rows;
  };
