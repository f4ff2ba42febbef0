export * from './context.tsx';
export * from './hooks.ts';
