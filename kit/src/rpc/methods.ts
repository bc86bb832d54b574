import type {
  DescMessage,
  DescMethod,
  DescService,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';

/** What a handler may know of the call it answers. */
export type RunningCall = {
  /** Epoch milliseconds; Infinity when the caller set none. */
  readonly deadline: number;
  readonly remainingMs: () => number;
};

type Unary<Methods> = {
  [Name in keyof Methods as Methods[Name] extends { methodKind: 'unary' } ? Name : never]: Methods[Name];
};
type Typed = { input: DescMessage; output: DescMessage };

/** How a service is answered, method by method. A refusal is a result; what is thrown is a fault. */
export type Handlers<Service extends DescService> = {
  readonly [Name in keyof Unary<Service['method']>]: Unary<Service['method']>[Name] extends Typed
    ? (
        request: MessageShape<Unary<Service['method']>[Name]['input']>,
        call: RunningCall,
      ) => Promise<MessageInitShape<Unary<Service['method']>[Name]['output']>>
    : never;
};

/** How a service is asked. Rejects with RpcError. */
export type Calls<Service extends DescService> = {
  readonly [Name in keyof Unary<Service['method']>]: Unary<Service['method']>[Name] extends Typed
    ? (
        request: MessageInitShape<Unary<Service['method']>[Name]['input']>,
      ) => Promise<MessageShape<Unary<Service['method']>[Name]['output']>>
    : never;
};

export const pathOf = ({ parent, name }: DescMethod): string => `/${parent.typeName}/${name}`;
export const unaryOf = (service: DescService): DescMethod[] =>
  service.methods.filter(({ methodKind }) => methodKind === 'unary');

/** The same bytes as the Buffer that grpc-js wants; nothing is copied. */
export const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
/** For grpc-js, which we hand bytes. */
export const asItIs = (bytes: Buffer): Buffer => bytes;

/** A hall of 60,000 places in one list has room. */
export const messageBytesMax = 16 * 1024 * 1024;
