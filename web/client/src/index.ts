export * from './errors.ts';
export type * from './types.ts';
export type * from './wire.generated.ts';
